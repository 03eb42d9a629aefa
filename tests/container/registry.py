"""A registry that takes an image and keeps what it was sent: enough of the distribution API for one push."""

import hashlib
import ssl
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


@dataclass
class Registry:
    """Blobs by digest, uploads that are under way, and manifests (media type, body) by `name:tag`."""

    port: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@contextmanager
def running_registry(certificate: Path) -> Iterator[Registry]:
    """On a free port of the loopback interface, over TLS with a certificate (and its key, in one file) of localhost."""
    registry = Registry()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    class Handler(_Handler):
        kept = registry

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        registry.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kept: Registry

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/v2/" else 404)

    def do_HEAD(self) -> None:
        blob = self.kept.blobs.get(self.path.rpartition("/")[2])
        if blob is None:
            self._answer(404)
        else:
            self._answer(200, length=len(blob))

    def do_POST(self) -> None:
        self._body()
        upload = uuid.uuid4().hex
        self.kept.uploads[upload] = b""
        self._answer(202, Location=f"{self.path}{upload}")

    def do_PATCH(self) -> None:
        upload = self.path.rpartition("/")[2]
        self.kept.uploads[upload] += self._body()
        end = len(self.kept.uploads[upload]) - 1
        self._answer(202, Location=self.path, Range=f"0-{end}")

    def do_PUT(self) -> None:
        path = urlsplit(self.path)
        kind, _, name = path.path.rpartition("/")
        if kind.endswith("/manifests"):
            body = self._body()
            repository = kind.removeprefix("/v2/").removesuffix("/manifests")
            self.kept.manifests[f"{repository}:{name}"] = (self.headers["Content-Type"], body)
            self._answer(201, **{"Docker-Content-Digest": digest_of(body)})
        else:
            blob = self.kept.uploads.pop(name) + self._body()
            (digest,) = parse_qs(path.query)["digest"]
            fits = digest == digest_of(blob)
            if fits:
                self.kept.blobs[digest] = blob
            self._answer(201 if fits else 400)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, *, length: int = 0, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
