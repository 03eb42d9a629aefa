"""An endpoint that answers, stalls, fails or goes away as it is told, and looks at every signature."""

import asyncio
import hashlib
import hmac
import ssl
import sys
import threading
import time
from collections.abc import Callable
from functools import cache

REGION, KEY, SECRET = "eu-central-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
Headers = dict[str, str]
Answering = Callable[[str], bytes]


def answer(body: str, status: str = "200 OK", headers: str = "x-amzn-Invoked-Production-Variant: model-a\r\n") -> bytes:
    """A whole answer as it goes over the wire."""
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n{body}".encode()


RIGHT, UNSIGNED = answer("1\n"), answer("bad signature", "403 Forbidden", "x-amzn-ErrorType: AccessDenied:http\r\n")


class Speaker(asyncio.Protocol):
    """One connection."""

    def __init__(self, stub: "Stub") -> None:
        self._stub, self._rest = stub, b""

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._stub.connections.add(transport)

    def connection_lost(self, exc) -> None:
        self._stub.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, _, rest = self._rest.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = int(headers["content-length"])
            if len(rest) < size:
                return
            body, self._rest = rest[:size], rest[size:]
            self._stub.headers = headers
            self._stub.asked += 1
            right = signed(first.split(" ")[1], headers, body)
            said = self._stub.answering(body.decode()) if right else UNSIGNED
            if said:
                self._transport.write(said)


class Stub:
    """Runs in a thread of its own. ``answering`` is asked for each answer; an empty one means silence."""

    def __init__(self, answering: Answering = lambda _row: RIGHT, tls: ssl.SSLContext | None = None) -> None:
        self.answering, self.asked, self._tls = answering, 0, tls
        self.headers: Headers = {}
        self.connections: set = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(0), self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    def stall(self, seconds: float) -> None:
        """Do nothing at all for a while, beginning now."""
        self._loop.call_soon_threadsafe(time.sleep, seconds)

    def hang_up(self) -> None:
        """Close every connection without a word."""
        self._loop.call_soon_threadsafe(lambda: [each.abort() for each in list(self.connections)])

    async def serve(self, port: int) -> None:
        """Until cancelled; prints the port."""
        server = await self._listen(port)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _listen(self, port: int):
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Speaker(self), "127.0.0.1", port, backlog=1024, ssl=self._tls)

    async def _close(self) -> None:
        self._server.close()
        for each in list(self.connections):
            each.abort()
        await asyncio.sleep(0)


def signed(path: str, headers: Headers, body: bytes) -> bool:
    """Whether a request has the signature that AWS's description of it leads to."""
    fields = dict(part.split("=", 1) for part in headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", "))
    scope, stamp = fields["Credential"].partition("/")[2], headers["x-amz-date"]
    lines = "".join(f"{name}:{headers[name]}\n" for name in fields["SignedHeaders"].split(";"))
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n{path}\n\n{lines}\n{fields['SignedHeaders']}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(_key(scope), text.encode(), "sha256").hexdigest() == fields["Signature"]


@cache
def _key(scope: str) -> bytes:
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key


if __name__ == "__main__":
    asyncio.run(Stub().serve(int(sys.argv[1])))
