"""Decides whether a dataset may be trained on: accepted, accepted with warnings, or rejected with rule and place."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.settings import DataSettings
from tables.cells import show
from tables.drift import class_drift, column_drift, number_drift
from tables.files import TableFile
from tables.findings import MAXIMUM_FINDINGS, Finding, Findings, UnusableTable
from tables.profiler import Profiler, spread_of
from tables.profiles import ColumnProfile, Profile
from tables.reader import TableReader

MAXIMUM_WARNINGS: Final = 20


@dataclass(frozen=True)
class Warned:
    """Something about an accepted dataset that the person who approves should know."""

    rule: str
    text: str
    column: int | str | None = None

    def __str__(self) -> str:
        if self.column is None:
            return self.text
        return f"column {show(self.column) if isinstance(self.column, str) else self.column} {self.text}"


@dataclass(frozen=True)
class Accepted:
    """A dataset that keeps all rules."""

    profile: Profile
    warnings: tuple[Warned, ...]


def judge(
    train: Sequence[TableFile],
    validation: Sequence[TableFile],
    settings: DataSettings,
    former: Profile | None = None,
) -> Accepted:
    """One pass over all files. `former` is the profile of the dataset that the last release was trained on.

    Raises:
        UnusableTable: with at most `MAXIMUM_FINDINGS` findings.
    """
    findings = Findings()
    reader, profiler = _pass_over(train, settings, findings, None, "train")
    held_out = None
    if validation and not findings:
        _, held_out = _pass_over(validation, settings, findings, reader, "validation")
    _refuse(findings)
    profile = _profile(profiler, held_out, reader, settings)
    _refuse(_findings_of_the_whole(profile, profiler, settings, former))
    return Accepted(profile, tuple(_bounded(_warnings(profile, profiler, settings, former))))


def _pass_over(
    files: Sequence[TableFile], settings: DataSettings, findings: Findings, like: TableReader | None, channel: str
) -> tuple[TableReader, Profiler]:
    reader = TableReader(settings, like)
    profiler: Profiler | None = None
    for frame in reader.frames(files):
        profiler = profiler or Profiler(settings, reader.columns, reader.findings, several_files=len(files) > 1)
        profiler.add(frame)
    for finding in reader.findings:
        findings.add(finding)
    if profiler is None:
        if not findings:
            header = reader.has_columns and reader.columns.names is not None
            fault = "there is a header with no rows below it" if header else "there are no rows"
            findings.add(Finding("empty", f"{channel}: {fault}" if like else fault))
        raise UnusableTable(findings)
    return reader, profiler


def _refuse(findings: Iterable[Finding]) -> None:
    if told := list(findings)[:MAXIMUM_FINDINGS]:
        raise UnusableTable(told)


def _profile(train: Profiler, validation: Profiler | None, reader: TableReader, settings: DataSettings) -> Profile:
    task = train.label.task(settings.task)
    numbers = train.label_numbers if task == "regression" else None
    return Profile(
        rows=train.rows,
        validation_rows=validation.rows if validation else None,
        task=task,
        label=reader.columns.title(reader.columns.label),
        classes=_classes(train) if task == "classification" else {},
        target=spread_of(numbers) if numbers else None,
        columns=tuple(train.columns()),
        duplicates=train.hashes.copies(),
        leakage=validation.hashes.share_in(train.hashes) if validation else None,
    )


def _classes(train: Profiler) -> dict[str, int]:
    classes = train.label.classes()
    rows = [0] * len(classes.names)
    for text, count in train.label_rows.items():
        rows[classes.positions[text]] += count
    return {str(name): count for name, count in zip(classes.names, rows, strict=True)}


def _findings_of_the_whole(
    profile: Profile, profiler: Profiler, settings: DataSettings, former: Profile | None
) -> Iterator[Finding]:
    if profile.rows < settings.minimum_rows:
        yield Finding("rows", f"{_rows(profile.rows)}; at least {settings.minimum_rows} are asked for (minimum_rows)")
    yield from _findings_of_the_label(profile, settings)
    for column in profile.columns:
        if column.missing == profile.rows:
            yield Finding("no-values", "there is no value in any row", column=column.title)
    yield from profiler.findings_of_columns()
    if profile.duplicates > settings.maximum_duplicates:
        told = f"{profile.duplicates:.1%} of the rows are copies; {settings.maximum_duplicates:.1%} are allowed"
        yield Finding("duplicates", f"{told} (maximum_duplicates)")
    if (profile.leakage or 0) > settings.maximum_leakage:
        told = f"{profile.leakage:.1%} of the validation rows also stand in the training files"
        yield Finding("leakage", f"{told}; {settings.maximum_leakage:.1%} are allowed (maximum_leakage)")
    if former is not None:
        yield from (finding for finding, rejected in _drift(profile, former, settings) if rejected)


def _findings_of_the_label(profile: Profile, settings: DataSettings) -> Iterator[Finding]:
    if profile.task == "regression":
        if profile.target is not None and profile.target.minimum == profile.target.maximum:
            yield Finding("classes", "the label is the same number in all rows; there is nothing to learn")
        return
    if len(profile.classes) == 1:
        name = show(next(iter(profile.classes)))
        yield Finding("classes", f"all rows are of one class, {name}; there is nothing to tell apart")
    for name, rows in sorted(profile.classes.items(), key=lambda item: item[1]):
        if rows < (least := settings.minimum_rows_per_class):
            told = f"class {show(name)} has {_rows(rows)}; at least {least} are asked for (minimum_rows_per_class)"
            yield Finding("rows-per-class", told)


def _warnings(profile: Profile, profiler: Profiler, settings: DataSettings, former: Profile | None) -> Iterator[Warned]:
    for column in profile.columns:
        if column.missing:
            share = column.missing / profile.rows
            yield Warned(
                "missing", f"has no value in {column.missing} of {profile.rows} rows ({share:.1%})", column.title
            )
    if profile.duplicates:
        about = "about " if profiler.hashes.sampled else ""
        yield Warned("duplicates", f"{about}{profile.duplicates:.1%} of the rows are copies of earlier ones")
    if profile.leakage:
        yield Warned("leakage", f"{profile.leakage:.1%} of the validation rows also stand in the training files")
    if former is not None:
        yield from _changes(profile, former)
        for finding, rejected in _drift(profile, former, settings):
            if not rejected:
                yield Warned("drift", finding.fault, finding.column)


def _changes(profile: Profile, former: Profile) -> Iterator[Warned]:
    """What is new, or gone, since the last release."""
    then = {column.title: column for column in former.columns}
    now = {column.title: column for column in profile.columns}
    for title in sorted(then.keys() - now.keys(), key=str):
        yield Warned("columns", "is gone; the last release was trained with it", title)
    for title in sorted(now.keys() - then.keys(), key=str):
        yield Warned("columns", "is new; the last release was trained without it", title)
    for title in (each for each in now if each in then and now[each].kind != then[each].kind):
        yield Warned("type", f"holds a {now[title].kind}; for the last release it held a {then[title].kind}", title)
    for title, column in now.items():
        known = {text for text, _ in then[title].categories} if title in then and not then[title].other else None
        fresh = [text for text, _ in column.categories if known and text not in known]
        if fresh:
            shown = ", ".join(map(show, fresh[:5])) + (f" and {len(fresh) - 5} more" if len(fresh) > 5 else "")
            yield Warned("categories", f"has new values: {shown}", title)
    for name in sorted(former.classes.keys() ^ profile.classes.keys()):
        yield Warned("classes", f"class {show(name)} is {'gone' if name in former.classes else 'new'}")


def _drift(profile: Profile, former: Profile, settings: DataSettings) -> Iterator[tuple[Finding, bool]]:
    """Every column that moved further than is to be told; and whether so far that the dataset is refused."""
    limits = settings.drift
    then: dict[int | str, ColumnProfile] = {column.title: column for column in former.columns}
    drifts = [
        (column.title, column_drift(then[column.title], column, former.rows, profile.rows))
        for column in profile.columns
        if column.title in then
    ]
    if profile.target is not None and former.target is not None:
        drifts.append((profile.label, number_drift(former.target, profile.target)))
    elif profile.classes and former.classes:
        drifts.append((profile.label, class_drift(former.classes, profile.classes)))
    for title, drift in drifts:
        if drift is None:
            continue
        ks = drift.ks or 0.0
        rejected = _beyond(drift.psi, limits.reject_psi) or _beyond(ks, limits.reject_ks)
        if rejected or drift.psi > limits.warn_psi or ks > limits.warn_ks:
            told = f"PSI {drift.psi:.2f}" + (f", KS {drift.ks:.2f}" if drift.ks is not None else "")
            yield Finding("drift", f"has moved since the last release: {told}", column=title), rejected


def _beyond(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _bounded(warnings: Iterator[Warned]) -> list[Warned]:
    told = list(warnings)
    if len(told) <= MAXIMUM_WARNINGS:
        return told
    return [*told[:MAXIMUM_WARNINGS], Warned("more", f"{len(told) - MAXIMUM_WARNINGS} more warnings")]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
