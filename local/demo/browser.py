"""Answers the approval page as a browser would: loads it, keeps its cookies, fills in its form, and submits it."""

import re
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy


class UnexpectedPage(RuntimeError):
    """The page has no form of the expected kind."""


@dataclass
class Form:
    """A form's target and the fields it would send as loaded."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class Browser:
    """Keeps cookies from one page to the next."""

    def __init__(self) -> None:
        # The standard policy sends no secure cookie over plain HTTP; browsers do, to localhost.
        policy = DefaultCookiePolicy(secure_protocols=("https", "http"))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar(policy)))

    def load(self, link: str) -> str:
        """The page behind a link."""
        with self._opener.open(link, timeout=30) as page:
            return str(page.read().decode())

    def submit(self, link: str, form: Form, fields: dict[str, str]) -> str:
        """Send a form of the page at `link` with some fields filled in, and return the page that comes back."""
        target = urllib.parse.urljoin(link, form.action or link)
        with self._opener.open(target, urllib.parse.urlencode({**form.fields, **fields}).encode(), timeout=30) as page:
            return str(page.read().decode())


def answer(link: str, decision: str, release: str, comment: str) -> str:
    """Open the mailed link, type the release's name, decide, and return the page that comes back."""
    browser = Browser()
    form = read_form(browser.load(link))
    return browser.submit(link, form, {"decision": decision, "release": release, "comment": comment})


def read_form(html: str) -> Form:
    """The page's first POST form.

    Raises:
        UnexpectedPage: there is none.
    """
    reader = _FormReader()
    reader.feed(html)
    if reader.form is None:
        raise UnexpectedPage(f"the page has no form to decide with: {_words(html)}")
    return reader.form


def _words(html: str) -> str:
    return " ".join(re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL).split())[:500]


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and attributes.get("method", "").lower() == "post" and self.form is None:
            self.form = Form(attributes.get("action", ""))
            self._inside = True
        elif tag == "input" and self._inside and self.form is not None and attributes.get("type") == "hidden":
            self.form.fields[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
