"""What tells the operators: notices of runs, alarms, the dashboard, the budget."""

import json
from typing import Any

import pytest

from infra.alarms import UNATTENDED_FUNCTIONS
from infra.deployment import Deployment
from infra.functions import construct_id
from infra.notices import DECIDED_ENDS, EXPIRED_END
from infra.project import PROJECT, Project
from tests.infra.template import Template, read_templates
from tests.infra.variant import LEAST, compose_into, model

pytestmark = pytest.mark.xdist_group("cdk")

TOPIC = "arn:aws:sns:us-east-1:123456789012:mlops-operators"


def alarms(operations: Template) -> dict[str, dict[str, Any]]:
    found = operations.of_type("AWS::CloudWatch::Alarm").values()
    return {each["Properties"]["AlarmName"]: each["Properties"] for each in found}


def test_failed_runs_and_unanswered_questions_are_told_with_name_and_reason(operations: Template) -> None:
    rules = {
        each["Properties"]["Name"]: each["Properties"] for each in operations.of_type("AWS::Events::Rule").values()
    }
    assert rules.keys() == {"mlops-run-failed", "mlops-approval-expired"}
    for rule in rules.values():
        (target,) = rule["Targets"]
        assert target["Arn"]["Ref"] in operations.of_type("AWS::SNS::Topic")
        # With a role EventBridge may fail to deliver to an encrypted topic.
        assert "RoleArn" not in target
        text = json.loads(target["InputTransformer"]["InputTemplate"])
        assert "<run>" in text
        assert "#/v2/executions/details/<arn>" in text
        pattern = rule["EventPattern"]
        assert (pattern["source"], pattern["detail"]["status"]) == (["aws.states"], ["FAILED"])
        (machine,) = pattern["detail"]["stateMachineArn"]
        assert operations.text(machine).endswith(":stateMachine:promote-model")


def test_every_end_of_a_run_is_decided_expired_or_a_failure(operations: Template, definitions: dict) -> None:
    ends = {state["Error"] for state in definitions["PromoteModel"]["States"].values() if state["Type"] == "Fail"}
    assert ends > {*DECIDED_ENDS, EXPIRED_END}
    assert ends - {*DECIDED_ENDS, EXPIRED_END} == {
        "ImageMissing",
        "TrainingFailed",
        "DeploymentFailed",
        "SmokeTestFailed",
        "ProductionRestored",
        "ProductionUnhealthy",
        "RunFailed",
    }
    failed, expired = (
        operations.properties("AWS::Events::Rule", f"Notices{name}")["EventPattern"]["detail"]["error"]
        for name in ("RunFailed", "ApprovalExpired")
    )
    assert failed == [{"anything-but": [*DECIDED_ENDS, EXPIRED_END]}]
    assert expired == [EXPIRED_END]


def test_there_is_an_alarm_for_what_no_run_tells_of_itself(operations: Template) -> None:
    watched = {
        name.removeprefix("mlops-"): (
            each["Namespace"],
            each["MetricName"],
            operations.text(each["Dimensions"][0]["Value"]),
        )
        for name, each in alarms(operations).items()
    }
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:"
    assert watched == {
        "runs-timed-out": ("AWS/States", "ExecutionsTimedOut", f"{machine}promote-model"),
        "runs-stopped": ("AWS/States", "ExecutionsAborted", f"{machine}promote-model"),
        "close-run-failed": ("AWS/States", "ExecutionsFailed", f"{machine}close-run"),
        "close-run-timed-out": ("AWS/States", "ExecutionsTimedOut", f"{machine}close-run"),
        "expire-development-errors": ("AWS/Lambda", "Errors", "mlops-expire-development"),
        "tend-approvals-errors": ("AWS/Lambda", "Errors", "mlops-tend-approvals"),
        "tend-approvals-throttles": ("AWS/Lambda", "Throttles", "mlops-tend-approvals"),
        "close-run-stopped": ("AWS/States", "ExecutionsAborted", f"{machine}close-run"),
        "deploy-stack-failed": ("AWS/States", "ExecutionsFailed", f"{machine}deploy-stack"),
        "deploy-stack-timed-out": ("AWS/States", "ExecutionsTimedOut", f"{machine}deploy-stack"),
        "decide-release-errors": ("AWS/Lambda", "Errors", "mlops-decide-release"),
        "decide-release-throttles": ("AWS/Lambda", "Throttles", "mlops-decide-release"),
        "announce-outcome-errors": ("AWS/Lambda", "Errors", "mlops-announce-outcome"),
        "announce-outcome-throttles": ("AWS/Lambda", "Throttles", "mlops-announce-outcome"),
        "undelivered-events": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "mlops-undelivered-events"),
    }


def test_every_alarm_reaches_the_operators_and_none_sounds_for_want_of_data(operations: Template) -> None:
    for alarm in alarms(operations).values():
        assert [each["Ref"] for each in alarm["AlarmActions"]] == list(operations.of_type("AWS::SNS::Topic"))
        assert (alarm["TreatMissingData"], alarm["Threshold"], alarm["Period"]) == ("notBreaching", 1, 300)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_alarms_watch_things_that_are_there(operations: Template, workflow: Template) -> None:
    there = {
        *(f":stateMachine:{each['Properties']['StateMachineName']}" for each in workflow.of_type("AWS::StepFunctions::StateMachine").values()),
        *(each["Properties"]["FunctionName"] for each in workflow.of_type("AWS::Lambda::Function").values()),
        *(each["Properties"]["QueueName"] for each in workflow.of_type("AWS::SQS::Queue").values()),
    }  # fmt: skip
    for name, alarm in alarms(operations).items():
        (dimension,) = alarm["Dimensions"]
        value = operations.text(dimension["Value"])
        assert any(value.endswith(each) for each in there), name


