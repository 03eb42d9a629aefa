"""Asks for a release that was made before: a run of the same machine, with the same lease, approval and record."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.releases.ledger import Releases
from contracts.manifest import Manifest


@dataclass(frozen=True)
class Asker:
    """Who asks, by mail address (empty: nobody says), why, and when."""

    requester: str
    reason: str
    at: datetime


def rollback(deployment: Deployment, releases: Releases, to: str, asker: Asker) -> tuple[Manifest, str]:
    """The release that is gone back to, and the id of the run that asks for it.

    `to` is its name or number; empty is the one before the champion.

    Raises:
        CommandFailed: no such release, or it serves already, alone.
    """
    target = releases.named(to) if to else releases.before_champion()
    if releases.share(target.name) == 1:
        raise CommandFailed(f"Production serves {target.name} already.")
    return target, _start(deployment, target, "rollback", asker)


def shift_traffic(
    deployment: Deployment, releases: Releases, to: Literal["older", "newer"], asker: Asker
) -> tuple[Manifest, str]:
    """The release that gets all requests, and the id of the run that shifts them.

    Raises:
        CommandFailed: production is not shared by two releases, or this one has all requests.
    """
    older, newer = releases.sharing()
    target = releases.named((newer if to == "newer" else older).release)
    if releases.share(target.name) == 1:
        raise CommandFailed(f"{target.name} has all requests already.")
    return target, _start(deployment, target, "traffic", asker)


def _start(deployment: Deployment, target: Manifest, purpose: Literal["rollback", "traffic"], asker: Asker) -> str:
    """The event is that of the release's dataset: runs are told apart, listed and closed by it."""
    event = {
        "time": f"{asker.at:%Y-%m-%dT%H:%M:%SZ}",
        "detail": {
            "bucket": {"name": deployment.bucket},
            "object": {"key": target.dataset_key, "version-id": target.dataset_version, "size": 0},
            "ask": {
                "for": purpose,
                "to": target.name,
                "requester": asker.requester.strip(),
                "reason": asker.reason.strip(),
            },
        },
    }
    started = deployment.client("stepfunctions").start_execution(
        stateMachineArn=deployment.promote_model_arn, input=json.dumps(event)
    )
    return str(started["executionArn"].rsplit(":", 1)[-1])
