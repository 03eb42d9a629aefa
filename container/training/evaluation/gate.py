"""Whether the candidate is worth a person's time: every rule of the settings' gate, with what was found.

A number that a rule needs and that is undefined fails the rule. Rules are named after their keys under [gate].
"""

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from container.fields import quoted
from container.schema import Schema
from container.training.faults import GateDoesNotApply
from contracts.metrics import METRICS, Metric, Task
from contracts.reports import ClassScores, Comparison, GateCheck, Scores
from contracts.scores import shown
from contracts.settings import ClassMinima, GateSettings

# Scores are fractions of rows: two that are meant to be equal differ by rounding only.
_ROUNDING: Final = 1e-9
_OTHER: Final[dict[Task, Task]] = {"classification": "regression", "regression": "classification"}


@dataclass(frozen=True)
class Measured:
    """What the gate looks at. Without a champion there is no comparison; `has_champion` tells that from one that
    could not be made.
    """

    task: Task
    candidate: Scores
    champion: Scores | None
    comparison: Comparison | None
    latency_milliseconds: float
    artefact_bytes: int


def check_applies(settings: GateSettings, schema: Schema) -> None:
    """Before anything is fitted: a rule that this model can never meet is a mistake in the settings.

    Raises:
        GateDoesNotApply: a rule for the other task, or for a class that the dataset does not have.
    """
    foreign = settings.rules_of(_OTHER[schema.task])
    if foreign:
        raise GateDoesNotApply(
            f"[gate] has {', '.join(foreign)}, for a {_OTHER[schema.task]}; the labels make this model a "
            f"{schema.task}: take it out of the model's settings, or correct the labels"
        )
    classes = [str(name) for name in schema.classes]
    for name in settings.classes:
        if name not in classes:
            nearest = difflib.get_close_matches(name, classes, n=1, cutoff=0)[0]
            raise GateDoesNotApply(
                f"[gate.classes] names {quoted(name)}, and the dataset has no such class; "
                f"did you mean {quoted(nearest)}?"
            )


def check_gate(measured: Measured, settings: GateSettings) -> tuple[GateCheck, ...]:
    """Every rule that the settings ask for, in their order."""
    checks = [*_limits(measured, settings), *_classes(measured, settings)]
    if settings.champion != "off":
        checks.append(_against_champion(measured, settings))
    return tuple(checks)


def _limits(measured: Measured, settings: GateSettings) -> Iterator[GateCheck]:
    for name, least in settings.minimum.model_dump(exclude_none=True).items():
        yield _limit(f"minimum.{name}", METRICS[name], measured.candidate, least)
    for name, most in settings.maximum.model_dump(exclude_none=True).items():
        if name == "latency_milliseconds":
            found = measured.latency_milliseconds
            reason = f"One row takes the model {found:.3f} ms; at most {most:g} ms are asked for."
            yield GateCheck(f"maximum.{name}", found, most, found <= most, reason)
        elif name == "artefact_bytes":
            size = measured.artefact_bytes
            reason = f"The model's files have {size:,} bytes; at most {most:,} are asked for."
            yield GateCheck(f"maximum.{name}", size, most, size <= most, reason)
        else:
            yield _limit(f"maximum.{name}", METRICS[name], measured.candidate, most)


def _limit(rule: str, metric: Metric, scores: Scores, threshold: float) -> GateCheck:
    value = scores.values.get(metric.name)
    direction = "least" if rule.startswith("minimum.") else "most"
    asked = f"at {direction} {_exact(threshold, metric)} is asked for"
    if value is None:
        reason = scores.undefined.get(metric.name, "it was not measured")
        return GateCheck(rule, None, threshold, passed=False, reason=f"{metric.title} is undefined: {reason}; {asked}.")
    return GateCheck(
        rule,
        value,
        threshold,
        _holds(value, threshold, direction),
        f"{metric.title} is {_exact(value, metric)}; {asked}.",
    )


def _holds(value: float, threshold: float, direction: str) -> bool:
    return value >= threshold - _ROUNDING if direction == "least" else value <= threshold + _ROUNDING


def _classes(measured: Measured, settings: GateSettings) -> Iterator[GateCheck]:
    scores = {each.name: each for each in measured.candidate.classes}
    for name, minima in settings.classes.items():
        yield from _one_class(scores[name], minima)


def _one_class(scores: ClassScores, minima: ClassMinima) -> Iterator[GateCheck]:
    found = {"recall": scores.recall, "precision": scores.precision, "f1": scores.f1}
    for kind, least in minima.model_dump(exclude_none=True).items():
        rule = f"classes.{scores.name}.{kind}"
        value = found[kind]
        asked = f"at least {100 * least:.4g} % is asked for"
        what = f"{kind.capitalize()} of class {quoted(scores.name)}"
        if value is None:
            why = "no held-out row is of it" if not scores.rows else "no row was answered with it"
            yield GateCheck(rule, None, least, passed=False, reason=f"{what} is undefined: {why}; {asked}.")
        else:
            passed = value >= least - _ROUNDING
            yield GateCheck(rule, value, least, passed, f"{what} is {100 * value:.4g} %; {asked}.")


def _against_champion(measured: Measured, settings: GateSettings) -> GateCheck:
    metric = settings.compared_by(measured.task)
    champion, comparison = measured.champion, measured.comparison
    if champion is None or comparison is None:
        return GateCheck(
            "champion", None, None, passed=True, reason="There is no champion: this would be a first release."
        )
    gain = comparison.gain(metric.name)
    if gain is None:
        side, scores = ("candidate's", measured.candidate)
        if metric.name in measured.candidate.values:
            side, scores = ("champion's", champion)
        reason = scores.undefined.get(metric.name, "it cannot be resampled")
        return GateCheck(
            "champion",
            None,
            None,
            passed=False,
            reason=f"The {side} {metric.title} is undefined: {reason}; they cannot be compared.",
        )
    compared = (
        f"{metric.title} is {_exact(measured.candidate.values[metric.name], metric)} and the champion's "
        f"{_exact(champion.values[metric.name], metric)} on the same rows"
    )
    if settings.champion == "better":
        lower, sure = gain.interval.lower, f"{100 * settings.confidence:.4g} %"
        reason = f"{compared}; with a confidence of {sure} the gain is at least {lower:.4g}, and has to be above 0."
        return GateCheck("champion", lower, 0.0, lower > 0, reason)
    margin = settings.margin if metric.higher_is_better else settings.margin * abs(champion.values[metric.name])
    reason = f"{compared}; it may be {_exact(margin, metric)} worse at most."
    return GateCheck("champion", gain.value, -margin, gain.value >= -margin - _ROUNDING, reason)


def _exact(value: float, metric: Metric) -> str:
    """For people, with a digit more than a table has: a candidate may fail by little."""
    if metric.reading == "percentage" and not math.isclose(value, round(value, 3)):
        return f"{100 * value:.2f} %"
    return shown(value, metric.reading)
