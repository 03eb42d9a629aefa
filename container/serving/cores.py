"""How much of the machine this process may use."""

import os
from math import ceil
from pathlib import Path

_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(limit: Path = _LIMIT) -> int:
    """How many cores this process can keep busy, at least 1.

    `limit` is the control group's: microseconds of CPU time in each period, or `max`; then the period. A container that
    is limited to a part of a machine still sees all of its cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit.read_text().split()
        return max(1, min(cores, ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no such limit
        return cores
