"""Traps of approvals by mail: each fact, and where template or definition holds to it."""

import json

from tests.infra.template import Template
from tests.infra.test_aws_traps_runs import tasks


def waiting(definitions: dict) -> dict[tuple[str, str], dict]:
    found = {key: state for key, state in tasks(definitions).items() if "waitForTaskToken" in state["Resource"]}
    assert ("PromoteModel", "Request Approval") in found
    return found


def test_a_public_function_url_has_both_permissions(workflow: Template) -> None:
    """A public URL needs lambda:InvokeFunctionUrl and, for calls by way of the URL alone, lambda:InvokeFunction."""
    url = workflow.properties("AWS::Lambda::Url")
    function = url["TargetFunctionArn"]["Fn::GetAtt"][0]
    assert (url["AuthType"], function[:-8]) == ("NONE", "DecideRelease")
    given = [each["Properties"] for each in workflow.of_type("AWS::Lambda::Permission").values()]
    rights = {each["Action"]: each for each in given if each["Principal"] == "*"}
    assert rights.keys() == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert rights["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == "NONE"
    # Without this the whole world could invoke the function directly.
    assert rights["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True
    assert {each["FunctionName"]["Fn::GetAtt"][0] for each in given if each["Principal"] == "*"} == {function}


def test_no_concurrency_is_reserved(templates: dict[str, Template]) -> None:
    """Reserved concurrency fails a stack where the account's quota is small."""
    for template in templates.values():
        for function in template.of_type("AWS::Lambda::Function").values():
            assert "ReservedConcurrentExecutions" not in function["Properties"]


def test_every_wait_for_a_person_ends(definitions: dict) -> None:
    """A wait without TimeoutSeconds waits a year; silence expires as a rejection."""
    for key, state in waiting(definitions).items():
        assert state["TimeoutSeconds"], key
    catches = definitions["PromoteModel"]["States"]["Request Approval"]["Catch"]
    (expired,) = [each for each in catches if each["ErrorEquals"] == ["States.Timeout"]]
    assert expired["Assign"]["outcome"]["name"] == "Approval Expired"


def test_a_task_token_goes_to_one_place_and_is_named_in_no_other_field(definitions: dict) -> None:
    """The token stays out of mails, logs and pages: a state hands it over and keeps it in no variable."""
    for definition in definitions.values():
        for name, state in definition["States"].items():
            kept = {field: value for field, value in state.items() if field != "Arguments"}
            assert "Task.Token" not in json.dumps(kept), name
            if "Task.Token" in json.dumps(state):
                assert "waitForTaskToken" in state["Resource"]


def test_task_tokens_are_stored_encrypted(workflow: Template, storage: Template) -> None:
    """Whoever reads the table must not be able to answer for an approver."""
    (sealing,) = [each for each in workflow.statements("RequestApprovalRole") if "kms:Encrypt" in each.actions]
    (opening,) = [each for each in workflow.statements("DecideReleaseRole") if "kms:Decrypt" in each.actions]
    assert sealing.resources == opening.resources
    assert "TokenKey" in sealing.resources[0]
    assert storage.properties("AWS::KMS::Key", "TokenKey")["EnableKeyRotation"] is True


def test_approvers_are_mailed_by_ses(workflow: Template) -> None:
    """SNS puts its own unsubscribe link into mails, which scanners follow: approvers would vanish silently."""
    actions = {action for each in workflow.statements("RequestApprovalRole") for action in each.actions}
    assert "ses:SendEmail" in actions
    assert not [action for action in actions if action.startswith("sns:")]


def test_time_to_live_only_cleans(storage: Template) -> None:
    """DynamoDB deletes days late: the attribute is another than the expiry that is read."""
    for table in storage.of_type("AWS::DynamoDB::Table").values():
        assert table["Properties"]["TimeToLiveSpecification"]["AttributeName"] == "purge_at"


def test_the_audit_is_added_to_and_nothing_else(workflow: Template, templates: dict[str, Template]) -> None:
    """No role of any stack may change or remove an entry, not even through a wildcard."""
    audit = [
        (each.role, action)
        for template in templates.values()
        for each in template.statements()
        if any("-audit" in resource or resource.endswith((":table/*", "table/mlops-*")) for resource in each.resources)
        for action in each.actions
    ]
    writers = ("RequestApprovalRole", "DecideReleaseRole", "TendApprovalsRole", "PromoteModelRole")
    assert sorted(audit) == sorted((role, "dynamodb:PutItem") for role in writers)


def test_who_answers_a_token_may_answer_any(workflow: Template) -> None:
    """SendTaskSuccess and SendTaskFailure know no resource: the token itself names the task."""
    answering = [each for each in workflow.statements() if any("SendTask" in action for action in each.actions)]
    assert {each.role for each in answering} == {
        *("RequestApprovalRole", "DecideReleaseRole", "TendApprovalsRole", "PassLeaseRole")
    }
    assert {each.resources for each in answering} == {("*",)}
