"""Runs one contestant in a process of its own and tells what it took. Needs nothing of ours: peers use it too."""

import json
import resource
import sys
import time
from collections.abc import Callable


def measure(work: Callable[[], dict[str, object]]) -> None:
    """Print what the work took beyond what importing its libraries had taken, and what it says, as one line of JSON."""
    imports_mb = _peak_mb()
    wall, processor = time.perf_counter(), time.process_time()
    said = work()
    told = {
        "cpu_seconds": time.process_time() - processor,
        "wall_seconds": time.perf_counter() - wall,
        "peak_memory_mb": _peak_mb() - imports_mb,
        "imports_mb": imports_mb,
    }
    print(json.dumps({**told, **said}))


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024
