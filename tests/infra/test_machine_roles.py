"""Each task of a definition may do what it does, and no right is left that no task needs."""

import pytest

from tests.infra.template import Template

# What a task needs beside, or instead of, the action of its own name.
# `.sync`: https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html and connect-stepfunctions.html
NEEDS = {
    "lambda:invoke": {"lambda:InvokeFunction"},
    "lambda:invoke.waitForTaskToken": {"lambda:InvokeFunction"},
    "sagemaker:createTrainingJob.sync": {
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:StopTrainingJob",
        "sagemaker:AddTags",
        "sagemaker:ListTags",
        "iam:PassRole",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
    },
    "states:startExecution.sync:2": {
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
    },
    # The registry looks at image and artefact with the caller's rights.
    "sagemaker:createModelPackage": {
        "sagemaker:CreateModelPackage",
        "ecr:BatchGetImage",
        "ecr:DescribeImages",
        "s3:GetObject",
    },
    "dynamodb:transactWriteItems": {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"},
    "dynamodb:transactWriteItems.waitForTaskToken": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    # IAM's name for Step Functions is another than the SDK's.
    "sfn:describeExecution": {"states:DescribeExecution"},
    "sfn:stopExecution": {"states:StopExecution"},
    # The template is read, and the stack is tagged, with the caller's rights; the role is handed over.
    "cloudformation:createChangeSet": {
        "cloudformation:CreateChangeSet",
        "cloudformation:TagResource",
        "s3:GetObject",
        "iam:PassRole",
    },
    "cloudformation:deleteStack": {"cloudformation:DeleteStack", "iam:PassRole"},
    "cloudformation:continueUpdateRollback": {"cloudformation:ContinueUpdateRollback", "iam:PassRole"},
}
LOGS_AND_TRACES = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
}


def needed(resource: str) -> set[str]:
    """The rights for one task, from its `Resource`."""
    call = resource.removeprefix("arn:aws:states:::").removeprefix("aws-sdk:")
    if call in NEEDS:
        return NEEDS[call]
    service, _, operation = call.partition(":")
    return {f"{service}:{operation[0].upper()}{operation[1:]}"}


def tasks(definition: dict) -> dict[str, str]:
    return {name: state["Resource"] for name, state in definition["States"].items() if state["Type"] == "Task"}


@pytest.mark.parametrize("machine", ["PromoteModel", "DeployStack", "CloseRun"])
def test_every_task_is_granted_what_it_does(machine: str, definitions: dict, workflow: Template) -> None:
    granted = {action for each in workflow.statements(f"{machine}Role") for action in each.actions}
    missing = {name: needed(resource) - granted for name, resource in tasks(definitions[machine]).items()}
    assert not {name: actions for name, actions in missing.items() if actions}


@pytest.mark.parametrize("machine", ["PromoteModel", "DeployStack", "CloseRun"])
def test_no_right_is_left_that_no_task_needs(machine: str, definitions: dict, workflow: Template) -> None:
    granted = {action for each in workflow.statements(f"{machine}Role") for action in each.actions}
    used = {action for resource in tasks(definitions[machine]).values() for action in needed(resource)}
    assert granted - used == LOGS_AND_TRACES


@pytest.mark.parametrize("machine", ["PromoteModel", "DeployStack", "CloseRun"])
def test_a_machine_may_invoke_every_version_of_exactly_the_functions_it_names(
    machine: str, definitions: dict, workflow: Template
) -> None:
    (statement,) = [each for each in workflow.statements(f"{machine}Role") if each.sid == "InvokeFunctions"]
    named = {
        state["Arguments"]["FunctionName"].removeprefix("${").removesuffix("FunctionArn}")
        for state in definitions[machine]["States"].values()
        if state.get("Resource", "").startswith("arn:aws:states:::lambda:invoke")
    }
    functions = {workflow.properties("AWS::Lambda::Function", name)["FunctionName"] for name in named}
    prefix = "arn:aws:lambda:us-east-1:123456789012:function:"
    # A run that waited a week invokes the versions its definition named: a grant of today's would refuse it.
    assert set(statement.resources) == {f"{prefix}{name}:*" for name in functions}


def test_deploy_stack_touches_endpoint_stacks_only(workflow: Template) -> None:
    for statement in workflow.statements("DeployStackRole"):
        if any(action.startswith("cloudformation:") for action in statement.actions):
            assert statement.resources == ("arn:aws:cloudformation:us-east-1:123456789012:stack/mlops-deploy-*",)


def test_a_run_writes_neither_datasets_nor_artefacts(workflow: Template) -> None:
    assert not [each for each in workflow.statements("PromoteModelRole") if "s3:PutObject" in each.actions]
    writes = [each for each in workflow.statements("FreezeDatasetRole") if "s3:PutObject" in each.actions]
    bucket = "arn:aws:s3:::mlops-us-east-1-123456789012"
    assert [each.resources for each in writes] == [
        (f"{bucket}/runs/*/train/*", f"{bucket}/runs/*/validation/*"),
        (f"{bucket}/runs/*/settings/*",),
    ]
