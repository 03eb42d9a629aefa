import json
import re
from collections.abc import Iterator
from typing import Any

import jsonata
import pytest

from contracts.lease import REMOVAL
from statemachine.loader import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL, load_definition, placeholders, read_definition
from statemachine.rules import targets

MACHINES = {"promote-model": PROMOTE_MODEL, "deploy-stack": DEPLOY_STACK, "close-run": CLOSE_RUN}
BOUND_BY_AWS = {"states"}
EXPECTED_ENDS = {
    "Model Deployed", "Duplicate Ignored", "Part Of A Drop", "Dataset Rejected", "Training Failed", "Candidate Rejected", "Smoke Test Failed",
    "Release Rejected", "Approval Expired", "Deployment Failed", "Production Restored", "Production Unhealthy", "Image Missing", "Run Failed",
    "Superseded", "Request Refused", "Traffic Shifted",
}  # fmt: skip


@pytest.fixture(params=MACHINES)
def definition(request):
    return read_definition(MACHINES[request.param])


def expressions(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from expressions(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from expressions(item, f"{path}/{index}")
    elif isinstance(value, str) and value.strip().startswith("{%"):
        yield path, value.strip()[2:-2]


@pytest.mark.parametrize("path", MACHINES.values(), ids=MACHINES)
def test_the_loader_finds_no_fault(path):
    assert json.loads(load_definition(path))["QueryLanguage"] == "JSONata"


def test_every_expression_parses(definition):
    found = list(expressions(definition["States"]))
    assert len(found) > 20
    for path, expression in found:
        try:
            jsonata.Jsonata(expression)
        except Exception as fault:
            pytest.fail(f"{path}: {fault}: {expression}")


def names_read(expression: str) -> set[str]:
    """Variables of an expression, less those that it binds itself."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression)
    bound = set(re.findall(r"\$(\w+)\s*:=", text))
    for parameters in re.findall(r"function\(([^)]*)\)", text):
        bound |= set(re.findall(r"\$(\w+)", parameters))
    called = set(re.findall(r"\$(\w+)\(", text))
    return set(re.findall(r"\$(\w+)", text)) - bound - called - BOUND_BY_AWS


def test_no_variable_hides_a_function_that_is_called(definition):
    assigned = {
        name
        for state in definition["States"].values()
        for holder in holders(state)
        for name in holder.get("Assign", {})
    }
    for path, expression in expressions(definition["States"]):
        bound = set(re.findall(r"\$(\w+)\s*:=", expression))
        called = set(re.findall(r"\$(\w+)\(", re.sub(r"'[^']*'", "''", expression))) - bound
        assert not called & assigned, path


def assigned_before(definition: dict) -> dict[str, set[str]]:
    """For each state, the variables that every way to it has assigned."""
    states = definition["States"]
    everything = {name for state in states.values() for holder in holders(state) for name in holder.get("Assign", {})}
    known = {name: set(everything) for name in states}
    known[definition["StartAt"]] = set()
    changed = True
    while changed:
        changed = False
        for name, state in states.items():
            for target, gained in ways(state):
                left = known[target] & (known[name] | gained)
                if left != known[target]:
                    known[target], changed = left, True
    return known


def holders(state: dict) -> list[dict]:
    return [state, *state.get("Choices", []), *state.get("Catch", [])]


def ways(state: dict) -> Iterator[tuple[str, set[str]]]:
    for holder in holders(state):
        if "Next" in holder:
            yield holder["Next"], set(holder.get("Assign", {}))
    if "Default" in state:
        yield state["Default"], set(state.get("Assign", {}))


def test_every_variable_is_assigned_on_every_way_before_it_is_read(definition):
    known = assigned_before(definition)
    for name, state in definition["States"].items():
        for path, expression in expressions(state):
            missing = names_read(expression) - known[name]
            assert not missing, f"{name}{path} reads {sorted(missing)}"


def test_the_analysis_sees_a_variable_that_one_way_leaves_out():
    definition = {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% true %}", "Assign": {"x": 1}, "Next": "B"}],
                "Default": "B",
            },
            "B": {"Type": "Pass", "Output": "{% $x %}"},
        },
    }
    assert assigned_before(definition)["B"] == set()
    assert names_read(" $x.y & '$z' & $string($w) ") == {"x", "w"}


def test_the_ends_are_those_that_people_are_told_about():
    definition = read_definition(PROMOTE_MODEL)
    ends = {name for name, state in definition["States"].items() if state["Type"] in ("Succeed", "Fail")}
    assert ends == EXPECTED_ENDS


def test_a_fail_states_error_is_its_name():
    for name, state in read_definition(PROMOTE_MODEL)["States"].items():
        if state["Type"] == "Fail":
            assert state["Error"] == name.replace(" ", "")


def test_every_way_through_close_run_passes_the_lease_or_says_that_it_did_not():
    states = read_definition(CLOSE_RUN)["States"]
    waiting, seen = ["Close Lease"], set()
    while waiting:
        name = waiting.pop()
        if name not in seen and name != "Pass Lease":
            seen.add(name)
            waiting += targets(states[name])
    assert {name for name in seen if states[name]["Type"] in ("Succeed", "Fail")} == {"Not Closed", "Run Goes On"}
    # A run that goes on keeps its lease, and says so itself.
    assert {name for name in seen if "Run Goes On" in targets(states[name])} == {"Redriven Meanwhile?"}


def test_close_run_knows_the_runs_own_ends_from_what_it_did_not_live_to_name():
    own = [state["Error"] for state in read_definition(PROMOTE_MODEL)["States"].values() if state["Type"] == "Fail"]
    (rule,) = [
        each
        for each in read_definition(CLOSE_RUN)["States"]["How Did It End?"]["Choices"]
        if each["Next"] == "Pass Lease"
    ]
    expression = jsonata.Jsonata(rule["Condition"].strip()[2:-2])

    def passes(status: str, error: str) -> bool:
        expression.assign("status", status)
        expression.assign("error", error)
        return bool(expression.evaluate(None))

    assert passes("SUCCEEDED", "")
    assert all(passes("FAILED", error) for error in own)
    assert not any(
        passes(*end)
        for end in (("FAILED", "States.Runtime"), ("FAILED", ""), ("ABORTED", ""), ("TIMED_OUT", "States.Timeout"))
    )


def lease_condition(state: dict, lease: dict) -> str:
    """What a write to the lease asks for, when the deployment's input has this lease."""
    expression = jsonata.Jsonata(state["Arguments"]["ConditionExpression"].strip()[2:-2])
    expression.assign("states", {"context": {"Execution": {"Input": {"lease": lease}}}})
    return str(expression.evaluate(None))


def test_nothing_is_deployed_recorded_or_asked_without_the_lease():
    promote, deploy = (read_definition(path)["States"] for path in (PROMOTE_MODEL, DEPLOY_STACK))
    assert read_definition(DEPLOY_STACK)["StartAt"] == "Hold Lease"
    for name in ("Hold Lease", "Confirm Lease"):
        assert "execution_arn = :holder" in lease_condition(deploy[name], {})
        assert "attribute_not_exists(closed_by)" in lease_condition(deploy[name], {})
        closing = lease_condition(deploy[name], {"closing": "x"})
        assert "closed_by = :closing" in closing
        assert "attribute_not_exists(closed_by)" not in closing
    assert {name for name, state in deploy.items() if "Execute Change Set" in targets(state)} == {"Confirm Lease"}
    deploying = {
        name: state for name, state in promote.items() if state.get("Resource", "").endswith("startExecution.sync:2")
    }
    assert set(deploying) == {"Deploy Development", "Deploy Production", "Restore Champion", "Undo Production"}
    for state in (*deploying.values(), read_definition(CLOSE_RUN)["States"]["Restore Champion"]):
        assert state["Arguments"]["Input"]["lease"]["holder"] == "{% $run.arn %}"
    assert promote["Request Approval"]["Arguments"]["Payload"]["lease"]["holder"] == "{% $run.arn %}"
    check, *_ = promote["Record Release"]["Arguments"]["TransactItems"]
    assert check["ConditionCheck"]["ConditionExpression"] == "execution_arn = :me AND attribute_not_exists(closed_by)"
    # Only what closes an ended run deploys under its closed lease.
    assert not any("closing" in state["Arguments"]["Input"]["lease"] for state in deploying.values())
    closing = read_definition(CLOSE_RUN)["States"]
    assert closing["Restore Champion"]["Arguments"]["Input"]["lease"]["closing"] == "{% $run.closing %}"
    marked = closing["Close Lease"]["Arguments"]["ExpressionAttributeValues"][":closing"]
    assert marked == {"S": "{% $run.closing %}"}


def test_a_removal_is_waited_for_and_taken_over_only_when_the_same_one_was_seen_for_minutes():
    states = read_definition(PROMOTE_MODEL)["States"]
    seen = next(rule for rule in states["Who Goes First?"]["Choices"] if rule["Next"] == "Wait For Removal")
    assert REMOVAL in seen["Condition"]
    died = states["Take Release Lease"]["Arguments"]["ExpressionAttributeValues"][":died"]["S"]

    def evaluate(text: str, **variables: object) -> Any:
        expression = jsonata.Jsonata(text.strip()[2:-2])
        for name, value in variables.items():
            expression.assign(name, value)
        return expression.evaluate(None)

    removal, waited = {"of": "nobody", "looks": 0}, 0
    while evaluate(died, removal=removal) == "nobody":
        removal = evaluate(seen["Assign"]["removal"], removal=removal, holder={"arn": "removal:a"})
        waited += evaluate(states["Wait For Removal"]["Seconds"], removal=removal)
    assert evaluate(died, removal=removal) == "removal:a"
    # Longer than its function may run (infra/function_needs.py), and what it has asked for may be on its way.
    assert 240 <= waited <= 360
    another = evaluate(seen["Assign"]["removal"], removal=removal, holder={"arn": "removal:b"})
    assert another == {"of": "removal:b", "looks": 1}
    assert evaluate(died, removal=another) == "nobody"


def test_no_expression_uses_what_aws_lacks(definition):
    for path, expression in expressions(definition):
        assert "$eval(" not in expression, path


def test_waits_grow_so_that_a_long_creation_costs_few_transitions():
    wait = read_definition(DEPLOY_STACK)["States"]["Wait For Deployment"]["Seconds"].strip()[2:-2]
    seconds = []
    for polls in range(1, 30):
        expression = jsonata.Jsonata(wait)
        expression.assign("polls", polls)
        seconds.append(int(expression.evaluate(None)))
    assert seconds[:6] == [1, 2, 4, 8, 16, 30]
    turns = next(count for count in range(1, 30) if sum(seconds[:count]) >= 8 * 60)
    # Each turn enters a Wait, a Task and a Choice.
    assert 3 * turns <= 60


def test_placeholders_are_found():
    assert placeholders("${A} ${Bc1} $x {% $y %}") == {"A", "Bc1"}
