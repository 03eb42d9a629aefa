"""Over all flows: every right was used or has its reason, none can go, and nothing was called that nobody decided.

What the flow tests recorded in `make test` is taken; where they did not run with these very files, they run once more. What
they asked IAM for is then decided again, by the embedded cloud's own
evaluator, with one statement, action or resource left out after the other: for each, a call that was allowed has to be
denied. Which rights there are is read from the deployed stacks.
"""

import json
import re
from pathlib import Path

import pytest

from local.launch import ASSEMBLY
from statemachine.loader import DEFINITIONS, read_definition
from tests.flow.audit import (
    Right,
    Session,
    granted_actions,
    granted_twice,
    needed,
    needed_resources,
    read_sessions,
    run_flows,
)
from tests.flow.kept import kept
from tests.flow.unused_rights import UNUSED
from tests.statemachine.strict import request_faults
from tests.statemachine.test_arguments import operation

pytestmark = [pytest.mark.full, pytest.mark.long(15), pytest.mark.timeout(1800)]

# A task's IAM action where it is not the operation's own name.
ACTIONS = {"lambda:invoke": "lambda:InvokeFunction", "s3:copyObject": "s3:PutObject"}
NAMESPACES = {"sfn": "states"}
# A transaction is no action; its parts are.
TRANSACTIONS = {
    "dynamodb:transactWriteItems": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"}
}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> list[Session]:
    folder = kept() or recorded_anew(tmp_path_factory.mktemp("flow-records"))
    found = read_sessions(folder)
    print(
        f"\n{folder}: {sum(len(each.calls) for each in found)} kinds of calls, "
        f"{len(granted_actions(found))} statements, {sum(map(len, granted_actions(found).values()))} actions"
    )
    return found


def recorded_anew(folder: Path) -> Path:
    done = run_flows(folder)
    assert done.returncode == 0, f"the flows themselves failed:\n{done.stdout[-4000:]}"
    return folder


def explained(right: Right, action: str) -> bool:
    return any(each.fits(right, action) for each in UNUSED)


def test_every_call_of_a_role_was_decided(sessions):
    calls = [call for session in sessions for call in session.calls]
    assert len(calls) > 1000
    assert not [call for call in calls if not call.evaluated]
    # What the cloud cannot name is for administrators; a flow that needs it would be denied on AWS or here.
    assert not [call for call in calls if re.search(r"Unknown|Unlisted", call.action)]
    assert {right.role for right in granted_actions(sessions)} == {call.role for call in calls}


def test_every_task_that_ran_was_decided_for_its_machines_role(sessions):
    for session in sessions:
        asked = {(call.role, call.action) for call in session.calls}
        for machine, resource in sorted({(task["machine"], task["resource"]) for task in session.tasks}):
            service, _, name = resource.removeprefix("aws-sdk:").partition(":")
            call = f"{service}:{name.partition('.')[0]}"
            own = f"{NAMESPACES.get(service, service)}:{name[0].upper()}{name.partition('.')[0][1:]}"
            actions = TRANSACTIONS.get(call, {ACTIONS.get(call, own)})
            role = "".join(word.title() for word in machine.split("-")) + "Role"
            assert {(role, action) for action in actions} & asked, f"{machine}: {resource} was never decided"


def test_every_right_was_used_or_has_a_written_reason(sessions):
    used = needed(sessions)
    unused = {
        (right.role, right.sid, action)
        for right, actions in granted_actions(sessions).items()
        for action in actions - used[right]
        if not explained(right, action)
    }
    assert not unused


def test_no_reason_is_left_for_a_right_that_is_used_or_not_there(sessions):
    used, granted = needed(sessions), granted_actions(sessions)
    for entry in UNUSED:
        fitting = [
            (right, action) for right, actions in granted.items() for action in actions if entry.fits(right, action)
        ]
        assert fitting, f"{entry.sid} of {entry.roles} names nothing"
        assert not [(right, action) for right, action in fitting if action in used[right]], entry
        named = {action for _, action in fitting}
        assert set(entry.actions) <= named, entry


def test_leaving_out_any_one_statement_denies_what_was_allowed(sessions):
    used = needed(sessions)
    needless = {
        right
        for right, actions in granted_actions(sessions).items()
        if not used[right] and not all(explained(right, action) for action in actions)
    }
    assert not needless
    print(f"\n{sum(map(bool, used.values()))} of {len(used)} statements cannot go; the others have their reasons")


def test_leaving_out_any_one_resource_denies_what_was_allowed(sessions):
    used = needed(sessions)
    needless = {
        (right.role, right.sid, pattern)
        for (right, pattern), is_needed in needed_resources(sessions).items()
        if not is_needed and used[right]
    }
    assert not needless


def test_no_two_statements_of_a_role_allow_the_same_call(sessions):
    assert not granted_twice(sessions)


def test_every_condition_was_met_by_a_call_that_carried_its_key(sessions):
    for session in sessions:
        for right, statement in session.rights():
            keys = {key.lower() for block in statement.get("Condition", {}).values() for key in block}
            calls = [call for call in session.allowed(right.role) if call.action in str(statement["Action"])]
            if keys and calls and not all(explained(right, call.action) for call in calls):
                assert any(keys <= json.loads(call.context).keys() for call in calls), right


def test_every_statement_of_the_templates_was_deployed(sessions):
    written = {
        Right(name[:-8], statement["Sid"])
        for template in ASSEMBLY.glob("mlops-*.template.json")
        for name, resource in json.loads(template.read_text())["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    assert set(granted_actions(sessions)) == written


def test_endpoints_are_built_and_scaled_by_the_deployment_role_alone(sessions):
    building = re.compile(
        r"sagemaker:(Create|Update|Delete)(Model|Endpoint|EndpointConfig)|application-autoscaling:(Register|Deregister|Put|Delete).*"
    )
    builders = {call.role for session in sessions for call in session.calls if building.fullmatch(call.action)}
    assert builders == {"DeploymentRole"}
    assert not [action for session in sessions for action in session.root_actions if building.fullmatch(action)]


def test_arguments_as_they_were_evaluated_are_what_the_services_take(sessions):
    tasks = [task for session in sessions for task in session.tasks]
    faults = {
        (task["machine"], task["state"], fault)
        for task in tasks
        for fault in request_faults(operation(f"arn:aws:states:::{task['resource']}").input_shape, task["arguments"])
    }
    assert not faults
    print(f"\n{len(tasks)} requests of {len({(task['machine'], task['state']) for task in tasks})} states")


def test_every_task_of_the_definitions_ran_in_some_flow(sessions):
    ran = {(task["machine"], task["state"]) for session in sessions for task in session.tasks}
    written = {
        (path.name.removesuffix(".asl.yaml"), name)
        for path in DEFINITIONS
        for name, state in read_definition(path)["States"].items()
        if state["Type"] == "Task"
    }
    assert written - ran == set()