def test_errors_are_watched_where_a_definition_lets_them_pass_or_a_person_meets_them(definitions: dict) -> None:
    """A task whose every fault leads on without an outcome is one whose function fails unheard."""
    unheard = {
        name.lower().replace(" ", "_")
        for definition in definitions.values()
        for name, state in definition["States"].items()
        if state.get("Resource") == "arn:aws:states:::lambda:invoke"
        and state["Catch"][-1].get("Next") == state.get("Next")
    }
    assert "announce_outcome" in unheard
    assert set(UNATTENDED_FUNCTIONS) - unheard == {
        "decide_release",
        "tend_approvals",
        "expire_development",
    }  # the page, and the clock


def test_the_topic_is_encrypted_with_a_key_that_admits_alarms_and_events(operations: Template) -> None:
    topic = operations.properties("AWS::SNS::Topic")
    assert topic["TopicName"] == TOPIC.rpartition(":")[2]
    assert topic["KmsMasterKeyId"]["Fn::GetAtt"][0] in operations.of_type("AWS::KMS::Key")
    publishing = {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    own_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    admitted = [
        each
        for each in operations.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"]
        if "Service" in each["Principal"]
    ]
    assert [(set(each["Principal"]["Service"]), each["Action"], each["Condition"]) for each in admitted] == [
        (publishing, ["kms:Decrypt", "kms:GenerateDataKey*"], own_account)
    ]
    statements = operations.properties("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    assert {each["Principal"]["Service"] for each in allowed} == publishing
    assert all((each["Action"], each["Condition"]) == ("sns:Publish", own_account) for each in allowed)
    assert all(operations.text(each["Resource"]) == TOPIC for each in allowed)
    assert [each["Condition"] for each in statements if each["Effect"] == "Deny"] == [
        {"Bool": {"aws:SecureTransport": "false"}}
    ]


def test_the_dashboard_shows_runs_approvals_functions_queue_and_every_endpoint(
    operations: Template, workflow: Template
) -> None:
    dashboard = operations.properties("AWS::CloudWatch::Dashboard")
    widgets = json.loads(joined(operations, dashboard["DashboardBody"]))["widgets"]
    assert dashboard["DashboardName"] == "mlops-dashboard"
    shown = json.dumps(widgets)
    for function in workflow.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["FunctionName"] in shown
    for metric in (
        "ExecutionsStarted",
        "ExecutionsAborted",
        "ModelLatency",
        "Invocation5XXErrors",
        "iris-model-production",
    ):
        assert metric in shown
    (query,) = [each["properties"]["query"] for each in widgets if each["type"] == "log"]
    assert query.startswith("SOURCE '/aws/vendedlogs/states/promote-model' |")
    assert '"Request Approval"' in query
    (strip,) = [each["properties"]["alarms"] for each in widgets if each["type"] == "alarm"]
    assert len(strip) == len(alarms(operations))


def joined(template: Template, value: Any) -> str:
    """A text of parts, with other resources' attributes by name."""
    _, parts = value["Fn::Join"]
    return "".join(
        part if isinstance(part, str) else part["Fn::GetAtt"][0] if "Fn::GetAtt" in part else template.text(part)
        for part in parts
    )


def test_commands_learn_what_there_is(operations: Template) -> None:
    outputs = {name: output["Value"] for name, output in operations.all["Outputs"].items()}
    assert outputs.keys() == {"OperatorsTopicArn", "DashboardName", "AlarmPrefix"}
    assert all(name.startswith(outputs["AlarmPrefix"]) for name in alarms(operations))


@pytest.mark.parametrize("name", UNATTENDED_FUNCTIONS)
def test_unattended_functions_are_functions(name: str, workflow: Template) -> None:
    assert workflow.properties("AWS::Lambda::Function", construct_id(name))


def test_the_guide_says_what_to_do_about_every_alarm_and_notice(
    operations: Template, endpoints: dict[str, Template]
) -> None:
    guide = (PROJECT.root / "docs" / "operating.md").read_text()
    rules = [each["Properties"]["Name"] for each in operations.of_type("AWS::Events::Rule").values()]
    of_endpoint = [
        each["Properties"]["AlarmName"] for each in endpoints["prd"].of_type("AWS::CloudWatch::Alarm").values()
    ]
    for name in (*alarms(operations), *rules, *of_endpoint):
        told = name.removeprefix("mlops-").replace("iris-model", "<model>")
        assert f"`{told}`" in guide, told


def test_without_a_limit_there_is_no_budget(operations: Template) -> None:
    assert not operations.of_type("AWS::Budgets::Budget")


def test_a_budget_counts_what_carries_the_deployments_tag_and_mails_the_operators(project: Project) -> None:
    deployment = Deployment.model_validate(
        {
            **LEAST,
            "operators": ["one@example.com", "two@example.com"],
            "budget": {"monthly_usd": 300},
        }
    )
    assembly = compose_into(project, "budget", deployment, {"iris": model("iris")})
    budget = read_templates(assembly, "mlops")["operations"].properties("AWS::Budgets::Budget")
    assert budget["Budget"] == {
        "BudgetName": "mlops-monthly",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 300, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:mlops:deployment$mlops"]},
    }
    told = [
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"], len(each["Subscribers"]))
        for each in budget["NotificationsWithSubscribers"]
    ]
    assert told == [("ACTUAL", 80, 2), ("FORECASTED", 100, 2)]
