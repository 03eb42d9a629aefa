"""The gate's rules in words, from the job's metrics and the model's settings.

The verdict itself is the training job's; this only explains it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Metrics arrive in single precision.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class GateRule:
    """One rule, and whether the candidate meets it."""

    text: str
    met: bool


def judge(metrics: Mapping[str, float], gate: Mapping[str, Any]) -> tuple[GateRule, ...]:
    """Every rule that applies, those not met first."""
    rules = [*_minima(metrics, gate), *_against_champion(metrics, gate)]
    if all(rule.met for rule in rules):
        # The numbers do not show it, so say where to look instead of nothing.
        rules.append(
            GateRule("The training job's own verdict was no; its report (evaluation.json) has the reason.", met=False)
        )
    return tuple(sorted(rules, key=lambda rule: rule.met))


def _minima(metrics: Mapping[str, float], gate: Mapping[str, Any]) -> Iterator[GateRule]:
    for kind, name in (("accuracy", "Accuracy"), ("f1_macro", "F1 (macro)")):
        setting = f"minimum_{kind}"
        if not (least := gate.get(setting)):
            continue
        value = metrics.get(f"candidate_{kind}")
        if value is None:
            yield GateRule(f"{name} was not reported; at least {least:.3f} is asked for ({setting}).", met=False)
        else:
            text = f"{name} is {value:.3f}; at least {least:.3f} is asked for ({setting})."
            yield GateRule(text, met=value >= least - _ROUNDING)


def _against_champion(metrics: Mapping[str, float], gate: Mapping[str, Any]) -> Iterator[GateRule]:
    candidate, champion = metrics.get("candidate_accuracy"), metrics.get("champion_accuracy")
    if candidate is None or champion is None:
        return
    compared = f"Accuracy is {candidate:.3f} and the champion's {champion:.3f} on the same rows"
    if gate.get("champion") == "better":
        yield GateRule(f'{compared}; it has to be higher (champion = "better").', met=candidate > champion + _ROUNDING)
    elif gate.get("champion") == "not-worse":
        margin = gate.get("margin") or 0
        text = f'{compared}; it may be {margin:.3f} lower at most (champion = "not-worse").'
        yield GateRule(text, met=candidate >= champion - margin - _ROUNDING)
