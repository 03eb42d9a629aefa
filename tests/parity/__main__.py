"""`make parity`: a table, and `build/export-parity.json`. Ends with a fault when any export gives another answer."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.parity.cases import CASES
from tests.parity.looking import Finding, look_at

REPORT = Path(__file__).resolve().parents[2] / "build" / "export-parity.json"
SEED = 20
MINIMUM_ROWS = 3_000_000
_HEAD = (
    "case",
    "trees",
    "nodes",
    "targets",
    "reached",
    "none can",
    "rows",
    "ties",
    "close",
    "worst",
    "graph's",
    "CPU s",
    "MB",
)


def line(cells: Iterable[object]) -> str:
    """One line of the table."""
    first, *others = map(str, cells)
    return f"{first:32}" + "".join(f"{cell:>11}" for cell in others)


def cells(finding: Finding) -> tuple[object, ...]:
    """The finding in the table's columns."""
    coverage, agreement = finding.coverage, finding.agreement
    return (
        finding.case,
        finding.trees,
        finding.nodes,
        coverage.targets,
        f"{coverage.share:.2%}",
        coverage.unreachable,
        agreement.rows,
        agreement.ties,
        agreement.close,
        f"{agreement.worst:.1e}",
        f"{finding.worst_of_graph:.1e}",
        finding.cpu_seconds,
        finding.peak_memory_mb,
    )


def main(arguments: Sequence[str]) -> int:
    """Look at every case, two at a time; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--rows", type=int, default=MINIMUM_ROWS, help="of each case, at least")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--case", action="append", choices=[case.name for case in CASES], help="only this; may be repeated"
    )
    given = parser.parse_args(arguments)
    numbers = [number for number, case in enumerate(CASES) if not given.case or case.name in given.case]
    print(line(_HEAD), flush=True)
    findings: list[Finding] = []
    faults: list[str] = []
    # Each in a process of its own, so that its memory is its own too.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        for found in processes.map(partial(look_at, seed=given.seed, rows=given.rows), numbers):
            if isinstance(found, str):
                faults.append(found)
                continue
            findings.append(found)
            print(line(cells(found)), flush=True)
            if found.coverage.share < 1:
                faults.append(f"{found.case}: only {found.coverage.share:.4%} of the targets were reached")
    REPORT.parent.mkdir(exist_ok=True)
    record = {"seed": given.seed, "cases": [one.record() for one in findings], "faults": faults}
    REPORT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"\nWritten to {REPORT.relative_to(REPORT.parents[1])}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
