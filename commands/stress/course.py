"""What happened, on one time axis: seconds of real time since the first request."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from commands.stress.profiles import Phase
from load.recording import LATE_SECONDS, Bucket, Recording, percentiles
from load.schedule import Schedule

_LEAST_WINDOW_SECONDS, _MOST_WINDOW_SECONDS = 5, 10


@dataclass(frozen=True)
class Part:
    """A phase and what came of it."""

    phase: Phase
    recording: Recording

    @property
    def open_loop(self) -> bool:
        """Whether requests had planned times, rather than clients that wait for their answers."""
        return isinstance(self.phase.plan, Schedule)

    @property
    def seconds(self) -> float:
        """How long it took, the last answers included; as far as is known, where the generator did not tell its end."""
        begun, ended = self.recording.begun, self.recording.ended
        return float(len(self.recording.buckets)) if begun is None or ended is None else ended - begun


@dataclass(frozen=True)
class Span:
    """Some seconds of a part: the requests planned for them, and in ``arrived`` the right answers that came in them.

    ``begins`` counts from the first request of all. ``planned`` is the rate, None where clients waited for their
    answers. ``instances`` is None where they changed meanwhile, or are unknown.
    """

    begins: float
    seconds: int
    phase: str
    planned: float | None
    sent: int
    answered: int
    arrived: int
    failures: Counter[str]
    latencies: Sequence[float] = field(repr=False)
    late_seconds: float
    instances: int | None

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.sent / self.seconds

    @property
    def open_loop(self) -> bool:
        """As `Part` has it."""
        return self.planned is not None

    @property
    def late(self) -> bool:
        """Whether the generator was: then it measured itself too."""
        return self.late_seconds > LATE_SECONDS

    def percentile(self, share: float) -> float | None:
        """Of the latencies, in seconds; None where there are none."""
        return percentiles(self.latencies, [share]).get(share)

    @property
    def mean(self) -> float | None:
        """Of the latencies, in seconds."""
        return sum(self.latencies) / len(self.latencies) if self.latencies else None


@dataclass(frozen=True)
class Course:
    """All parts; ``instances_at`` takes epoch seconds."""

    parts: Sequence[Part]
    instances_at: Callable[[float], int | None]

    @property
    def begun(self) -> float:
        """Epoch seconds of the first request; 0 where there was none."""
        return next((part.recording.begun for part in self.parts if part.recording.begun is not None), 0.0)

    @property
    def seconds(self) -> float:
        """How long it took."""
        ended = [part.recording.begun + part.seconds for part in self.parts if part.recording.begun is not None]
        return max(ended) - self.begun if ended else 0.0

    def spans(self, seconds: int) -> Iterator[Span]:
        """All of it, in spans of so many seconds; the last of a part may be shorter."""
        for part in self.parts:
            buckets = part.recording.buckets
            for first in range(0, len(buckets), seconds):
                yield self._span(part, buckets[first : first + seconds])

    def windows(self) -> Iterator[Span]:
        """Spans that say something about the endpoint: five to ten seconds, none cut short; all of a shorter part."""
        for part in self.parts:
            buckets = part.recording.under_load
            if part.recording.ended is None:
                # What was on its way when the generator was killed might have been answered.
                buckets = buckets[:-1]
            length = min(max(len(buckets) // 10, _LEAST_WINDOW_SECONDS), _MOST_WINDOW_SECONDS, max(len(buckets), 1))
            for first in range(0, len(buckets) - length + 1, length):
                yield self._span(part, buckets[first : first + length])

    def _span(self, part: Part, buckets: Sequence[Bucket]) -> Span:
        begun = (part.recording.begun or self.begun) + buckets[0].second
        counts = {self.instances_at(begun + second) for second in range(len(buckets) + 1)}
        middle = buckets[0].second + len(buckets) / 2
        return Span(
            begins=begun - self.begun,
            seconds=len(buckets),
            phase=part.phase.name,
            planned=part.phase.plan.rate(middle) if isinstance(part.phase.plan, Schedule) else None,
            sent=sum(bucket.sent for bucket in buckets),
            answered=sum(bucket.answered for bucket in buckets),
            arrived=sum(bucket.arrived for bucket in buckets),
            failures=sum((bucket.failures for bucket in buckets), Counter()),
            latencies=[latency for bucket in buckets for latency in bucket.latencies],
            late_seconds=max(bucket.late_seconds for bucket in buckets),
            instances=counts.pop() if len(counts) == 1 else None,
        )
