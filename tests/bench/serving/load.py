"""Runs the load generator, which is compiled once, and reads what it found."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.serving.cores import pinned
from tests.bench.serving.datasets import FOLDER

CONNECTIONS = 16
_SOURCE = Path(__file__).with_name("generator.c")
# How long the generator waits for the last answers, and some more.
_GRACE_SECONDS = 20


@dataclass(frozen=True)
class Load:
    """What one run of the generator found. Wrong answers are answered; those without an answer failed."""

    answered: int
    wrong: int
    failed: int
    reconnected: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float


def compile_generator() -> Path:
    """An interpreted one would be slower than the servers it measures.

    Raises:
        FileNotFoundError: there is no C compiler.
    """
    compiler = shutil.which("cc")
    if not compiler:
        raise FileNotFoundError("the load generator needs a C compiler; on Debian: apt-get install gcc libc6-dev")
    target = FOLDER / "generator"
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", target, _SOURCE], check=True)
    return target


def drive(
    port: int,
    requests: Path,
    marker: str,
    seconds: float,
    cores: set[int],
    rate: float = 0.0,
    connections: int = CONNECTIONS,
) -> Load:
    """Ask as fast as answers come, or `rate` times a second whatever the answers do.

    Raises:
        RuntimeError: the server takes no connections or answers no HTTP; the message says which.
    """
    latencies = requests.with_suffix(".latencies")
    numbers = [str(port), str(connections), str(seconds), str(rate)]
    command = [FOLDER / "generator", *numbers, marker, requests, latencies]
    with pinned(cores):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _GRACE_SECONDS, check=True)
        except subprocess.SubprocessError as fault:
            told = str(getattr(fault, "stderr", "") or fault).strip()
            raise RuntimeError(f"the load generator failed: {told[-500:]}") from fault
    p50, p99 = percentiles_ms(np.fromfile(latencies, dtype=np.uint64), (50, 99))
    return Load(p50_ms=p50, p99_ms=p99, **json.loads(done.stdout))


def percentiles_ms(nanoseconds: np.ndarray, wanted: Iterable[float]) -> list[float]:
    """Each is a latency that was seen, the smallest that so many percent do not exceed; NaN when none was."""
    if not len(nanoseconds):
        return [float("nan") for _ in wanted]
    found = np.percentile(nanoseconds, list(wanted), method="inverted_cdf")
    return [float(value) / 1e6 for value in found]
