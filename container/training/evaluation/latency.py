"""How long the exported model takes for one row, on the machine that trains it."""

import statistics
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from container.predictor import Predictor, Rows

_BLOCKS: Final = 5
_CALLS_PER_BLOCK: Final = 100
# A model this slow is measured well enough by fewer calls.
_SECONDS_PER_BLOCK: Final = 0.5


def measure_latency(predictor: Predictor, rows: Rows, now_ns: Callable[[], int] = time.perf_counter_ns) -> float:
    """Milliseconds for one row: the least of five medians, each of a hundred calls with different rows.

    Whatever else the machine does only ever adds time. A median forgets calls that were interrupted, the least of
    several forgets a stretch in which most of them were.
    """
    call = predictor.values if predictor.schema.task == "regression" else predictor.answer
    singles = [np.ascontiguousarray(rows[place : place + 1]) for place in range(min(len(rows), _CALLS_PER_BLOCK))]
    call(singles[0])  # the first call also sets things up
    return min(_median(call, singles, now_ns) for _ in range(_BLOCKS))


def _median(call: Callable[[Rows], object], singles: list[Rows], now_ns: Callable[[], int]) -> float:
    taken: list[int] = []
    for place in range(_CALLS_PER_BLOCK):
        before = now_ns()
        call(singles[place % len(singles)])
        taken.append(now_ns() - before)
        if sum(taken) > _SECONDS_PER_BLOCK * 1e9:
            break
    return statistics.median(taken) / 1e6
