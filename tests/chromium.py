"""A real browser for the pages and mails that people see."""

import base64
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

# A mail is a part of its reader's page: it has no landmarks of its own.
MAIL_GUIDELINES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
# The Web Content Accessibility Guidelines 2.2, levels A and AA, and what is good practice for a page of its own.
_GUIDELINES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
PICTURES = Path(__file__).parents[1] / "build" / "pictures"
DEADLINE_SECONDS = 20
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

    def take(self, looks: Sequence[Look], name: str, guidelines: Sequence[str] = _GUIDELINES) -> None:
        """A picture in every look, none of them wider than its screen, and none with barriers; ends in the first look."""
        for look in looks:
            self.look(look)
            assert not self.overflows(), f"{name} is wider than {look.name}"
            assert self.barriers(guidelines) == []
            assert self.picture(f"{name}-{look.name}").stat().st_size > 5_000
        self.look(looks[0])

    def barriers(self, guidelines: Sequence[str] = _GUIDELINES) -> list[str]:
        """What keeps people out who see, hear or move otherwise: axe-core's findings on the page as it looks now."""
        self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const [tags, done] = arguments; axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
            ".then(({violations}) => done(violations.flatMap(each => each.nodes.map("
            "node => `${each.id}: ${node.html} ${node.failureSummary}`))), fault => done([String(fault)]))",
            list(guidelines),
        )
        return [str(each) for each in found]

    def overflows(self) -> bool:
        """Whether the page is wider than the screen."""
        return bool(self.driver.execute_script("return document.documentElement.scrollWidth > window.innerWidth"))

    def body(self) -> str:
        """What the page says."""
        return str(self.driver.execute_script("return document.body.innerText"))

    def fill(self, **fields: str) -> None:
        """Fill in a form by mouse and typing: each field, by its name, with a text or with one of its choices."""
        for name, value in fields.items():
            field = self.driver.find_element(By.NAME, name)
            if field.get_attribute("type") == "radio":
                self.driver.find_element(By.CSS_SELECTOR, f"input[name={name}][value={value}]").click()
            else:
                field.send_keys(value)

    def press(self) -> None:
        """Press the page's button and wait for the page that comes."""
        button = self.driver.find_element(By.TAG_NAME, "button")
        button.click()
        self.leaves(button)

    def leaves(self, element: WebElement) -> None:
        """Wait until the page that an element was on is gone."""
        # Asked in the moment between two pages the driver has other words for it than later.
        between = (WebDriverException,)
        WebDriverWait(self.driver, DEADLINE_SECONDS, ignored_exceptions=between).until(staleness_of(element))

    def complaints(self) -> list[str]:
        """What the browser refused or failed to do, such as a style that the page's policy forbids."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]
