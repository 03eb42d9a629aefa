"""Decides whether a dataset may be trained on: accepted, accepted with warnings, or rejected with rule and place."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.settings import DataSettings
from tables.cells import show
from tables.drift import Rows, class_drift, column_drift, number_drift
from tables.files import TableFile
from tables.findings import MAXIMUM_FINDINGS, Finding, UnusableTable, percent
from tables.kinds import LEAST_ROWS_OF_A_CATEGORY
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
    if validation:
        train, validation = _named(train, "train"), _named(validation, "validation")
    reader = TableReader(settings, names_files=bool(validation))
    profiler = _pass_over(reader, train, settings, None)
    held_out = None
    if validation and not reader.findings:
        reader = TableReader(settings, reader, names_files=True)
        held_out = _pass_over(reader, validation, settings, profiler)
    _refuse(reader.findings)
    profile = _profile(profiler, held_out, reader, settings)
    _refuse(_findings_of_the_whole(profile, profiler, held_out, settings, former))
    return Accepted(profile, tuple(_bounded(_warnings(profile, profiler, settings, former))))


def _named(files: Sequence[TableFile], channel: str) -> list[TableFile]:
    return [replace(file, name=f"{channel}/{file.name}") for file in files]


def _pass_over(
    reader: TableReader, files: Sequence[TableFile], settings: DataSettings, train: Profiler | None
) -> Profiler:
    profiler: Profiler | None = None
    for frame in reader.frames(files):
        profiler = profiler or Profiler(settings, reader.columns, reader.findings, train)
        profiler.add(frame)
    if not reader.findings and (profiler is None or not profiler.rows):
        header = reader.has_columns and reader.columns.names is not None
        fault = "there is a header with no rows below it" if header else "there are no rows"
        reader.findings.add(Finding("empty", f"the validation files: {fault}" if train else fault))
    if profiler is None:
        raise UnusableTable(reader.findings)
    return profiler


def _refuse(findings: Iterable[Finding]) -> None:
    if told := list(findings)[:MAXIMUM_FINDINGS]:
        raise UnusableTable(told)


def _profile(train: Profiler, validation: Profiler | None, reader: TableReader, settings: DataSettings) -> Profile:
    label = reader.columns.title(reader.columns.label)
    try:
        task = train.label.task(settings.task)
    except UnusableTable as fault:
        raise UnusableTable(replace(finding, column=label) for finding in fault.findings) from fault
    numbers = train.label_numbers if task == "regression" else None
    return Profile(
        rows=train.rows,
        validation_rows=validation.rows if validation else None,
        task=task,
        label=label,
        classes=_classes(train) if task == "classification" else {},
        target=spread_of(numbers) if numbers else None,
        columns=tuple(train.columns()),
        duplicates=train.hashes.copies(),
        leakage=validation.hashes.share_in(train.hashes) if validation else None,
    )


def _classes(profiler: Profiler) -> dict[str, int]:
    """Rows by class, of the classes that stand in these files."""
    classes = profiler.label.classes()
    rows = [0] * len(classes.names)
    for text, count in profiler.label_rows.items():
        rows[classes.positions[text]] += count
    return {str(name): count for name, count in zip(classes.names, rows, strict=True) if count}


def _findings_of_the_whole(
    profile: Profile, profiler: Profiler, held_out: Profiler | None, settings: DataSettings, former: Profile | None
) -> Iterator[Finding]:
    if profile.rows < settings.minimum_rows:
        yield Finding("rows", f"{_rows(profile.rows)}; at least {settings.minimum_rows} are asked for (minimum_rows)")
    yield from _findings_of_the_label(profile, held_out, settings)
    for column in profile.columns:
        if column.missing == profile.rows:
            yield Finding("no-values", "there is no value in any row", column=column.title)
        elif column.kind == "category" and column.categories[0][1] < LEAST_ROWS_OF_A_CATEGORY:
            told = "there is another text in nearly every row, so nothing can be learnt from it; name it under `ignore`"
            yield Finding("identifier", told, column=column.title)
    yield from profiler.findings_of_columns()
    if profile.duplicates > settings.maximum_duplicates:
        told = f"{_share(profile.duplicates, profile.rows, 'rows')} are copies of earlier ones"
        yield Finding("duplicates", f"{told}; {percent(settings.maximum_duplicates)} are allowed (maximum_duplicates)")
    if (profile.leakage or 0) > settings.maximum_leakage:
        told = f"{_share(profile.leakage or 0, profile.validation_rows or 0, 'validation rows')} also stand in the "
        allowed = f"{percent(settings.maximum_leakage)} are allowed (maximum_leakage)"
        yield Finding("leakage", f"{told}training files; {allowed}")
    if former is not None:
        yield from (finding for finding, rejected in _drift(profile, former, settings) if rejected)


def _findings_of_the_label(profile: Profile, held_out: Profiler | None, settings: DataSettings) -> Iterator[Finding]:
    if profile.task == "regression":
        if profile.target is not None and profile.target.minimum == profile.target.maximum:
            told = "the label is the same number in all rows; there is nothing to learn"
            yield Finding("classes", told, column=profile.label)
        return
    if len(profile.classes) == 1:
        told = f"all rows are of one class, {show(next(iter(profile.classes)))}; there is nothing to tell apart"
        yield Finding("classes", told, column=profile.label)
    elif held_out and (unknown := sorted(_classes(held_out).keys() - profile.classes.keys())):
        told = f"only the validation files have {_listed('class', map(show, unknown))}; nothing can be learnt of it"
        yield Finding("classes", told, column=profile.label)
    least = settings.minimum_rows_per_class
    few = sorted((rows, name) for name, rows in profile.classes.items() if rows < least)
    if few:
        told = _listed("too few rows of class", (f"{show(name)} ({rows})" for rows, name in few))
        asked = f"at least {least} of each are asked for (minimum_rows_per_class)"
        yield Finding("rows-per-class", f"{told}; {asked}", column=profile.label)


def _warnings(profile: Profile, profiler: Profiler, settings: DataSettings, former: Profile | None) -> Iterator[Warned]:
    for column in profile.columns:
        if column.missing:
            share = percent(column.missing / profile.rows)
            yield Warned("missing", f"has no value in {column.missing} of {profile.rows} rows ({share})", column.title)
        elif _is_constant(column):
            yield Warned("constant", "holds the same value in all rows; nothing can be learnt from it", column.title)
    if profile.duplicates:
        about = "about " if profiler.hashes.sampled else ""
        told = _share(profile.duplicates, profile.rows, "rows")
        yield Warned("duplicates", f"{about}{told} are copies of earlier ones")
    if profile.leakage:
        told = _share(profile.leakage, profile.validation_rows or 0, "validation rows")
        yield Warned("leakage", f"{told} also stand in the training files")
    if former is not None:
        yield from _changes(profile, former)
        for finding, rejected in _drift(profile, former, settings):
            if not rejected:
                yield Warned("drift", finding.fault, finding.column)


def _is_constant(column: ColumnProfile) -> bool:
    if column.numbers is not None:
        return column.numbers.minimum == column.numbers.maximum
    return column.distinct == 1 and not column.other


def _changes(profile: Profile, former: Profile) -> Iterator[Warned]:
    """What is new, or gone, since the last release."""
    if former.task != profile.task:
        yield Warned("task", f"the label makes a {profile.task}; that of the last release made a {former.task}")
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
            yield Warned("categories", f"has {_listed('new values:', map(show, fresh))}", title)
    for name in sorted(former.classes.keys() ^ profile.classes.keys()):
        yield Warned("classes", f"class {show(name)} is {'gone' if name in former.classes else 'new'}")


def _drift(profile: Profile, former: Profile, settings: DataSettings) -> Iterator[tuple[Finding, bool]]:
    """Every column that moved further than is to be told; and whether so far that the dataset is refused."""
    limits = settings.drift
    then: dict[int | str, ColumnProfile] = {column.title: column for column in former.columns}
    rows = Rows(former.rows, profile.rows)
    drifts = [
        (column.title, column_drift(then[column.title], column, rows))
        for column in profile.columns
        if column.title in then
    ]
    if profile.target is not None and former.target is not None:
        drifts.append((profile.label, number_drift(former.target, profile.target, rows)))
    elif profile.classes and former.classes:
        drifts.append((profile.label, class_drift(former.classes, profile.classes)))
    for title, drift in drifts:
        if drift is None:
            continue
        rejected = drift.psi_beyond(limits.reject_psi) or drift.ks_beyond(limits.reject_ks)
        if rejected or drift.psi_beyond(limits.warn_psi) or drift.ks_beyond(limits.warn_ks):
            told = f"PSI {drift.psi:.2f}" + (f", KS {drift.ks:.2f}" if drift.ks is not None else "")
            yield Finding("drift", f"has moved since the last release: {told}", column=title), rejected


def _bounded(warnings: Iterator[Warned]) -> list[Warned]:
    told = list(warnings)
    if len(told) <= MAXIMUM_WARNINGS:
        return told
    return [*told[:MAXIMUM_WARNINGS], Warned("more", f"{len(told) - MAXIMUM_WARNINGS} more warnings")]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _share(share: float, rows: int, what: str) -> str:
    """A sample may tell less than one row."""
    return f"{max(1, round(share * rows))} of {rows} {what} ({percent(share)})"


def _listed(what: str, texts: Iterable[str], most: int = 5) -> str:
    told = list(texts)
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return f"{what} {', '.join(told[:most])}{more}"
