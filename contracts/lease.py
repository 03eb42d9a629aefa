"""The release lease of a model, and the runs that wait for it, in the ledger table.

One item `model#<model>` / `lease` names the run that may release, from development to production. Runs that wait are
`model#<model>` / `waiting#<priority>`. Between two runs the one with the greater priority has the newer dataset: it is
the text "<event time>#<dataset version>#<run>". One that was asked for a release of before (`asked` is "yes") comes
later and has older data: who meets it waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Item = dict[str, Any]
Policy = Literal["newest", "oldest", "hold"]

WAITING_PREFIX = "waiting#"
REMOVAL = "removal"
"""The phase of a lease that no run holds: the development endpoint, whose time is over, is being removed under it."""


@dataclass(frozen=True)
class Lease:
    """Who holds it. `arrivals` counts the runs that came to wait, so that a new one is never overlooked.

    `closed_by` is "" while the holder may act, else the mark of what closes the holder's end. `superseded_by` is the
    priority of the newer run for which the holder must not ask anybody, or "".
    """

    execution_arn: str
    priority: str
    arrivals: int
    closed_by: str = ""
    superseded_by: str = ""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "Lease":
        """From a stored item."""
        return cls(
            item["execution_arn"]["S"],
            item["priority"]["S"],
            int(item.get("arrivals", {}).get("N", "0")),
            item.get("closed_by", {}).get("S", ""),
            item.get("superseded_by", {}).get("S", ""),
        )


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits for the lease, under the policy of its own settings. The token wakes it and decides nothing.

    `since` is when it began to wait, as an ISO 8601 text.
    """

    execution_arn: str
    priority: str
    policy: Policy
    since: str
    token: str = field(repr=False)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> "WaitingRun":
        """From a stored item."""
        return cls(
            item["execution_arn"]["S"],
            item["priority"]["S"],
            cast("Policy", item["policy"]["S"]),
            item["since"]["S"],
            item["token"]["S"],
        )


def lease_key(model: str) -> Item:
    """The key of a model's lease."""
    return {"pk": {"S": f"model#{model}"}, "sk": {"S": "lease"}}


def waiting_key(model: str, priority: str) -> Item:
    """The key of a waiting run."""
    return {"pk": {"S": f"model#{model}"}, "sk": {"S": f"{WAITING_PREFIX}{priority}"}}
