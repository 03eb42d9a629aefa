"""Where ONNX Runtime's time for a single row goes: the same call in conditions that come nearer and nearer to a server.

Each case is a process of its own, pinned to one core unless it says otherwise.
"""

import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass

from container.training.graph import GRAPH_FILE
from tests.bench.serving.datasets import Dataset

_CASE_SECONDS = 180


@dataclass(frozen=True)
class Case:
    """One condition. `threads` 0 leaves it to the library; `between` is what happens between two calls."""

    name: str
    between: str = "nothing"
    threads: int = 1
    cores: int = 1
    rows: int = 1
    spinning: bool = True
    arena: bool = True
    pattern: bool = True
    both_outputs: bool = False
    bound: bool = False
    still: bool = False


CASES = (
    Case("the same row again and again", still=True),
    Case("rows in turns"),
    Case("rows in turns, memory bound beforehand", bound=True),
    Case("rows in turns, label and probabilities", both_outputs=True),
    Case("rows in turns, no memory arena", arena=False),
    Case("rows in turns, no memory pattern", pattern=False),
    Case("100 rows a call, per row", rows=100),
    Case("default threads", threads=0),
    Case("default threads, all cores", threads=0, cores=64),
    Case("default threads that do not spin", threads=0, spinning=False),
    Case("after 1 MB was touched", between="touch 1"),
    Case("after 4 MB were touched", between="touch 4"),
    Case("after 64 MB were touched", between="touch 64"),
    Case("after 2 ms of sleep", between="sleep"),
    Case("after 2 ms of sleep, default threads", between="sleep", threads=0),
    Case("in an HTTP server", between="serve"),
    Case("in an HTTP server, default threads", between="serve", threads=0),
    Case("in an HTTP server, default threads, all cores", between="serve", threads=0, cores=64),
    Case("in an HTTP server, default threads that do not spin", between="serve", threads=0, spinning=False),
    Case("in an HTTP server, 200 requests a second", between="serve slowly"),
    Case("in an HTTP server, 200 requests a second, default threads", between="serve slowly", threads=0),
)


def study(dataset: Dataset, rounds: int, seconds: float) -> list[dict[str, object]]:
    """What a call took in each case: medians over rounds of all of them."""
    lines = dataset.folder / "rows.csv"
    lines.write_text("\n".join(dataset.lines))
    told: dict[str, list[dict[str, float]]] = {case.name: [] for case in CASES}
    for _ in range(rounds):
        for case in CASES:
            arguments = [json.dumps(asdict(case)), str(dataset.layout.model / GRAPH_FILE), str(lines), str(seconds)]
            told[case.name].append(_run(arguments))
            one = told[case.name][-1]
            print(f"{case.name:58} {one['cpu_us']:8.1f} µs of CPU, {one['median_us']:8.1f} µs median", flush=True)
    return [
        {"case": name, **{figure: statistics.median(one[figure] for one in found) for figure in found[0]}}
        for name, found in told.items()
    ]


def _run(arguments: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.serving.single_row_case", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=_CASE_SECONDS)
    return json.loads(done.stdout.splitlines()[-1])
