"""What a run asks, as the state machine sends it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.approval import Policy
from contracts.release import Release
from contracts.rollout import serves_beside
from contracts.times import epoch_seconds


class TooFewApprovers(RuntimeError):
    """Fewer people may approve than have to."""


@dataclass(frozen=True)
class Sources:
    """Where the evidence lies. `champion` is the manifest of the live release, None before the first."""

    bucket: str
    report_uri: str
    profile: str
    settings: Mapping[str, Any]
    champion: Mapping[str, Any] | None
    compared: bool
    """Whether the report compares with that champion; one of a release that is gone back to does not."""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Sources":
        """The same event as of the question."""
        return cls(
            bucket=event["bucket"],
            report_uri=str(event["release"].get("report_uri", "")),
            profile=event["profile"],
            settings=event["settings"],
            champion=event["release"].get("champion"),
            compared=not event["release"].get("rollback"),
        )


@dataclass(frozen=True)
class Question:
    """`dossier` is the release as JSON, with whatever else the run knows about it. `remind_at` and `expires_at` are in
    epoch seconds.

    `holder` is the run's execution, under which it holds the model's release lease.
    """

    run: str
    release: Release
    dossier: str
    sources: Sources
    approvers: tuple[str, ...]
    policy: Policy
    holder: str
    asked_at: str
    remind_at: int
    expires_at: int
    # Whoever holds the token can answer for everybody: it must not show up where a question is printed.
    task_token: str = field(repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any], prices: Mapping[str, float]) -> "Question":
        """`prices` are US dollars an hour by instance type.

        Time counts from the moment the run began to wait, so that a second try does not move the deadline.

        Raises:
            IncompleteRelease: the release lacks something a person has to see.
            TooFewApprovers: see there.
        """
        settings, asked_at = event["settings"]["approval"], epoch_seconds(event["asked_at"])
        policy = _policy(settings, event["requester"])
        fields = {**event["release"], **_cost(event["release"], prices)}
        return cls(
            run=event["run"],
            release=Release.from_fields(fields),
            dossier=json.dumps(fields),
            sources=Sources.from_event(event),
            approvers=_asked(settings["approvers"], policy),
            policy=policy,
            holder=event["lease"]["holder"],
            asked_at=event["asked_at"],
            remind_at=int(asked_at + settings["expires_after_seconds"] - settings["remind_before_seconds"]),
            expires_at=int(asked_at + settings["expires_after_seconds"]),
            task_token=event["task_token"],
        )


def _cost(release: Mapping[str, Any], prices: Mapping[str, float]) -> dict[str, float]:
    """Of the instances that serve after an approval; nothing where no price is known."""
    price = prices.get(str(release.get("instance_type")))
    # The champion's fleet costs what it did, where it stays.
    beside = serves_beside(release.get("strategy") or "") and not release.get("rollback")
    fleets = 2 if release.get("champion") and beside else 1
    return {} if price is None else {"hourly_usd": round(price * fleets * int(release["instance_count"]), 4)}


def _policy(settings: Mapping[str, Any], requester: str) -> Policy:
    return Policy(
        required=settings["required"],
        requester="" if settings["requester_may_approve"] else requester,
        escalation=settings["escalation"] or "",
    )


def _asked(approvers: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """Everybody once. Who may not approve gets no link.

    Raises:
        TooFewApprovers: see there.
    """
    by_address = {address.lower(): address for address in reversed(approvers)}
    by_address.pop(policy.requester.lower(), None)
    if len(by_address) < policy.required:
        raise TooFewApprovers(
            f"{policy.required} have to approve, and {len(by_address)} may: {policy.requester} asked for this run. "
            "Name more people in approval.approvers of the model's settings, and start the run again (make rerun)."
        )
    return tuple(reversed(by_address.values()))
