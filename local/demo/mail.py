"""Reads the mails that the embedded cloud captured instead of sending."""

import json
import re
import textwrap
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mail:
    """A captured mail: plain-text part only."""

    subject: str
    to: tuple[str, ...]
    text: str
    by_sns: bool = False
    """Whether SNS sent it, to a topic's subscriber; else SES."""

    @property
    def asks(self) -> bool:
        """Whether the mail carries a link to decide with."""
        return bool(_LINK.search(self.text))

    @property
    def of_an_event(self) -> bool:
        """Whether an event of AWS's was mailed to the operators, and not a text of the product's."""
        return self.subject == "EventBridge Notification"

    @property
    def release(self) -> str:
        """The release that an approval mail is about."""
        found = _RELEASE.search(self.subject)
        if found is None:
            raise ValueError(f"the mail {self.subject!r} asks about no release")
        return found[1]

    def quoted(self) -> str:
        """The mail as it is shown in a terminal."""
        return textwrap.indent(
            f"To: {', '.join(self.to)}\nSubject: {self.subject}\n\n{self.text.strip()}", "  │ ", lambda _: True
        )


_RELEASE = re.compile(r"(?:[Rr]elease|Go back to) (\S+) (?:to|in) production")
_LINK = re.compile(r"https?://\S*lambda-url\S*")


def approval_link(text: str) -> str:
    """The first link to the approval page in a mail's text."""
    found = _LINK.search(text)
    if found is None:
        raise ValueError("the mail has no link to the approval page")
    return found[0]


def _mail(fields: dict[str, Any]) -> Mail:
    return Mail(fields["subject"], tuple(fields["to"]), fields["text"], "@sns." in fields["from"])


def read_mails(endpoint: str) -> list[Mail]:
    """All mails captured so far, oldest first."""
    with urllib.request.urlopen(f"{endpoint}/_cloud/mails", timeout=10) as reply:  # noqa: S310 -- our own loopback address
        return [_mail(mail) for mail in json.load(reply)["mails"]]
