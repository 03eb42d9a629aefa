"""One dataset: every server is started once, then they are asked in turns, so that a slow minute meets all of them."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.serving.cores import generator_cores, server_cores
from tests.bench.serving.datasets import Dataset
from tests.bench.serving.load import Load, drive
from tests.bench.serving.processes import NotStarted, Server, free_ports
from tests.bench.serving.protocols import write_requests
from tests.bench.serving.stacks import Missing, Stack

# An HTTP port, and those that some servers open beside it.
_PORTS = 3


@dataclass(frozen=True)
class Times:
    """How long everything is measured, in seconds."""

    rounds: int = 3
    warm_up: float = 0.5
    closed: float = 3.0
    open: float = 15.0
    idle: float = 2.0
    batches: int = 3
    study: float = 0.6


@dataclass
class Running:
    """A stack that answers, and what was measured of it."""

    stack: Stack
    server: Server
    requests: Path
    first_answer_seconds: float
    loads: list[Load] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    idle_cpu_share: float = 0.0

    def drive(self, seconds: float, rate: float = 0.0) -> Load:
        """Ask this server."""
        cores = generator_cores(self.stack.workers)
        return drive(self.server.port, self.requests, self.stack.protocol.marker, seconds, cores, rate=rate)

    def row(self, dataset: str) -> dict[str, object]:
        """Medians over the rounds. Memory is proportional: what processes share is counted once."""

        def median(name: str) -> float:
            return statistics.median(getattr(load, name) for load in self.loads)

        return {
            "stack": self.stack.name,
            "dataset": dataset,
            "workers": self.stack.workers,
            "cpu_us": statistics.median(self.cpu_us),
            "requests_per_second": statistics.median(load.answered / load.seconds for load in self.loads),
            "p50_ms": median("p50_ms"),
            "p99_ms": median("p99_ms"),
            "memory_mb": self.memory["Pss"],
            "resident_mb": self.memory["Rss"],
            "first_answer_seconds": self.first_answer_seconds,
            "answers": sum(load.answered for load in self.loads),
            "wrong": sum(load.wrong for load in self.loads),
            "failed": sum(load.failed for load in self.loads),
            "reconnected": sum(load.reconnected for load in self.loads),
            "processes": len(self.server.processes()),
            "idle_cpu_share": self.idle_cpu_share,
            "generator_cpu_share": max(load.cpu_seconds / load.seconds for load in self.loads),
        }


@contextlib.contextmanager
def running(stack: Stack, dataset: Dataset) -> Iterator[Running]:
    """The stack, answering. It is ended whatever happens.

    Raises:
        Missing: it is not installed.
        NotStarted: it did not answer.
    """
    log = dataset.folder / f"{''.join(c if c.isalnum() else '-' for c in stack.label)}.log"
    requests = log.with_suffix(".requests")
    classes = [0] * len(dataset.classes) if stack.constant else dataset.classes
    write_requests(requests, stack.protocol, dataset.lines, classes)
    port = free_ports(_PORTS)
    # Not in the build: the name of a socket that a server makes there may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        server = Server(stack.start(dataset, port, folder), port, folder, log, server_cores(stack.workers))
        try:
            # Of a class that is not the first, so that nothing that answers zeros to everything is taken for ready.
            place = next(i for i, known in enumerate(classes) if known or stack.constant)
            first = server.first_answer_seconds(stack.protocol, dataset.lines[place], classes[place])
            yield Running(stack, server, requests, first)
        finally:
            server.end()


def started(stacks: list[Stack], dataset: Dataset, held: contextlib.ExitStack) -> tuple[list[Running], list[dict]]:
    """Those that answer, and the others with the reason."""
    answering, failures = [], []
    for stack in stacks:
        try:
            one = held.enter_context(running(stack, dataset))
        except (Missing, NotStarted, OSError) as fault:
            failures.append({"stack": stack.name, "dataset": dataset.name, "workers": stack.workers, "why": str(fault)})
            print(f"{stack.label:44} left out: {fault}", flush=True)
        else:
            print(f"{stack.label:44} first answer after {one.first_answer_seconds:.2f} s", flush=True)
            answering.append(one)
    return answering, failures


def take_turns(answering: list[Running], times: Times) -> list[dict]:
    """Rounds of asking each as fast as it answers; those that fail under it, with the reason."""
    failures = []
    for turn in range(times.rounds):
        for one in list(answering):
            try:
                _measure(one, times)
            except (RuntimeError, OSError) as fault:
                failures.append({"stack": one.stack.name, "workers": one.stack.workers, "why": str(fault)})
                print(f"{one.stack.label:44} round {turn + 1}: {fault}", flush=True)
                answering.remove(one)
                continue
            load = one.loads[-1]
            print(
                f"{one.stack.label:44} round {turn + 1}: {one.cpu_us[-1]:9.1f} µs of CPU, "
                f"{load.answered / load.seconds:9.1f} requests/s, p99 {load.p99_ms:8.2f} ms, "
                f"{load.wrong} wrong, {load.failed} failed",
                flush=True,
            )
    _weigh_idle(answering, times.idle)
    return failures


def _weigh_idle(answering: list[Running], seconds: float) -> None:
    """What servers that nobody asks take from the one that is."""
    before = [one.server.cpu_seconds() for one in answering]
    time.sleep(seconds)
    for one, cpu in zip(answering, before, strict=True):
        one.idle_cpu_share = (one.server.cpu_seconds() - cpu) / seconds


def _measure(one: Running, times: Times) -> None:
    one.drive(times.warm_up)
    cpu = one.server.cpu_seconds()
    load = one.drive(times.closed)
    cpu = one.server.cpu_seconds() - cpu
    if not load.answered:
        raise RuntimeError("no request was answered")
    one.loads.append(load)
    one.cpu_us.append(cpu / load.answered * 1e6)
    one.memory = one.server.memory_mb()


def at_half_rate(answering: list[Running], times: Times) -> tuple[list[dict], list[dict]]:
    """Each peer at half of its own highest rate, and the product at the same rate; those that fail, with the reason."""
    ours = next((one for one in answering if one.stack.product and one.stack.workers == 1), None)
    peers = [one for one in answering if not one.stack.product and not one.stack.constant]
    rows, failures = [], []
    for peer in peers if ours else []:
        rate = statistics.median(load.answered / load.seconds for load in peer.loads) / 2
        try:
            row = _both_at(rate, peer, ours, times)
        except (RuntimeError, OSError) as fault:
            failures.append({"stack": peer.stack.name, "workers": 1, "why": f"at {rate:.1f} requests/s: {fault}"})
            print(f"{peer.stack.label:44} {failures[-1]['why']}", flush=True)
            continue
        rows.append(row)
        print(
            f"{peer.stack.label:44} at {rate:.1f} requests/s: p99 {row['p99_ms']:.2f} ms, "
            f"ours {row['ours_p99_ms']:.2f} ms",
            flush=True,
        )
    return rows, failures


def _both_at(rate: float, peer: Running, ours: Running, times: Times) -> dict[str, object]:
    peer.drive(times.warm_up, rate)
    theirs = peer.drive(times.open, rate)
    ours.drive(times.warm_up, rate)
    own = ours.drive(times.open, rate)
    return {
        "stack": peer.stack.name,
        "requests_per_second": rate,
        "p50_ms": theirs.p50_ms,
        "p99_ms": theirs.p99_ms,
        "ours_p50_ms": own.p50_ms,
        "ours_p99_ms": own.p99_ms,
        "answers": theirs.answered,
        "wrong": theirs.wrong + own.wrong,
        "failed": theirs.failed + own.failed,
    }
