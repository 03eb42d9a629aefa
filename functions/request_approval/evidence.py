"""Puts together what an approver can look into: pure, from what was read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.evidence import ClassRow, ColumnRow, Evidence, Measured, MetricRow, SettingRow
from contracts.metrics import METRICS
from contracts.reports import Comparison, Evaluation, Scores
from tables.profiles import ColumnProfile, Profile

# What a page has room for, and an item.
_MOST_CLASSES: Final = 12
_MOST_COLUMNS: Final = 40
_MOST_FEATURES: Final = 12
_MOST_SETTINGS: Final = 60
_NAME_CHARACTERS: Final = 80
_TEXT_CHARACTERS: Final = 200
_MEDIAN: Final = 3  # of tables.profiles.SHARES


def of_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """The fields of the evidence that a training job's report gives."""
    classes = evaluation.classes if len(evaluation.classes) <= _MOST_CLASSES else ()
    scored = evaluation.candidate.classes[:_MOST_CLASSES]
    return {
        "metrics": tuple(_metric_rows(evaluation)),
        "confidence": evaluation.bootstrap.confidence,
        "classes": tuple(_short(name) for name in classes),
        "confusion_matrix": evaluation.confusion_matrix if classes else (),
        "class_rows": tuple(ClassRow(_short(each.name), each.rows, each.precision, each.recall) for each in scored),
        "calibration": tuple(
            (bin_.confidence, bin_.accuracy) for bin_ in evaluation.candidate.calibration if bin_.rows
        ),
        "importance": tuple((_short(each.feature), each.loss) for each in evaluation.importance[:_MOST_FEATURES]),
    }


def of_profiles(now: Profile, before: Profile | None) -> dict[str, Any]:
    """Those that the datasets' profiles give. Columns are the same where their names are, or their places without."""
    former = {column.title: column for column in before.columns} if before else {}
    rows = [
        _column(column, now.rows, former.get(column.title), before.rows if before else 0)
        for column in now.columns[:_MOST_COLUMNS]
    ]
    return {
        "rows_now": now.rows,
        "rows_before": before.rows if before else None,
        "columns": tuple(rows),
        "more_columns": max(0, len(now.columns) - _MOST_COLUMNS),
    }


def of_settings(now: Mapping[str, Any], before: Mapping[str, Any] | None, release: str) -> dict[str, Any]:
    """Those that settings give: what differs, key by key."""
    if before is None:
        return {}
    flat_now, flat_before = dict(_flat(now)), dict(_flat(before))
    changed = [key for key in sorted({*flat_now, *flat_before}) if flat_now.get(key) != flat_before.get(key)]
    rows = [SettingRow(key[:_TEXT_CHARACTERS], flat_before.get(key, ""), flat_now.get(key, "")) for key in changed]
    return {"settings": tuple(rows[:_MOST_SETTINGS]), "settings_before": release}


def _metric_rows(evaluation: Evaluation) -> Iterator[MetricRow]:
    for name, value in evaluation.candidate.values.items():
        champion = evaluation.champion
        yield MetricRow(
            name=name,
            candidate=_measured(evaluation.candidate, name, value),
            champion=_measured(champion, name, champion.values[name]) if champion and name in champion.values else None,
            gain=_gain(evaluation.comparison, name),
        )


def _measured(scores: Scores, name: str, value: float) -> Measured:
    interval = scores.intervals.get(name)
    return Measured(value, interval.lower, interval.upper) if interval else Measured(value)


def _gain(comparison: Comparison | None, name: str) -> Measured | None:
    gain = comparison.gain(name) if comparison and METRICS[name].comparable else None
    return Measured(gain.value, gain.interval.lower, gain.interval.upper) if gain else None


def _column(now: ColumnProfile, rows: int, before: ColumnProfile | None, rows_before: int) -> ColumnRow:
    name = now.name if now.name is not None else f"column {now.position}"
    return ColumnRow(
        name=_short(name),
        now=_told(now, rows),
        missing_now=now.missing / rows if rows else 0.0,
        before=_told(before, rows_before) if before else "",
        missing_before=before.missing / rows_before if before and rows_before else None,
    )


def _told(column: ColumnProfile, rows: int) -> str:
    if column.numbers is not None:
        spread = column.numbers
        return f"{_number(spread.minimum)} … {_number(spread.quantiles[_MEDIAN])} … {_number(spread.maximum)}"
    most = [f"{_short(text)} {count / rows:.0%}" for text, count in column.categories[:3]] if rows else []
    more = column.distinct - len(most)
    return ", ".join(most) + (f" and {more} more" if more > 0 else "") or "no value"


def _flat(settings: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            yield from _flat(value, f"{key}.{name}" if key else str(name))
    elif isinstance(settings, list | tuple):
        yield key, ", ".join(map(str, settings))[:_TEXT_CHARACTERS]
    elif settings is not None:
        yield key, str(settings)[:_TEXT_CHARACTERS]


def _short(text: str) -> str:
    return text if len(text) <= _NAME_CHARACTERS else text[: _NAME_CHARACTERS - 1] + "…"


def _number(value: float) -> str:
    return f"{value:.4g}"


def evidence(*parts: Mapping[str, Any], unread: tuple[str, ...] = ()) -> Evidence:
    """All of it."""
    return Evidence(**{name: value for part in parts for name, value in part.items()}, unread=unread)
