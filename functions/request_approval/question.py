"""What a run asks, as the state machine sends it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.release import Release
from contracts.times import epoch_seconds


@dataclass(frozen=True)
class Question:
    """`dossier` is the release as JSON, with whatever else the run knows about it; `expires_at` is in epoch seconds.

    `holder` is the run's execution, under which it holds the model's release lease.
    """

    run: str
    release: Release
    dossier: str
    approvers: tuple[str, ...]
    holder: str
    asked_at: str
    expires_at: int
    # Whoever holds the token can answer for everybody: it must not show up where a question is printed.
    task_token: str = field(repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Question":
        """Time counts from the moment the run began to wait, so that a second try does not move the deadline.

        Raises:
            IncompleteRelease: the release lacks something a person has to see.
        """
        return cls(
            run=event["run"],
            release=Release.from_fields(event["release"]),
            dossier=json.dumps(event["release"]),
            approvers=tuple(dict.fromkeys(event["approvers"])),
            holder=event["lease"]["holder"],
            asked_at=event["asked_at"],
            expires_at=int(epoch_seconds(event["asked_at"]) + event["expires_after_seconds"]),
            task_token=event["task_token"],
        )
