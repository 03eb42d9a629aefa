"""A mail to people, and the layout that all of the product's mails share."""

from dataclasses import dataclass
from pathlib import Path

LAYOUTS = Path(__file__).with_name("layouts")
"""Jinja templates: `mail.html` (blocks preview, kind, headline, content, footer) and `mail_parts.html` (macros)."""


@dataclass(frozen=True)
class Mail:
    """One message in both of its forms. `subject` is a single line."""

    subject: str
    text: str
    html: str
