from typing import Any

import numpy as np

from container.training.evaluation.latency import measure_latency
from tests.container.training.evaluation.answered import LinearPredictor


class Clock:
    """Each call takes as long as the list says, over and over."""

    def __init__(self, calls_ns: list[int]) -> None:
        self._calls, self._place, self._now, self.asked = calls_ns, 0, 0, 0

    def __call__(self) -> int:
        self.asked += 1
        if self.asked % 2 == 0:
            self._now += self._calls[self._place % len(self._calls)]
            self._place += 1
        return self._now


def test_interrupted_calls_and_busy_stretches_are_forgotten() -> None:
    rows = np.zeros((7, 2), dtype=np.float32)
    quiet, busy = [1_000_000] * 60 + [90_000_000] * 40, [5_000_000] * 100
    calls = [*busy, *busy, *quiet, *busy, *busy]
    assert measure_latency(LinearPredictor([1, 1]), rows, Clock(calls)) == 1.0


def test_a_slow_model_is_called_less_often() -> None:
    clock = Clock([400_000_000])
    assert measure_latency(LinearPredictor([1, 1]), np.zeros((3, 2), dtype=np.float32), clock) == 400.0
    assert clock.asked == 2 * 5 * 2


def test_a_row_takes_a_real_model_some_time(complete: Any) -> None:
    assert 0.0001 < measure_latency(complete.predictor, complete.rows) < 100
