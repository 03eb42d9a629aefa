"""The audit of approvals: who was asked, looked, decided and was reminded. Entries are added and never changed.

A table of its own with keys `pk` = `model#<model>` and `sk` = `<time>#<what makes it unique>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Event = Literal[
    "asked",
    "reminded",
    "escalated",
    "viewed",
    "refused",
    "approved",
    "rejected",
    "superseded",
    "withdrawn",
    "expired",
    "traffic",
]
"""`refused` is a form that was none of ours, or not filled in; where two have to approve there are two `approved`.
`traffic` is of a release that has got all requests of two that serve."""

TIME_CHARACTERS: Final = len("2026-11-23T05:00:00.123Z")


def holder(approver: str) -> str:
    """Who acts by a mailed link: it proves that somebody had the mail, not who that was."""
    return f"link issued to {approver}"


@dataclass(frozen=True)
class AuditEntry:
    """`at` is ISO 8601 in UTC with milliseconds; `who` is the person a link was issued to, or what else acted.

    `source` tells visitors' addresses apart without saying what they are; it is empty where nobody visited.
    """

    at: str
    event: Event
    model: str
    release: str
    run: str
    who: str
    source: str = ""
    detail: str = ""

    def item(self, unique: str) -> dict[str, Any]:
        """As it is stored. What happened once has one `unique` text, however often somebody tries to note it."""
        texts = {
            "event": self.event,
            "release": self.release,
            "run": self.run,
            "who": self.who,
            "source": self.source,
            "detail": self.detail,
        }
        return {
            "pk": {"S": f"model#{self.model}"},
            "sk": {"S": f"{self.at}#{unique}"},
            **{name: {"S": text} for name, text in texts.items() if text},
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "AuditEntry":
        """From a stored item."""
        texts = {
            name: item.get(name, {"S": ""})["S"] for name in ("event", "release", "run", "who", "source", "detail")
        }
        return cls(at=item["sk"]["S"][:TIME_CHARACTERS], model=item["pk"]["S"].removeprefix("model#"), **texts)
