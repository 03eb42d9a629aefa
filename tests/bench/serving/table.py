"""The report as the tables of docs/serving.md."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]
BEGIN, END = "<!-- figures: python -m tests.bench.serving --table -->", "<!-- end of figures -->"


def filled(guide: str, content: str) -> str:
    """The guide with this content where its figures belong.

    Raises:
        ValueError: the guide has no such place.
    """
    before, begin, rest = guide.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the guide has no place for figures, between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def tables(report: Report) -> str:
    """All tables, with a line about the run above them."""
    machine = report["machine"]
    head = (
        f"{machine['processor']}, {machine['cores']} cores, {report['times']['rounds']} rounds of "
        f"{report['times']['closed']:g} s each, load average {machine['load_average']:.1f} when it began."
    )
    if report["quick"]:
        head += " **A quick run: the figures mean nothing.**"
    parts = [head, _one_row(report["rows"]), _failures(report["failures"]), _half_rate(report["half_rate"])]
    parts += [_batch(report["batch"]), _single_row(report["single_row"])]
    return "\n\n".join(part for part in parts if part)


def _one_row(rows: Iterable[Report]) -> str:
    head = (
        "",
        "dataset",
        "workers",
        "CPU µs per request",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "memory MB",
        "first answer s",
    )
    return markdown(
        head,
        [
            (
                row["stack"],
                row["dataset"],
                str(row["workers"]),
                figure(row["cpu_us"]),
                figure(row["requests_per_second"]),
                figure(row["p50_ms"]),
                figure(row["p99_ms"]),
                figure(row["memory_mb"]),
                figure(row["first_answer_seconds"]) + _faults(row),
            )
            for row in rows
        ],
    )


def _faults(row: Report) -> str:
    """Nothing, where every answer was right."""
    told = [f"{row[kind]:,} {kind}" for kind in ("wrong", "failed") if row[kind]]
    return f" ({', '.join(told)} of {row['answers']:,})" if told else ""


def _failures(failures: Iterable[Report]) -> str:
    return "\n".join(
        f"- Not measured: {one['stack']} ({one.get('dataset', 'under load')}): {one['why'].splitlines()[0][:200]}"
        for one in failures
    )


def _half_rate(rows: Iterable[Report]) -> str:
    head = ("at half of the highest rate of", "requests/s", "its p50 ms", "its p99 ms", "ours p50 ms", "ours p99 ms")
    names = ("requests_per_second", "p50_ms", "p99_ms", "ours_p50_ms", "ours_p99_ms")
    return markdown(head, [(row["stack"], *(figure(row[name]) for name in names)) for row in rows])


def _batch(rows: Iterable[Report]) -> str:
    head = ("6 MB of text/csv", "rows per CPU second")
    return markdown(head, [(row["stack"], figure(row["rows_per_cpu_second"])) for row in rows])


def _single_row(rows: Iterable[Report]) -> str:
    head = ("ONNX Runtime, one row", "CPU µs per call", "median µs")
    return markdown(head, [(row["case"], figure(row["cpu_us"]), figure(row["median_us"])) for row in rows])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Empty when there are no rows."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def figure(value: float) -> str:
    """Three digits that matter, thousands apart, no zero before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 1 if value >= 10 else 2
    return f"{value:.{digits}f}".removeprefix("0") if value < 1 else f"{value:.{digits}f}"
