"""How servers want a row, and where in their answer the class is."""

import json
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"\s*(\d+)")


@dataclass(frozen=True)
class Protocol:
    """`body` writes one or more lines of text/csv as a server wants them; the answer's class follows `marker`."""

    path: str
    media: str
    body: Callable[[str], str]
    marker: str

    def request(self, lines: str) -> bytes:
        """The whole HTTP request."""
        body = self.body(lines).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {self.media}\r\nAccept: {self.media}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def answered_class(self, body: str) -> int | None:
        """None when the body has no class where one belongs."""
        place = body.find(self.marker)
        number = _NUMBER.match(body, place + len(self.marker)) if place >= 0 else None
        return int(number[1]) if number else None


def _array(line: str) -> str:
    return json.dumps({"rows": [[float(field) for field in line.split(",")]]})


def _tensor(line: str) -> str:
    values = [float(field) for field in line.split(",")]
    tensor = {"name": "rows", "shape": [1, len(values)], "datatype": "FP32", "data": values}
    return json.dumps({"inputs": [tensor]})


CSV = Protocol("/invocations", "text/csv", lambda lines: lines, "")
ARRAY = Protocol("/invocations", "application/json", _array, "[")
OPEN_INFERENCE = Protocol("/v2/models/forest/infer", "application/json", _tensor, '"data":[')


def write_requests(path: Path, protocol: Protocol, lines: Iterable[str], classes: Iterable[int]) -> None:
    """As `generator.c` reads them."""
    with path.open("wb") as file:
        for line, expected in zip(lines, classes, strict=True):
            request = protocol.request(line)
            file.write(struct.pack("=Ii", len(request), expected) + request)
