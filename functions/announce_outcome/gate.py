"""The gate's rules in words, as the training job has judged them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.reports import GateCheck

# A mail that lists more is not read.
_RULES_TOLD: Final = 25


@dataclass(frozen=True)
class GateRule:
    """One rule, and whether the candidate meets it."""

    text: str
    met: bool


def tell_gate(checks: Sequence[GateCheck]) -> tuple[GateRule, ...]:
    """The rules, those not met first; of many, the first."""
    rules = sorted((GateRule(f"{check.reason} ({check.rule})", check.passed) for check in checks), key=_met)
    if len(rules) <= _RULES_TOLD:
        return tuple(rules)
    left_out = rules[_RULES_TOLD:]
    more = GateRule(f"{len(left_out)} more rules are in the report (evaluation.json).", all(map(_met, left_out)))
    return (*rules[:_RULES_TOLD], more)


def _met(rule: GateRule) -> bool:
    return rule.met
