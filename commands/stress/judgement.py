"""What an instance can do safely, and the scaling targets that follow.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html gives the equation
SageMakerVariantInvocationsPerInstance = MAX_RPS * SAFETY_FACTOR * 60, and .5 to begin with.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from commands.stress.course import Span

SAFETY_FACTOR = 0.5
LEAST_CONCURRENCY = 1.0
"""The metric is the most requests at once, in whole ones: below this a fleet would grow with any load at all."""


@dataclass(frozen=True)
class Recommendation:
    """Rates are requests a second and instance, latencies seconds.

    ``limit_rate`` is the lowest rate at which the objective was missed or a request failed; None where that never
    happened. Below the safe rate it says that the endpoint is not the same at all times. ``concurrency`` is how many
    requests an instance has in hand at the safe rate, by Little's law: rate times mean latency. Both targets are a
    ``factor`` of what is safe, that of concurrency at least ``LEAST_CONCURRENCY``.
    """

    safe_rate: float
    p99: float
    mean: float
    instances: int
    limit_rate: float | None
    factor: float
    invocations_target: float
    """For SageMakerVariantInvocationsPerInstance: invocations per instance and minute."""
    concurrency: float
    concurrency_target: float
    """For SageMakerVariantConcurrentRequestsPerModelHighResolution."""


def recommend(
    windows: Iterable[Span], objective_seconds: float, factor: float = SAFETY_FACTOR
) -> Recommendation | None:
    """From the highest rate per instance with p99 within the objective and no error; None where there was no such time.

    Times in which the generator was late, or instances came or went, are not judged. Nor are those of clients that wait
    for their answers: they ask a slow endpoint less, and do not meet the wait of all who would have asked meanwhile.
    """
    judged = [span for span in windows if span.open_loop and span.sent and span.instances and not span.late]
    good = [span for span in judged if _holds(span, objective_seconds)]
    if not good:
        return None
    best = max(good, key=_per_instance)
    safe, mean, p99 = _per_instance(best), best.mean or 0.0, best.percentile(99) or 0.0
    beyond = [_per_instance(span) for span in judged if not _holds(span, objective_seconds)]
    return Recommendation(
        safe_rate=safe,
        p99=p99,
        mean=mean,
        instances=best.instances or 0,
        limit_rate=min(beyond, default=None),
        factor=factor,
        invocations_target=safe * factor * 60,
        concurrency=safe * mean,
        concurrency_target=max(LEAST_CONCURRENCY, safe * mean * factor),
    )


def _holds(span: Span, objective_seconds: float) -> bool:
    p99 = span.percentile(99)
    return p99 is not None and p99 <= objective_seconds and not span.failures and span.answered == span.sent


def _per_instance(span: Span) -> float:
    return span.rate / (span.instances or 1)
