import fnmatch

import pytest

from tests.infra.template import Template


def pattern(workflow: Template) -> dict:
    return workflow.properties("AWS::Events::Rule")["EventPattern"]


def test_only_created_objects_of_the_deployments_bucket_start_runs(workflow: Template) -> None:
    rule = pattern(workflow)
    assert (rule["source"], rule["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert [workflow.text(name) for name in rule["detail"]["bucket"]["name"]] == ["mlops-us-east-1-123456789012"]


@pytest.mark.parametrize(
    ("key", "starts"),
    [
        ("datasets/iris-model/2026-11.csv", True),
        ("datasets/iris-model/nested/iris.csv", True),
        ("datasets/iris-model/", False),
        ("datasets/iris.csv", False),
        ("datasets/iris-model/run.json", False),
        ("datasets/iris-model/iris.csv.part", False),
        ("runs/r1/train/dataset.csv", False),
        ("monitoring/dev/a/b.csv", False),
    ],
)
def test_only_data_files_under_a_models_folder_start_runs(key: str, workflow: Template, *, starts: bool) -> None:
    (matcher,) = pattern(workflow)["detail"]["object"]["key"]
    assert matcher.keys() == {"wildcard"}
    # EventBridge's `*` matches any characters, slashes included, as fnmatch's does.
    assert fnmatch.fnmatchcase(key, matcher["wildcard"]) is starts


def test_an_event_that_starts_no_run_is_kept_and_raises_an_alarm(workflow: Template) -> None:
    (target,) = workflow.properties("AWS::Events::Rule")["Targets"]
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    alarm = workflow.properties("AWS::CloudWatch::Alarm")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
    assert workflow.all["Resources"][queue]["Properties"]["SqsManagedSseEnabled"] is True


def test_the_rule_may_write_to_its_dead_letter_queue_and_plain_http_may_not(workflow: Template) -> None:
    statements = workflow.properties("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]
    assert [(each["Action"], each["Principal"]) for each in allowed] == [
        ("sqs:SendMessage", {"Service": "events.amazonaws.com"})
    ]
    rule = next(iter(workflow.of_type("AWS::Events::Rule")))
    assert allowed[0]["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}
    assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in statements]


def test_the_rule_may_start_this_machine_and_nothing_else(workflow: Template) -> None:
    (statement,) = workflow.statements("DatasetDroppedRole")
    assert statement.actions == ("states:StartExecution",)
    assert statement.resources == ("arn:aws:states:us-east-1:123456789012:stateMachine:promote-model",)
