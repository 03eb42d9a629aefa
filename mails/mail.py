"""A mail to people."""

from dataclasses import dataclass
from typing import Final

RECIPIENT: Final = "recipient"
"""The attribute by which a subscription of SNS lets a message through: a mail address in lower case."""


@dataclass(frozen=True)
class Image:
    """A PNG inside a mail, which its HTML shows as `cid:<name>`."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One message in both of its forms. `subject` is a single line."""

    subject: str
    text: str
    html: str
    images: tuple[Image, ...] = ()
