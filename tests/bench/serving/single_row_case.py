"""Runs one case of `single_row` and prints what a call took, as JSON: `single_row_case CASE MODEL ROWS SECONDS`."""

import asyncio
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httptools
import numpy as np
import onnxruntime
import uvloop

from container.training.graph import INPUT, LABEL_OUTPUT, PROBABILITIES_OUTPUT
from tests.bench.serving.cores import generator_cores, server_cores
from tests.bench.serving.load import drive
from tests.bench.serving.protocols import CSV, write_requests
from tests.bench.serving.single_row import Case

_MEBIBYTE = 1024**2
_CACHE_LINE_BYTES = 64
_SLEEP_SECONDS = 0.002
_LEAST_CALLS = 100
_SLOW_RATE = 200.0

Ask = Callable[[int], object]


def main() -> None:
    """Run the case."""
    case = Case(**json.loads(sys.argv[1]))
    rows = np.loadtxt(sys.argv[3], delimiter=",", dtype=np.float32)
    seconds = float(sys.argv[4])
    asking = generator_cores(case.cores)
    # The library's threads inherit it.
    os.sched_setaffinity(0, server_cores(case.cores))
    ask = _call(_session(Path(sys.argv[2]), case), rows, case)
    for place in range(_LEAST_CALLS):
        ask(place)
    if case.between.startswith("serve"):
        rate = _SLOW_RATE if case.between == "serve slowly" else 0.0
        told = _served(ask, seconds, asking, rate)
    else:
        told = _looped(ask, case, seconds)
    print(json.dumps(told))


def _session(model: Path, case: Case) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if case.threads:
        options.intra_op_num_threads = options.inter_op_num_threads = case.threads
    options.enable_cpu_mem_arena = case.arena
    options.enable_mem_pattern = case.pattern
    if not case.spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _call(session: onnxruntime.InferenceSession, rows: np.ndarray, case: Case) -> Ask:
    """Asks about the rows of a place; places take turns."""
    parts = [rows[i : i + case.rows].copy() for i in range(0, len(rows) - case.rows, case.rows)]
    if case.still:
        parts = parts[:1]
    if case.bound:
        return _bound_call(session, parts)
    outputs = [LABEL_OUTPUT, PROBABILITIES_OUTPUT] if case.both_outputs else [LABEL_OUTPUT]
    return lambda place: session.run(outputs, {INPUT: parts[place % len(parts)]})


def _bound_call(session: onnxruntime.InferenceSession, parts: list[np.ndarray]) -> Ask:
    """Without what looking at arrays and names, and making new arrays, takes."""
    answer = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(1, np.int64))
    bindings = []
    for part in parts:
        binding = session.io_binding()
        binding.bind_ortvalue_input(INPUT, onnxruntime.OrtValue.ortvalue_from_numpy(part))
        binding.bind_ortvalue_output(LABEL_OUTPUT, answer)
        bindings.append(binding)
    return lambda place: session.run_with_iobinding(bindings[place % len(bindings)])


def _looped(ask: Ask, case: Case, seconds: float) -> dict[str, float]:
    """What the call's own thread took and, where others may work or spin for it, what the process took in all."""
    prepare = _preparation(case.between)
    own, whole, median, calls = _timed(ask, prepare, seconds)
    nothing_own, nothing_whole, nothing_median, _ = _timed(lambda _: None, prepare, seconds / 2)
    cpu = own - nothing_own if case.threads else whole - nothing_whole
    return {"cpu_us": cpu / case.rows, "median_us": (median - nothing_median) / case.rows, "calls": calls}


def _timed(ask: Ask, prepare: Callable[[], object], seconds: float) -> tuple[float, float, float, int]:
    """Mean CPU of a call's thread, mean CPU of all between two calls, median wall time of a call (µs), and calls."""
    took: list[int] = []
    own = 0
    whole, end = time.process_time_ns(), time.perf_counter() + seconds
    while time.perf_counter() < end or len(took) < _LEAST_CALLS:
        prepare()
        cpu, begun = time.thread_time_ns(), time.perf_counter_ns()
        ask(len(took))
        took.append(time.perf_counter_ns() - begun)
        own += time.thread_time_ns() - cpu
    whole = time.process_time_ns() - whole
    return own / len(took) / 1e3, whole / len(took) / 1e3, float(np.median(took)) / 1e3, len(took)


def _preparation(between: str) -> Callable[[], object]:
    what, _, size = between.partition(" ")
    if what == "touch":
        touched = np.zeros(int(size) * _MEBIBYTE, dtype=np.uint8)[::_CACHE_LINE_BYTES]
        return lambda: np.add(touched, 1, out=touched)
    return {"sleep": lambda: time.sleep(_SLEEP_SECONDS)}.get(what, lambda: None)


def _served(ask: Ask, seconds: float, generator_cores: set[int], rate: float) -> dict[str, float]:
    """What requests take more when the smallest server of our server's parts makes the call."""
    took: list[int] = []
    port = _serve(ask, took)
    requests = Path(sys.argv[3]).with_name("requests-of-nothing")
    leg_seconds = max(seconds / 2, _LEAST_CALLS / rate if rate else 0.0)
    taken: dict[str, list[float]] = {"/": [], "/nothing": []}
    # In turns, as the machine has slow moments.
    for path in ["/", "/nothing"] * 3:
        write_requests(requests, replace(CSV, path=path), ["0"], [0])
        cpu = time.process_time()
        load = drive(port, requests, "", leg_seconds, generator_cores, rate=rate)
        taken[path].append((time.process_time() - cpu) / load.answered * 1e6)
    cpu_us = float(np.median(taken["/"]) - np.median(taken["/nothing"]))
    return {"cpu_us": cpu_us, "median_us": float(np.median(took)) / 1e3, "calls": len(took)}


class _Smallest(asyncio.Protocol):
    """Answers "0" to every request, after the call; `/nothing` makes none."""

    def __init__(self, ask: Ask, took: list[int]) -> None:
        self._ask = ask
        self._took = took
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, path: bytes) -> None:
        self._path = path

    def on_message_complete(self) -> None:
        if self._path == b"/":
            begun = time.perf_counter_ns()
            self._ask(len(self._took))
            self._took.append(time.perf_counter_ns() - begun)
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n0")  # type: ignore[attr-defined]


def _serve(ask: Ask, took: list[int]) -> int:
    """Starts the server in a thread; the result is its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    async def answer() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Smallest(ask, took), sock=listener)
        await server.serve_forever()

    threading.Thread(target=uvloop.run, args=[answer()], daemon=True).start()
    return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
