"""What the terminal says while a load goes on."""

from collections.abc import Sequence

from commands.stress.watch import Watch
from load.recording import LATE_SECONDS, Bucket, Recording, percentiles

_FULL_SECONDS = 5


def progress(recording: Recording, passed_seconds: float, watch: Watch, now: float) -> str:
    """How it stands: what came in the last five full seconds, and what has not come yet; ``now`` in epoch seconds.

    The percentile is of requests planned for these seconds, as far as they have ended. Those that wait may be slower,
    so their number stands beside it, and how long the oldest of them has waited.
    """
    known = recording.buckets
    recent = known[:-1][-_FULL_SECONDS:]
    p99 = percentiles((latency for bucket in recent for latency in bucket.latencies), [99.0]).get(99.0)
    words = [
        f"{passed_seconds:6.0f} s",
        f"{sum(bucket.arrived for bucket in recent) / max(len(recent), 1):8.1f} a second",
        "p99       none" if p99 is None else f"p99 {p99 * 1000:7.1f} ms",
        _waiting(known, now - (recording.begun or now)),
        f"{recording.failures.total():6,} errors",
    ]
    if watch.instances:
        last = watch.instances[-1]
        coming = f" (to be {last.desired})" if last.desired != last.current else ""
        words.append(f"{last.current} instances{coming}")
    if recent and max(bucket.late_seconds for bucket in recent) > LATE_SECONDS:
        words.append("generator late")
    return "  ".join(words)


def _waiting(buckets: Sequence[Bucket], passed_seconds: float) -> str:
    """How many requests have not ended, and since when the oldest of them waits, to the second."""
    waiting = [bucket for bucket in buckets if bucket.waiting]
    longest = max(passed_seconds - waiting[0].second, 0.0) if waiting else 0.0
    return f"{sum(bucket.waiting for bucket in waiting):5,} wait, up to {longest:2.0f} s"
