import fnmatch

import pytest

from tests.infra.template import Template


def pattern(workflow: Template, rule: str = "DatasetDropped") -> dict:
    return workflow.properties("AWS::Events::Rule", f"{rule}Rule")["EventPattern"]


def test_only_created_objects_of_the_deployments_bucket_start_runs(workflow: Template) -> None:
    rule = pattern(workflow)
    assert (rule["source"], rule["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert [workflow.text(name) for name in rule["detail"]["bucket"]["name"]] == ["mlops-us-east-1-123456789012"]


@pytest.mark.parametrize(
    ("key", "starts"),
    [
        ("datasets/iris-model/2026-11.csv", True),
        ("datasets/iris-model/2026-11.csv.gz", True),
        ("datasets/iris-model/2026-11.parquet", True),
        ("datasets/iris-model/nested/iris.csv", True),
        ("datasets/iris-model/", False),
        ("datasets/iris.csv", False),
        ("datasets/iris-model/run.json", False),
        ("datasets/iris-model/2026-11/run.json", True),
        ("datasets/iris-model/iris.csv.part", False),
        ("runs/r1/train/dataset.csv", False),
        ("monitoring/dev/a/b.csv", False),
    ],
)
def test_only_data_files_under_a_models_folder_start_runs(key: str, workflow: Template, *, starts: bool) -> None:
    matchers = pattern(workflow)["detail"]["object"]["key"]
    assert all(matcher.keys() == {"wildcard"} for matcher in matchers)
    # EventBridge's `*` matches any characters, slashes included, as fnmatch's does.
    assert any(fnmatch.fnmatchcase(key, matcher["wildcard"]) for matcher in matchers) is starts


@pytest.mark.parametrize("rule", ["DatasetDropped", "RunEnded"])
def test_an_event_that_starts_nothing_is_kept(workflow: Template, rule: str) -> None:
    (target,) = workflow.properties("AWS::Events::Rule", f"{rule}Rule")["Targets"]
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    assert workflow.all["Resources"][queue]["Properties"]["SqsManagedSseEnabled"] is True


def test_the_rules_may_write_to_the_dead_letter_queue_and_plain_http_may_not(workflow: Template) -> None:
    statements = workflow.properties("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    for each in allowed:
        assert (each["Action"], each["Principal"]) == ("sqs:SendMessage", {"Service": "events.amazonaws.com"})
    assert [each["Condition"] for each in allowed] == [
        {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}
        for rule, each in workflow.of_type("AWS::Events::Rule").items()
        if "EventPattern" in each["Properties"]
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in statements]


@pytest.mark.parametrize(("rule", "machine"), [("DatasetDropped", "promote-model"), ("RunEnded", "close-run")])
def test_a_rule_may_start_its_machine_and_nothing_else(workflow: Template, rule: str, machine: str) -> None:
    (statement,) = workflow.statements(f"{rule}Role")
    assert statement.actions == ("states:StartExecution",)
    assert statement.resources == (f"arn:aws:states:us-east-1:123456789012:stateMachine:{machine}",)


@pytest.mark.parametrize(
    ("rule", "rate", "function"),
    [
        ("ApprovalsTended", "rate(1 minute)", "mlops-tend-approvals"),
        ("DevelopmentExpired", "rate(15 minutes)", "mlops-expire-development"),
    ],
)
def test_the_clock_calls_what_looks_after_things(workflow: Template, rule: str, rate: str, function: str) -> None:
    properties = workflow.properties("AWS::Events::Rule", f"{rule}Rule")
    assert properties["ScheduleExpression"] == rate
    (target,) = properties["Targets"]
    called = workflow.all["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
    assert called["FunctionName"] == function
    # The next tick comes soon enough.
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0


def test_only_stacks_of_development_endpoints_can_expire(workflow: Template) -> None:
    (deletes,) = [
        each for each in workflow.statements("ExpireDevelopmentRole") if "cloudformation:DeleteStack" in each.actions
    ]
    (stacks,) = deletes.resources
    prefix = "arn:aws:cloudformation:us-east-1:123456789012:stack"
    for stack, may_go in (("mlops-deploy-iris-dev", True), ("mlops-deploy-iris-prd", False), ("mlops-models", False)):
        assert fnmatch.fnmatchcase(f"{prefix}/{stack}/0a1b2c", stacks) is may_go


def test_every_way_to_end_closes_the_run(workflow: Template) -> None:
    rule = pattern(workflow, "RunEnded")
    assert (rule["source"], rule["detail-type"]) == (["aws.states"], ["Step Functions Execution Status Change"])
    assert sorted(rule["detail"]["status"]) == ["ABORTED", "FAILED", "SUCCEEDED", "TIMED_OUT"]
    (machine,) = rule["detail"]["stateMachineArn"]
    assert workflow.all["Resources"][machine["Ref"]]["Properties"]["StateMachineName"] == "promote-model"
