"""The job's metrics: lines on its output that the MetricDefinitions of the state machine find.

Their names are the same for every model, so that the definitions can be written down: what is about single classes
stands in the report alone. SageMaker takes at most 40.
"""

from contracts.reports import Evaluation


def job_metrics(evaluation: Evaluation) -> dict[str, float]:
    """By name. What is undefined, or of a champion that is not there, is left out: whoever needs it has to say no."""
    candidate, champion, comparison = evaluation.candidate, evaluation.champion, evaluation.comparison
    metrics = {f"candidate_{name}": value for name, value in candidate.values.items()}
    metrics["candidate_latency_milliseconds"] = evaluation.latency_milliseconds
    metrics["candidate_artefact_bytes"] = evaluation.artefact_bytes
    if champion:
        metrics |= {f"champion_{name}": value for name, value in champion.values.items()}
    if comparison and (gain := comparison.gain(comparison.metric)):
        metrics |= {"gain": gain.value, "gain_lower": gain.interval.lower, "gain_upper": gain.interval.upper}
    metrics["test_rows"] = evaluation.test_rows
    for check in evaluation.gate:
        name = f"gate_{rule_metric(check.rule)}"
        metrics[name] = min(metrics.get(name, 1), int(check.passed))
    metrics["gate_passed"] = int(evaluation.gate_passed)
    return metrics


def metric_lines(evaluation: Evaluation) -> list[str]:
    """Each value in full: the shortest text that is read back as the same number."""
    return [f"{name}={value!r};" for name, value in job_metrics(evaluation).items()]


def rule_metric(rule: str) -> str:
    """`minimum.accuracy` is `minimum_accuracy`; the rules for single classes are one together."""
    return "classes" if rule.startswith("classes.") else rule.replace(".", "_")
