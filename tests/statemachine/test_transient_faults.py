"""Every name under which a passing fault of AWS can arrive is retried, by every task that can meet it."""

import pytest

from tests.transient_faults import NO_ANSWER, TaskState, task_states

TASKS = {task.id: task for task in task_states()}
# One that knows how to wait, in minutes rather than seconds: throttling shows in its Cause only.
BY_CAUSE = {"deploy-stack/Look At Stack", "deploy-stack/Continue Rollback"}


def retried(task: TaskState) -> set[str]:
    return {name for retrier in task.definition["Retry"] for name in retrier["ErrorEquals"]}


@pytest.mark.parametrize("name", TASKS)
def test_throttling_and_faults_of_the_service_are_retried(name):
    task = TASKS[name]
    arriving = {fault.code: task.integration.error(fault.code) for fault in task.faults}
    arriving[NO_ANSWER] = task.integration.error(NO_ANSWER)
    missed = {code: error for code, error in arriving.items() if error not in retried(task)}
    if name in BY_CAUSE:
        assert missed
        assert set(missed.values()) == {"CloudFormation.CloudFormationException"}
        assert task.definition["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
        return
    assert missed == {}


@pytest.mark.parametrize("name", TASKS)
def test_what_will_not_pass_is_not_retried_for_long(name):
    """Names that AWS uses for a wrong request as well get a few tries; all others stand for passing faults only."""
    task = TASKS[name]
    refused = {
        task.integration.error(code) for code in ("AccessDeniedException", "AccessDenied", "ValidationException")
    }
    for retrier in task.definition["Retry"]:
        if refused & set(retrier["ErrorEquals"]) and task.service != "lambda":
            assert retrier["MaxAttempts"] <= 3


@pytest.mark.parametrize("name", TASKS)
def test_limits_are_no_passing_faults(name):
    """A quota does not change within seconds: Instances Scarce? decides about it."""
    task = TASKS[name]
    if task.service == "sagemaker":
        assert task.integration.error("ResourceLimitExceeded") not in retried(task)
