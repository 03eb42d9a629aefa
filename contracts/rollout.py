"""How a release takes the place of the one before, in words for the mail and the page that ask about it."""

from collections.abc import Mapping
from typing import Any

Strategy = Mapping[str, Any] | str
"""As a run carries it: `StrategySettings.resolved()`, or the kind alone, which questions of earlier versions have."""


def kind_of(strategy: Strategy) -> str:
    """The strategy's kind."""
    return strategy if isinstance(strategy, str) else str(strategy.get("kind", "all-at-once"))


def serves_beside(strategy: Strategy) -> bool:
    """Whether the release before goes on serving, on a fleet of its own."""
    return kind_of(strategy) == "ab"


def in_words(strategy: Strategy) -> str:
    """What happens to requests and instances, as the end of a sentence about them: "all at once"."""
    kind = kind_of(strategy)
    if isinstance(strategy, str) or kind not in _KINDS:
        return "all at once" if kind == "all-at-once" else kind
    told: Mapping[str, Any] = strategy
    if kind == "ab":
        share = f"{100 * float(told['weight']):g} %"
        return f"{share} of the requests go to the new release, the others to the one before; both serve"
    if not told.get("guarded"):
        return "all at once"
    wait, last = _time(told.get("wait_seconds", 0)), _time(told.get("termination_wait_seconds", 0))
    sentence = _STEPS[kind].format(size=_size(told), wait=wait, last=last)
    return f"{sentence}; taken back by itself when an alarm sounds: {_alarms(told['rollback'])}"


# By the kind; `all-at-once` is here for deployments that alarms watch.
_STEPS = {
    "all-at-once": "all at once, then watched for {last}",
    "canary": "a canary of {size} first, {wait} later the rest, then watched for {last}",
    "linear": "in steps of {size}, each watched for {wait}, then all for {last}",
    "rolling": "in batches of {size} that take the place of old instances, each watched for {wait}",
}
_KINDS = (*_STEPS, "ab")


def _size(told: Mapping[str, Any]) -> str:
    for name, value in told.items():
        if name in ("canary_instances", "linear_instances", "batch_instances"):
            return "1 instance" if value == 1 else f"{value} instances"
        if name in ("canary_percent", "linear_percent", "batch_percent"):
            return f"{value} %"
    return ""


def _alarms(rollback: Mapping[str, Any]) -> str:
    words = {
        "server_errors": "{:g} server errors in a minute",
        "latency_milliseconds": "an answer in a hundred that takes {:g} ms",
        "invocation_errors": "{:g} requests without a good answer in a minute",
    }
    return ", ".join(text.format(rollback[name]) for name, text in words.items() if rollback.get(name))


def _time(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds / 60:g} minutes"
