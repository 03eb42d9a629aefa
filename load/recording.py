"""What came of the traffic, second by second."""

import math
import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
LATE_SECONDS = 0.1
"""A generator that is later than this measures itself too: what it says of that second is judged apart."""


@dataclass
class Bucket:
    """One second of the traffic: the requests that were planned for it, whenever their answers came.

    ``latencies`` are seconds from the planned time of each request to its end, failed ones included.
    ``late_seconds`` is how late the generator itself was at the worst. ``arrived`` and ``lost`` are of the requests
    that came to an end in this second, whenever they were planned: right answers that came, failures that were known.
    """

    second: int
    sent: int = 0
    answered: int = 0
    late_seconds: float = 0.0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    arrived: int = 0
    lost: int = 0

    @property
    def failed(self) -> int:
        """Requests without a right answer."""
        return self.failures.total()

    @property
    def waiting(self) -> int:
        """Requests that have not come to an end."""
        return self.sent - len(self.latencies)

    def copy(self) -> "Bucket":
        """Which does not change with this one."""
        return replace(
            self, latencies=self.latencies[:], failures=Counter(self.failures), variants=Counter(self.variants)
        )


@dataclass(frozen=True)
class Failure:
    """One request without a right answer.

    ``second`` is its planned time after the begin, ``question`` the position of what was asked.
    """

    second: float
    after_seconds: float
    kind: str
    detail: str
    question: int


class Recording:
    """Grows while the traffic runs; may be read by any thread, whenever it likes to.

    ``failed`` has the first thousand failures.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[int, Bucket] = {}
        self.failed: list[Failure] = []
        self.begun: float | None = None
        """Epoch seconds of the first planned time; None before."""
        self.ended: float | None = None
        self.cpu_seconds: float | None = None
        """What the generator's process used, once it has ended."""

    @property
    def buckets(self) -> list[Bucket]:
        """Every second from the first to the last of which something is known, as it is now: copies, which stay so."""
        with self._lock:
            found = {second: bucket.copy() for second, bucket in self._buckets.items()}
        return [found.get(second) or Bucket(second) for second in range(max(found, default=-1) + 1)]

    @property
    def under_load(self) -> list[Bucket]:
        """The buckets before the last second in which something was sent.

        That one may be cut short, and after it come only the answers that were still to come.
        """
        found = self.buckets
        return found[: max((bucket.second for bucket in found if bucket.sent), default=0)]

    @property
    def sent(self) -> int:
        """All requests that were begun."""
        with self._lock:
            return sum(bucket.sent for bucket in self._buckets.values())

    @property
    def answered(self) -> int:
        """All that had a right answer."""
        with self._lock:
            return sum(bucket.answered for bucket in self._buckets.values())

    @property
    def failures(self) -> Counter[str]:
        """All that had none, by kind."""
        with self._lock:
            return sum((bucket.failures for bucket in self._buckets.values()), Counter())

    @property
    def variants(self) -> Counter[str]:
        """Right answers by the variant that gave them."""
        with self._lock:
            return sum((bucket.variants for bucket in self._buckets.values()), Counter())

    @property
    def late(self) -> list[int]:
        """The seconds in which the generator was late by more than LATE_SECONDS; the endpoint is not to blame."""
        with self._lock:
            return sorted(second for second, bucket in self._buckets.items() if bucket.late_seconds > LATE_SECONDS)

    def percentiles(self, wanted: Sequence[float] = PERCENTILES) -> dict[float, float]:
        """Latencies in seconds by percentile, of all requests that have ended; empty when none has."""
        with self._lock:
            latencies = [latency for bucket in self._buckets.values() for latency in bucket.latencies]
        return percentiles(latencies, wanted)

    def add(self, told: dict[str, Any]) -> None:
        """What the generator's process says."""
        with self._lock:
            for second, new in told.get("seconds", {}).items():
                self._add(self._buckets.setdefault(int(second), Bucket(int(second))), new)
            self.failed += [Failure(**each) for each in told.get("failures", ())]
            self.begun = told.get("begun", self.begun)
            self.ended = told.get("ended", self.ended)
            self.cpu_seconds = told.get("cpu_seconds", self.cpu_seconds)

    def _add(self, bucket: Bucket, new: dict[str, Any]) -> None:
        bucket.sent += new["sent"]
        bucket.answered += new["answered"]
        bucket.late_seconds = max(bucket.late_seconds, new["late_seconds"])
        bucket.latencies.extend(latency / 1e6 for latency in new["latencies_us"])
        bucket.failures.update(new["failures"])
        bucket.variants.update(new["variants"])
        bucket.arrived += new["arrived"]
        bucket.lost += new["lost"]


def percentiles(latencies: Iterable[float], wanted: Sequence[float] = PERCENTILES) -> dict[float, float]:
    """The least latency that so many per cent do not exceed: exact, none is estimated. Empty where there are none."""
    ordered = sorted(latencies)
    if not ordered:
        return {}
    return {share: ordered[max(math.ceil(len(ordered) * share / 100 - 1e-9) - 1, 0)] for share in wanted}
