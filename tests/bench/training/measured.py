"""Runs one contestant in a process of its own and tells what it took. Needs nothing of ours: peers use it too."""

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")


def measure(work: Callable[[], dict[str, object]]) -> None:
    """Print what the work took beyond what importing its libraries had taken, and what it says, as one line of JSON."""
    imports_mb = peak_mb()
    wall, processor = time.perf_counter(), time.process_time()
    said = work()
    told = {
        "cpu_seconds": time.process_time() - processor,
        "wall_seconds": time.perf_counter() - wall,
        "peak_memory_mb": peak_mb() - imports_mb,
        "imports_mb": imports_mb,
    }
    print(json.dumps({**told, **said}))


def peak_mb() -> float:
    """The most memory that this process has had resident so far, in MiB."""
    # Where Linux tells it: what getrusage tells there begins with the memory of the process that started this one.
    if _STATUS.is_file() and (told := re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)):
        return int(told[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024
