"""Puts the approval page where a function URL would."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.functions.approvals import Approvals


@contextlib.contextmanager
def served(approvals: Approvals, now: float) -> Iterator[str]:
    """The approval page behind a path, as some function URLs are; gives the address before a link id."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, body: bytes | None) -> None:
            cookies = [cookie.strip() for cookie in (self.headers.get("cookie") or "").split(";") if cookie.strip()]
            link, kind = self.path.removeprefix("/behind/a/path/"), self.headers.get("content-type")
            response = approvals.visit(link, self.command, now=now, cookies=cookies, body=body, content_type=kind)
            self.send_response(response["statusCode"])
            for name, value in (
                *response["headers"].items(),
                *(("set-cookie", cookie) for cookie in response["cookies"]),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response["body"].encode())

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests look at the pages."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/behind/a/path/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
