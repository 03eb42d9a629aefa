import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.announce_outcome.reasons import MAXIMUM_REASON_CHARACTERS, human_reason

JOB = {
    "TrainingJobName": "iris-model-1",
    "TrainingJobStatus": "Failed",
    "SecondaryStatus": "Failed",
    "FailureReason": "AlgorithmError: n_estimators: not a whole number, exit code: 1",
}
LAMBDA = {
    "errorMessage": "iris.csv breaks the rules:\n- row 3",
    "errorType": "DatasetRejected",
    "requestId": "r",
    "stackTrace": ["  File …"],
}
CHILD = {
    "Error": "DeploymentFailed",
    "Cause": "mlops-deploy-iris-model-dev: no capacity",
    "Input": '{"cause":"no"}',
    "Status": "FAILED",
}


@pytest.mark.parametrize(
    ("error", "cause", "reason"),
    [
        ("States.TaskFailed", json.dumps(JOB), "AlgorithmError: n_estimators: not a whole number, exit code: 1"),
        ("DatasetRejected", json.dumps(LAMBDA), "iris.csv breaks the rules:\n- row 3"),
        ("States.TaskFailed", json.dumps(CHILD), "mlops-deploy-iris-model-dev: no capacity"),
        ("States.TaskFailed", json.dumps({"Cause": json.dumps({"Cause": json.dumps(JOB)})}), JOB["FailureReason"]),
        (
            "States.TaskFailed",
            json.dumps({"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"}),
            "The job reached its time limit (training.maximum_seconds).",
        ),
        (
            "States.TaskFailed",
            json.dumps({"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}),
            "The job was stopped.",
        ),
        ("X", json.dumps({"errorType": "Runtime.ExitError"}), "Runtime.ExitError"),
        (
            "SageMaker.AmazonSageMakerException",
            "User is not authorized (Service: SageMaker, Status Code: 400)",
            "User is not authorized (Service: SageMaker, Status Code: 400)",
        ),
        ("States.Timeout", "", "A step took longer than its time limit."),
        ("Custom", "", "Custom"),
        ("", "", ""),
        ("X", "Not before Friday.\r\nReally.\x1b[2J", "Not before Friday.\nReally. [2J"),
        ("X", '{"a": 1}', '{"a": 1}'),
        ("X", "{not json", "{not json"),
        ("X", '{"Cause": {"FailureReason": "deep"}}', "deep"),
        ("X", '{"Cause": null, "Message": "m"}', "m"),
    ],
)
def test_the_human_reason_is_found(error, cause, reason):
    assert human_reason(error, cause) == reason


@pytest.mark.parametrize("document", [JOB, CHILD, {"Cause": json.dumps(JOB)}])
def test_a_cause_that_was_cut_off_still_tells(document):
    whole = json.dumps({**document, "Input": "x" * 50_000})
    assert human_reason("States.TaskFailed", whole[:20_000]) == human_reason("States.TaskFailed", whole)


def test_a_reason_cut_off_in_its_middle_is_told_as_far_as_it_goes():
    assert human_reason("E", '{"FailureReason": "AlgorithmError: the \\"rate\\" is') == 'AlgorithmError: the "rate" is'


def test_a_long_reason_is_shortened():
    told = human_reason("E", "x" * 50_000)
    assert told.endswith("x …")
    assert len(told) == MAXIMUM_REASON_CHARACTERS + 2


NESTED = st.recursive(
    st.text() | st.none() | st.integers(),
    lambda inner: st.dictionaries(
        st.sampled_from(["Cause", "FailureReason", "errorMessage", "x"]), inner | inner.map(json.dumps)
    ),
    max_leaves=8,
)


@given(
    st.text(),
    st.one_of(st.text(), NESTED.map(json.dumps), NESTED.map(json.dumps).map(lambda text: text[: len(text) // 2])),
)
def test_any_cause_has_a_reason(error, cause):
    told = human_reason(error, cause)
    assert all(character == "\n" or character.isprintable() for character in told)
    assert len(told) <= MAXIMUM_REASON_CHARACTERS + 2


def test_bottomless_nesting_ends():
    cause = "x"
    for _ in range(40):
        cause = json.dumps({"Cause": cause})[:200_000]
    human_reason("E", cause)
    human_reason("E", '{"Cause":' * 100_000)
