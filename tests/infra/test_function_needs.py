"""A function's rights and variables are those that its code uses: read from the code, not from a list beside it."""

import ast

import pytest

from infra.closure import source_files
from infra.functions import construct_id
from infra.project import PROJECT
from tests.infra.template import Template

# Calls of boto3 clients, and the right that each needs.
RIGHTS = {
    "decrypt": "kms:Decrypt",
    "delete_item": "dynamodb:DeleteItem",
    "delete_stack": "cloudformation:DeleteStack",
    "describe_endpoint": "sagemaker:DescribeEndpoint",
    "describe_endpoint_config": "sagemaker:DescribeEndpointConfig",
    "describe_events": "cloudformation:DescribeEvents",
    "describe_model": "sagemaker:DescribeModel",
    "describe_stack_events": "cloudformation:DescribeStackEvents",
    "describe_stacks": "cloudformation:DescribeStacks",
    "encrypt": "kms:Encrypt",
    "generate_mac": "kms:GenerateMac",
    "get_item": "dynamodb:GetItem",
    "copy_object": "s3:PutObject",
    "get_object": "s3:GetObject",
    "get_parameters_by_path": "ssm:GetParametersByPath",
    "list_objects_v2": "s3:ListBucket",
    "invoke_endpoint": "sagemaker:InvokeEndpoint",
    "put_item": "dynamodb:PutItem",
    "put_object": "s3:PutObject",
    "query": "dynamodb:Query",
    "send_email": "ses:SendEmail",
    "publish": "sns:Publish",
    "send_task_failure": "states:SendTaskFailure",
    "send_task_success": "states:SendTaskSuccess",
    "update_item": "dynamodb:UpdateItem",
}
# What Lambda itself does under the role.
OBSERVED = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
VERBS = sorted(handler.parent.name for handler in (PROJECT.root / "functions").glob("*/handler.py"))


def trees(verb: str) -> list[ast.Module]:
    return [ast.parse(file.read_text()) for file in source_files(PROJECT.root, verb) if file.suffix == ".py"]


def called(verb: str) -> set[str]:
    """The names of all attributes in a function's code: methods that are called, and such as are only handed on."""
    return {node.attr for tree in trees(verb) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def paginated(verb: str) -> set[str]:
    """The calls that are made page by page: `client.get_paginator("describe_stack_events")`."""
    return {
        node.args[0].value
        for tree in trees(verb)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get_paginator"
        and isinstance(node.args[0], ast.Constant)
    }


def transacted(verb: str) -> set[str]:
    """The parts of transactions, each of which needs its own right: `TransactItems=[{"Put": …}, {"Delete": …}]`."""
    return {
        f"{key.value.lower()}_item"
        for tree in trees(verb)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "TransactItems" and isinstance(node.value, ast.List)
        for item in node.value.elts
        if isinstance(item, ast.Dict)
        for key in item.keys
        if isinstance(key, ast.Constant)
    }


@pytest.mark.parametrize("verb", VERBS)
def test_function_is_granted_exactly_what_its_code_calls(verb: str, workflow: Template) -> None:
    granted = {action for each in workflow.statements(f"{construct_id(verb)}Role") for action in each.actions}
    used = {RIGHTS[name] for name in called(verb) | paginated(verb) | transacted(verb) if name in RIGHTS}
    if "copy_object" in called(verb):  # of a version that is named, and of nothing else
        used.add("s3:GetObjectVersion")
    if "delete_stack" in called(verb):  # with the role that CloudFormation is to work as
        used.add("iam:PassRole")
    # Mails leave one way: by SES here, where a sender is verified.
    assert granted - OBSERVED == used - {"sns:Publish"}


# Read by the SDK itself. Its older mode, which is boto3's own choice, does not try DynamoDB's RequestLimitExceeded again.
SDK_RETRIES = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "5"}


@pytest.mark.parametrize("verb", VERBS)
def test_function_is_given_exactly_the_variables_that_it_reads(verb: str, workflow: Template) -> None:
    fields = {
        statement.target.id.upper()
        for tree in trees(verb)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == "Environment"
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    given = workflow.properties("AWS::Lambda::Function", construct_id(verb)).get("Environment", {"Variables": {}})
    assert given["Variables"].keys() == fields | SDK_RETRIES.keys()
    assert SDK_RETRIES.items() <= given["Variables"].items()


@pytest.mark.parametrize("verb", VERBS)
def test_function_writes_its_own_log_only(verb: str, workflow: Template) -> None:
    (statement,) = [each for each in workflow.statements(f"{construct_id(verb)}Role") if each.sid == "WriteLogs"]
    group = workflow.properties("AWS::Lambda::Function", construct_id(verb))["FunctionName"]
    assert statement.resources == (f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{group}:*",)


def test_only_those_who_answer_can_open_tokens_and_only_the_request_can_seal_them(workflow: Template) -> None:
    holders = {
        action: {each.role for each in workflow.statements() if action in each.actions}
        for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateMac")
    }
    assert holders == {
        "kms:Encrypt": {"RequestApprovalRole"},
        "kms:Decrypt": {"DecideReleaseRole", "TendApprovalsRole"},
        "kms:GenerateMac": {"RequestApprovalRole", "DecideReleaseRole", "TendApprovalsRole"},
    }


def test_mail_goes_out_under_the_deployments_sender_only(workflow: Template) -> None:
    sending = [each for each in workflow.statements() if "ses:SendEmail" in each.actions]
    assert {each.role for each in sending} == {*("AnnounceOutcomeRole", "RequestApprovalRole", "TendApprovalsRole")}
    for each in sending:
        assert each.conditions == {"StringEquals": {"ses:FromAddress": "mlops@example.com"}}
