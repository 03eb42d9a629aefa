"""What a check finds, and what it is given to look at."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from commands.account import Account
from contracts.settings import ModelSettings
from infra.deployment import Deployment

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """One line for people. A fault keeps the product from working; a warning may."""

    level: Level
    what: str
    remedy: str = ""
    """What to do about it, as one sentence; empty when nothing is to do."""


@dataclass(frozen=True)
class Patient:
    """A deployment: the account it is in, and its settings as they are in this project."""

    account: Account
    deployment: Deployment
    models: Mapping[str, ModelSettings]


Check = Callable[[Patient], Iterable[Finding]]


def ok(what: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", what)


def warning(what: str, remedy: str) -> Finding:
    """It works, or may; somebody should know."""
    return Finding("warning", what, remedy)


def fault(what: str, remedy: str) -> Finding:
    """Something will not work."""
    return Finding("fault", what, remedy)
