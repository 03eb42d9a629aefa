"""A real browser for the approval page and the mails, and a server that puts the page where a function URL would."""

import base64
import contextlib
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.functions.approvals import Approvals

PICTURES = Path(__file__).parents[2] / "build" / "pictures"
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


@dataclass(frozen=True)
class Look:
    """How somebody sees a page."""

    name: str
    width: int
    dark: bool = False
    phone: bool = False


PAGE_LOOKS = (
    Look("light", 1_000),
    Look("dark", 1_000, dark=True),
    Look("phone", 390, phone=True),
    Look("phone-dark", 390, dark=True, phone=True),
)
MAIL_LOOKS = (Look("light", 680), Look("dark", 680, dark=True), Look("phone", 390, phone=True))


class Chromium:
    """Headless Chromium as one person's browser."""

    def __init__(self, profile: Path) -> None:
        options = Options()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))

    def look(self, look: Look) -> None:
        """See pages that way from now on."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": look.width, "height": 800, "deviceScaleFactor": 2 if look.phone else 1, "mobile": look.phone},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if look.dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def show(self, html: str) -> None:
        """Open a mail, with pictures and everything else that would be loaded left out."""
        self.driver.get(f"data:text/html;charset=utf-8,{quote(html)}")

    def picture(self, name: str) -> Path:
        """The whole page as build/pictures/<name>.png."""
        taken = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        path.write_bytes(base64.b64decode(taken["data"]))
        return path

    def overflows(self) -> bool:
        """Whether the page is wider than the screen."""
        return bool(self.driver.execute_script("return document.documentElement.scrollWidth > window.innerWidth"))

    def complaints(self) -> list[str]:
        """What the browser refused or failed to do, such as a style that the page's policy forbids."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]


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
