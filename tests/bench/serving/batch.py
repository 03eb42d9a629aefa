"""A body of six megabytes: rows that an answer takes a second of processor time for."""

import contextlib
import statistics
import subprocess
import sys
import time
from pathlib import Path

from container.serving.application import MAXIMUM_BODY_BYTES
from tests.bench.serving.cores import pinned, server_cores
from tests.bench.serving.datasets import Dataset
from tests.bench.serving.processes import ask
from tests.bench.serving.rounds import Running, Times, started
from tests.bench.serving.stacks import PEER_BINARIES, Missing, stacks, tables_stack

_ALONE = Path(__file__).parent / "peers" / "predict_alone.py"
_ALONE_NAME = "scikit-learn's predict alone, rows parsed"
_REQUEST_SECONDS = 120
_LEAST_SECONDS = 2.0


def measure(dataset: Dataset, times: Times) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows, and what could not be measured. All are asked in turns."""
    lines, classes = _body(dataset)
    ours = next(stack for stack in stacks() if stack.product and stack.workers == 1)
    expected = "\n".join(map(str, classes))
    rates: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    with contextlib.ExitStack() as held:
        servers, failures = started([ours, tables_stack()], dataset, held)
        requests = [one.stack.protocol.request("\n".join(lines)) for one in servers]
        for one, request in zip(servers, requests, strict=True):
            _ask(one, request, expected)  # to warm up
        for _ in range(times.batches):
            for one, request in zip(servers, requests, strict=True):
                taken = _cpu_seconds(one, request, expected)
                rates.setdefault(one.stack.name, []).append(len(lines) / taken)
                memory[one.stack.name] = one.server.memory_mb()["Pss"]
            try:
                rates.setdefault(_ALONE_NAME, []).append(_alone(dataset, lines))
            except (Missing, subprocess.SubprocessError) as fault:
                failures.append({"stack": _ALONE_NAME, "dataset": dataset.name, "workers": 1, "why": str(fault)})
    rows = [
        {"stack": name, "rows": len(lines), "rows_per_cpu_second": statistics.median(found)}
        | ({"memory_mb": memory[name]} if name in memory else {})
        for name, found in rates.items()
    ]
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


def _cpu_seconds(one: Running, request: bytes, expected: str) -> float:
    """Of one request: of several, as many as take long beside the hundredths of a second in which the kernel counts."""
    before, end, asked = one.server.cpu_seconds(), time.monotonic() + _LEAST_SECONDS, 0
    while time.monotonic() < end:
        _ask(one, request, expected)
        asked += 1
    return (one.server.cpu_seconds() - before) / asked


def _ask(one: Running, request: bytes, expected: str) -> None:
    head, _, body = ask(one.server.port, request, _REQUEST_SECONDS).partition("\r\n\r\n")
    if head[9:12] != "200" or body.strip() != expected:
        raise RuntimeError(f"a wrong answer: {head[:200]} {body[:200]}")


def _alone(dataset: Dataset, lines: list[str]) -> float:
    """Rows per second of the library with nothing to read or to write: they are numbers in its memory already."""
    python = PEER_BINARIES / "python"
    if not python.is_file():
        raise Missing("the peers' environment is not there; `make bench-serving` makes it")
    with pinned(server_cores(1)):
        done = subprocess.run(
            [python, _ALONE, dataset.estimator, "9"],
            input="\n".join(lines),
            text=True,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            timeout=_REQUEST_SECONDS,
            check=True,
        )
    return float(done.stdout)
