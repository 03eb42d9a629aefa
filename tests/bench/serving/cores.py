"""Servers and what asks them each have cores of their own, as far as there are any."""

import contextlib
import os
from collections.abc import Iterator


def all_cores() -> set[int]:
    """Those that this process may use."""
    return os.sched_getaffinity(0)


def server_cores(workers: int) -> set[int]:
    """The first, one for each worker."""
    return set(sorted(all_cores())[:workers])


def generator_cores(workers: int) -> set[int]:
    """The others. Where there is none, the generator must share."""
    return (all_cores() - server_cores(workers)) or all_cores()


@contextlib.contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """What is started meanwhile may use only these; the calling thread's own go back to what they were."""
    before = all_cores()
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
