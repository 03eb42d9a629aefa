import re
from typing import Any

import numpy as np
import pytest

from container.training.evaluation.job_metrics import job_metrics, metric_lines
from contracts.reports import Evaluation, GateCheck, Scores
from contracts.settings import ClassMinima, GateMaxima, GateMinima
from statemachine.loader import PROMOTE_MODEL, read_definition
from tests.container.training.evaluation.answered import LinearPredictor, regression_split
from tests.container.training.evaluation.test_evaluation_judging import iris_split, judged

DEFINITIONS = {
    each["Name"]: each["Regex"]
    for each in read_definition(PROMOTE_MODEL)["States"]["Train Model"]["Arguments"]["AlgorithmSpecification"][
        "MetricDefinitions"
    ]
}


def found(lines: list[str]) -> dict[str, float]:
    """What SageMaker reads from these lines."""
    return {
        name: float(match[1])
        for line in lines
        for name, regex in DEFINITIONS.items()
        if (match := re.search(regex, line))
    }


def everything_asked_for(task: str, complete: Any) -> Evaluation:
    if task == "classification":
        minima = {name: 0.5 for name in GateMinima.model_fields if name != "r2"}
        maxima = {name: 5 if "byte" in name else 0.5 for name in GateMaxima.model_fields if name not in ("rmse", "mae")}
        classes = {"0": dict.fromkeys(ClassMinima.model_fields, 0.5)}
        return judged(
            iris_split(complete),
            complete.predictor,
            complete.predictor,
            minimum=minima,
            maximum=maxima,
            classes=classes,
        )
    maxima = {"rmse": 1, "mae": 1, "latency_milliseconds": 1, "artefact_bytes": 5}
    model = LinearPredictor([2.0, 0.0])
    return judged(regression_split(), model, model, minimum={"r2": 0.5}, maximum=maxima)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_state_machine_reads_every_metric_that_a_job_can_write(task: str, complete: Any) -> None:
    evaluation = everything_asked_for(task, complete)
    assert found(metric_lines(evaluation)) == pytest.approx(job_metrics(evaluation), rel=1e-15)


def test_the_state_machine_asks_for_no_metric_that_no_job_writes(complete: Any) -> None:
    written = {
        name for task in ("classification", "regression") for name in job_metrics(everything_asked_for(task, complete))
    }
    assert DEFINITIONS.keys() == written


@pytest.mark.parametrize("value", [0.1 + 0.2, -1e-17, 1.5e300, 12_345_678.25, -0.0, 1 / 3])
def test_values_are_written_in_full(value: float, complete: Any) -> None:
    evaluation = judged(iris_split(complete), complete.predictor)
    changed = Evaluation(**{**vars(evaluation), "candidate": Scores({"rmse": value})})
    assert found(metric_lines(changed))["candidate_rmse"] == value


def test_what_is_undefined_is_not_written(complete: Any) -> None:
    evaluation = judged(iris_split(complete), complete.predictor)
    failing = GateCheck("minimum.roc_auc", None, 0.5, passed=False, reason="undefined")
    changed = Evaluation(**{**vars(evaluation), "candidate": Scores({}, {"roc_auc": "why"}), "gate": (failing,)})
    assert found(metric_lines(changed)) == {
        "candidate_latency_milliseconds": evaluation.latency_milliseconds,
        "candidate_artefact_bytes": 1_234,
        "test_rows": 150,
        "gate_minimum_roc_auc": 0,
        "gate_passed": 0,
    }


def test_several_rules_for_classes_are_met_only_together(complete: Any) -> None:
    checks = tuple(
        GateCheck(f"classes.{name}.recall", 0.5, 0.5, passed=passed, reason="")
        for name, passed in (("a", True), ("b", False), ("c", True))
    )
    evaluation = Evaluation(**{**vars(judged(iris_split(complete), complete.predictor)), "gate": checks})
    assert job_metrics(evaluation)["gate_classes"] == 0
    assert not np.isnan(list(job_metrics(evaluation).values())).any()
