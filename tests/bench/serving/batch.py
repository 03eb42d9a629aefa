"""A body of six megabytes: rows that an answer takes a second of processor time for."""

import statistics
import subprocess
import sys
from pathlib import Path

from container.serving.application import MAXIMUM_BODY_BYTES
from tests.bench.serving.cores import pinned, server_cores
from tests.bench.serving.datasets import Dataset
from tests.bench.serving.processes import NotStarted, ask
from tests.bench.serving.rounds import Running, Times, running
from tests.bench.serving.stacks import PEER_BINARIES, Missing, Stack, stacks, tables_stack

_ALONE = Path(__file__).parent / "peers" / "predict_alone.py"
_REQUEST_SECONDS = 120


def measure(dataset: Dataset, times: Times) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows, and what could not be measured."""
    lines, classes = _body(dataset)
    ours = next(stack for stack in stacks() if stack.product and stack.workers == 1)
    rows, failures = [], []
    for stack in (ours, tables_stack()):
        try:
            rows.append(_served(stack, dataset, lines, classes, times.batches))
        except (Missing, NotStarted, RuntimeError, OSError) as fault:
            failures.append({"stack": stack.name, "dataset": f"{dataset.name}, 6 MB", "workers": 1, "why": str(fault)})
            print(f"{stack.name:52} left out: {fault}", flush=True)
    try:
        rows.append(_alone(dataset, lines, times.batches))
    except (Missing, subprocess.SubprocessError) as fault:
        failures.append({"stack": "scikit-learn alone", "dataset": dataset.name, "workers": 1, "why": str(fault)})
    for row in rows:
        print(f"{row['stack']:52} {row['rows_per_cpu_second']:12,.0f} rows per CPU second", flush=True)
    return rows, failures


def _body(dataset: Dataset) -> tuple[list[str], list[int]]:
    """The dataset's rows over and over, as many as an endpoint takes at once."""
    lines, classes, size, place = [], [], 0, 0
    while size + len(dataset.lines[place]) + 1 < MAXIMUM_BODY_BYTES:
        lines.append(dataset.lines[place])
        classes.append(dataset.classes[place])
        size += len(lines[-1]) + 1
        place = (place + 1) % len(dataset.lines)
    return lines, classes


def _served(stack: Stack, dataset: Dataset, lines: list[str], classes: list[int], times: int) -> dict[str, object]:
    request, expected = stack.protocol.request("\n".join(lines)), "\n".join(map(str, classes))
    with running(stack, dataset) as one:
        taken = [_cpu_seconds(one, request, expected) for _ in range(times + 1)][1:]
        memory = one.server.memory_mb()["Pss"]
    return {
        "stack": stack.name,
        "rows": len(lines),
        "rows_per_cpu_second": len(lines) / statistics.median(taken),
        "memory_mb": memory,
    }


def _cpu_seconds(one: Running, request: bytes, expected: str) -> float:
    cpu = one.server.cpu_seconds()
    head, _, body = ask(one.server.port, request, _REQUEST_SECONDS).partition("\r\n\r\n")
    if head[9:12] != "200" or body.strip() != expected:
        raise RuntimeError(f"a wrong answer: {head[:200]} {body[:200]}")
    return one.server.cpu_seconds() - cpu


def _alone(dataset: Dataset, lines: list[str], times: int) -> dict[str, object]:
    """The library, with nothing to read or to write: the rows are numbers in its memory already."""
    python = PEER_BINARIES / "python"
    if not python.is_file():
        raise Missing("the peers' environment is not there; `make bench-serving` makes it")
    with pinned(server_cores(1)):
        done = subprocess.run(
            [python, _ALONE, dataset.estimator, str(times)],
            input="\n".join(lines),
            text=True,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            timeout=_REQUEST_SECONDS * times,
            check=True,
        )
    rate = float(done.stdout)
    return {"stack": "scikit-learn's predict alone, rows parsed", "rows": len(lines), "rows_per_cpu_second": rate}
