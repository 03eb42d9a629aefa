"""Reads Parquet in a process of its own: `python -m container.serving.parquet_process`.

Parquet claims sizes, and its reader is a large library of another language. What bytes that were made to break it do to
it, they do to a process that holds no client's connection, whose memory is bounded, and that is replaced. And most
servers never get such a request: they have neither the library's memory nor its start.

On the pipes, in both directions: a status (0 for what can be read, else HTTP's), the length of what follows, and that.
There: the schema once, then bodies. Back: rows as 32-bit numbers, or the reason of a refusal.
"""

import os
import resource
import select
import struct
import subprocess
import sys
import threading
from http import HTTPStatus
from pathlib import Path
from typing import IO, Final

import numpy as np

from container.predictor import Rows
from container.schema import Schema
from container.serving.records import invalid
from container.serving.rejections import RejectedRequest

_HEADER: Final = struct.Struct("<HI")
_READ: Final = 0
_PROGRAM: Final = Path(__file__).parents[2]
_MEMORY_BYTES: Final = 3 * 1024**3
# Half of what InvokeEndpoint waits for an answer.
_ANSWER_SECONDS: Final = 30.0


class ParquetProcess:
    """The process's other side. It is started when it is needed, and again after it died."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, body: bytes) -> Rows:
        """The rows in `body`.

        Raises:
            RejectedRequest: 400, 413.
        """
        with self._lock:
            try:
                status, content = self._ask(body)
            except (OSError, EOFError) as fault:
                self.close()
                raise invalid("the body cannot be read as Parquet") from fault
        if status != _READ:
            raise RejectedRequest(HTTPStatus(status), content.decode())
        return np.frombuffer(content, dtype=np.float32).reshape(-1, self._schema.feature_count)

    def close(self) -> None:
        """End the process; the next body starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
            _send(self._process.stdin, _READ, self._schema.to_json().encode())
        _send(self._process.stdin, _READ, body)
        answers = self._process.stdout
        assert answers is not None  # noqa: S101 - a pipe
        ready, _, _ = select.select([answers], [], [], _ANSWER_SECONDS)
        if not ready:
            raise TimeoutError
        return _receive(answers)


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "container.serving.parquet_process"],
        cwd=_PROGRAM,
        # One thread: the other cores have workers of their own.
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the library prints where it failed, and with what
    )


def _send(pipe: IO[bytes] | None, status: int, content: bytes) -> None:
    assert pipe is not None  # noqa: S101
    pipe.write(_HEADER.pack(status, len(content)))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[int, bytes]:
    """Raises: EOFError, the other side is gone."""
    status, length = _HEADER.unpack(_exactly(pipe, _HEADER.size))
    return status, _exactly(pipe, length)


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    content = pipe.read(count)
    if len(content) < count:
        raise EOFError
    return content


def _answer_bodies(questions: IO[bytes], answers: IO[bytes]) -> None:
    from container.serving.parquet_rows import read_parquet  # noqa: PLC0415 - what this process is for

    schema = Schema.from_json(_receive(questions)[1])
    while True:
        _, body = _receive(questions)
        try:
            rows = read_parquet(body, schema)
        except RejectedRequest as rejection:
            _send(answers, rejection.status, rejection.reason.encode())
        else:
            _send(answers, _READ, rows.astype(np.float32, copy=False).tobytes())


def main() -> None:
    """Answer bodies until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        _answer_bodies(sys.stdin.buffer, sys.stdout.buffer)
    except (EOFError, BrokenPipeError):
        os._exit(0)


if __name__ == "__main__":
    main()
