"""`make bench`: medians of three on this machine, printed beside their budgets and written to `build/bench.json`.

A figure over its budget is marked, not failed: how fast the machine is today is not the code's doing.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from local.configuration import Configuration
from local.demo.meter import tree_memory_mb
from local.launch import free_port, running_cloud
from tests.bench.approval import measure_page
from tests.bench.transitions import count_approved_run, count_slow_creation

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 3
# What is kept in memory only because it was just used is given back within this time.
_SETTLE_SECONDS = 5


@dataclass(frozen=True)
class Figure:
    """A measured value and the most it may be; no budget where a figure is only told."""

    name: str
    unit: str
    value: float
    budget: float | None = None

    def line(self) -> str:
        """The figure as it is printed."""
        budget = f"budget {self.budget:g}" if self.budget is not None else ""
        over = "  OVER" if self.budget is not None and self.value > self.budget else ""
        return f"  {self.name:58} {self.value:8.1f} {self.unit:12} {budget}{over}"


def main() -> int:
    """Measure, print, write."""
    figures = [*_demo_figures(), *_cloud_figures(), *_page_figures(), *_count_figures(), _first_demo()]
    for figure in figures:
        print(figure.line())
    report = ROOT / "build" / "bench.json"
    report.write_text(
        json.dumps(
            {"repeats": REPEATS, "cores": os.cpu_count(), "figures": [asdict(figure) for figure in figures]}, indent=1
        )
        + "\n"
    )
    print(f"\nWritten to {report.relative_to(ROOT)}")
    return 0


def _demo_figures() -> list[Figure]:
    _demo(ROOT)  # the first one may still synthesise
    reports = [_demo(ROOT) for _ in range(REPEATS)]

    def median(name: str) -> float:
        return statistics.median(report["seconds"][name] for report in reports)

    return [
        Figure("second `make demo APPROVE=yes`", "s", median("total"), 25),
        Figure("drop to mail", "s", median("drop_to_mail"), 8),
        Figure("approval to production answering", "s", median("approval_to_production"), 5),
        Figure("peak memory during the demo", "MB", statistics.median(report["peak_memory_mb"] for report in reports)),
    ]


def _demo(folder: Path) -> dict:
    print(f"  make demo APPROVE=yes in {folder} …", flush=True)
    subprocess.run(["make", "demo", "APPROVE=yes"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "build" / "demo-report.json").read_text())


def _first_demo() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds = _demo(clone)["seconds"]["total"]
        shutil.rmtree(clone, ignore_errors=True)
    return Figure("first demo from a fresh clone, warm package cache", "s", seconds, 150)


def _cloud_figures() -> list[Figure]:
    ready, idle = [], []
    for _ in range(REPEATS):
        begun = time.monotonic()
        with running_cloud(Configuration(port=free_port()), ROOT / "build" / "bench-cloud.log") as cloud:
            ready.append(time.monotonic() - begun)
            time.sleep(_SETTLE_SECONDS)
            idle.append(tree_memory_mb(cloud.process.pid))
    return [
        Figure("embedded cloud ready", "s", statistics.median(ready), 5),
        Figure("embedded cloud idle", "MB", statistics.median(idle), 300),
    ]


def _page_figures() -> list[Figure]:
    page = measure_page(ROOT)
    return [
        Figure("approval page, warm, p50", "ms", page.p50_ms),
        Figure("approval page, warm, p95", "ms", page.p95_ms, 100),
        Figure("imports and clients that its libraries take", "ms", page.libraries_ms),
        Figure("imports that ours add to that", "ms", page.ours_ms, 100),
        Figure("its code, zipped, without the shared layer", "MB", page.zip_bytes / 1024**2, 5),
    ]


def _count_figures() -> list[Figure]:
    approved, slow = _counted(count_approved_run), _counted(count_slow_creation)
    return [
        Figure("state transitions of an approved run, its stacks included", "transitions", approved["transitions"]),
        Figure("Lambda invocations of an approved run", "invocations", approved["invocations"]),
        Figure("state transitions of a deployment whose endpoint takes 8 minutes", "transitions", slow["transitions"]),
        Figure("of these, while waiting for it", "transitions", slow["watch"], 60),
        Figure("Lambda invocations of that deployment", "invocations", slow["invocations"]),
    ]


def _counted(count: Callable[[Path], dict[str, int]]) -> dict[str, int]:
    return count(ROOT / "build" / "bench-cloud.log")


if __name__ == "__main__":
    sys.exit(main())
