"""Which occasion meets which fault."""

from dataclasses import dataclass

from local.faults.plan import CallEffect, CallFault, FaultPlan, ServingFault, StateFault, Task, TrainingFault

CALLER = Task("deploy-stack", "Execute Change Set")


@dataclass
class Call:
    action: str
    principal: str = "arn:aws:sts::123456789012:assumed-role/deploy-stack/session"
    resource: str = "arn:aws:cloudformation:us-east-1:123456789012:stack/iris/1"
    body: bytes = b"ChangeSetName=deploy-1"
    task: Task | None = CALLER


EXECUTION = Call("cloudformation:ExecuteChangeSet")


def lost(**where: str) -> CallFault:
    return CallFault(where.pop("action", "cloudformation:ExecuteChangeSet"), CallEffect.LOST_CALL, **where)


def test_nothing_is_planned_at_first() -> None:
    plan = FaultPlan()
    assert not plan.about_calls
    assert plan.of_call(EXECUTION) is None
    assert plan.of_entry("promote-model", "Train Model") is None
    assert plan.of_training("iris", "ml.m5.large") is None
    assert plan.of_invocation("iris-prd", "s3://bucket/iris/7/model.tar.gz") is None
    assert plan.of_serving_start("iris-prd", "s3://bucket/iris/7/model.tar.gz") is None


def test_a_model_misbehaves_where_its_artefact_is_served() -> None:
    plan, fault = FaultPlan(), ServingFault("iris/7/model.tar.gz", endpoint="-prd", status=500)
    plan.add(fault, hits=None)
    assert [plan.of_invocation("iris-prd", "s3://prd/iris/7/model.tar.gz") for _ in range(3)] == [fault] * 3
    assert plan.of_invocation("iris-prd", "s3://prd/iris/6/model.tar.gz") is None
    assert plan.of_invocation("iris-dev", "s3://prd/iris/7/model.tar.gz") is None
    assert plan.of_serving_start("iris-prd", "s3://prd/iris/7/model.tar.gz") is None
    crash = ServingFault("iris/8/model.tar.gz", crash=True)
    plan.add(crash)
    assert plan.of_invocation("iris-prd", "s3://prd/iris/8/model.tar.gz") is None
    assert plan.of_serving_start("iris-prd", "s3://prd/iris/8/model.tar.gz") is crash
    assert [each["hits"] for each in plan.listed()] == [None, 1]


def test_the_first_occasions_pass_and_then_as_many_as_planned_are_hit() -> None:
    plan, fault = FaultPlan(), lost()
    plan.add(fault, pass_first=1, hits=2)
    assert [plan.of_call(EXECUTION) for _ in range(4)] == [None, fault, fault, None]
    assert [(each["seen"], each["met"]) for each in plan.listed()] == [(4, 2)]


def test_every_condition_has_to_hold() -> None:
    for condition in (
        {"action": "cloudformation:DescribeStacks"},
        {"principal": "promote-model"},
        {"resource": "stack/wine"},
        {"body": "deploy-2"},
        {"state_machine": "promote-model"},
        {"state": "Create Change Set"},
    ):
        plan = FaultPlan()
        plan.add(lost(**condition))
        assert plan.of_call(EXECUTION) is None, condition
    everything = {"principal": "deploy-stack", "resource": "stack/iris", "body": "deploy-1"}
    plan.add(lost(**everything, state_machine="deploy-stack", state="Execute Change Set"))
    assert plan.of_call(EXECUTION) is not None


def test_a_fault_of_a_task_leaves_other_callers_alone() -> None:
    plan = FaultPlan()
    plan.add(lost(state_machine="deploy-stack"))
    assert plan.of_call(Call(EXECUTION.action, task=None)) is None
    assert plan.of_call(EXECUTION) is not None


def test_two_faults_of_the_same_call_are_met_one_after_the_other() -> None:
    plan, first, second = FaultPlan(), lost(), lost(principal="deploy")
    plan.add(first)
    plan.add(second)
    assert [plan.of_call(EXECUTION) for _ in range(3)] == [first, second, None]


def test_states_are_told_apart_by_their_machine() -> None:
    plan, fault = FaultPlan(), StateFault("close-run", "Find Settings")
    plan.add(fault)
    assert not plan.about_calls
    assert plan.of_entry("promote-model", "Find Settings") is None
    assert plan.of_entry("close-run", "Find Settings") is fault


def test_a_training_job_fails_on_the_instance_type_that_is_scarce() -> None:
    plan, fault = FaultPlan(), TrainingFault("iris-", instance_type="ml.m5.large")
    plan.add(fault, hits=9)
    assert plan.of_training("iris-1", "ml.m5.xlarge") is None
    assert plan.of_training("wine-1", "ml.m5.large") is None
    assert plan.of_training("iris-1", "ml.m5.large") is fault


def test_clearing_forgets_all_and_tells_who_waits_for_it() -> None:
    plan, told = FaultPlan(), []
    plan.add(lost())
    plan.when_cleared(lambda: told.append("cleared"))
    plan.clear()
    assert told == ["cleared"]
    assert plan.listed() == []
    assert plan.of_call(EXECUTION) is None
