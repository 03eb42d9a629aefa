import re

import pytest

from infra.functions import construct_id
from infra.project import PROJECT
from tests.infra.template import Template

VERBS = sorted(handler.parent.name for handler in (PROJECT.root / "functions").glob("*/handler.py"))
# Those that import what reads tables.
READ_TABLES = ("freeze_dataset", "validate_dataset")


def invoked(definition: dict) -> dict[str, str]:
    """The placeholder that each state invokes."""
    return {
        name: state["Arguments"]["FunctionName"]
        for name, state in definition["States"].items()
        if state.get("Resource", "").startswith("arn:aws:states:::lambda:invoke")
    }


def test_a_state_its_folder_construct_and_placeholder_carry_one_verb(definitions: dict, workflow: Template) -> None:
    states = {name: value for definition in definitions.values() for name, value in invoked(definition).items()}
    assert states
    # Who withdraws a question competes with who answers it, so one function does both.
    assert states.pop("Withdraw Question") == "${DecideReleaseFunctionArn}"
    for state, placeholder in states.items():
        construct = state.replace(" ", "")
        assert placeholder == f"${{{construct}FunctionArn}}"
        assert state.lower().replace(" ", "_") in VERBS
        assert workflow.properties("AWS::Lambda::Function", construct)


def test_every_folder_with_a_handler_is_a_function(workflow: Template) -> None:
    functions = {name[:-8] for name in workflow.of_type("AWS::Lambda::Function")}
    assert functions == {construct_id(verb) for verb in VERBS}


@pytest.mark.parametrize("verb", VERBS)
def test_function_runs_its_own_handler_on_arm_and_logs_where_its_log_ends(verb: str, workflow: Template) -> None:
    function = workflow.properties("AWS::Lambda::Function", construct_id(verb))
    assert function["Handler"] == f"functions.{verb}.handler.handle"
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert len(function["Layers"]) == (2 if verb in READ_TABLES else 1)
    group = workflow.all["Resources"][function["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
    assert group["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"


@pytest.mark.parametrize("verb", VERBS)
def test_function_gives_up_before_the_state_that_waits_for_it(verb: str, definitions: dict, workflow: Template) -> None:
    function = workflow.properties("AWS::Lambda::Function", construct_id(verb))
    limits = [
        state["TimeoutSeconds"]
        for definition in definitions.values()
        for name, state in definition["States"].items()
        if name.lower().replace(" ", "_") == verb and isinstance(state["TimeoutSeconds"], int)
    ]
    assert all(function["Timeout"] <= limit for limit in limits)


@pytest.mark.parametrize("verb", VERBS)
def test_function_is_traced_by_lambda_itself(verb: str, workflow: Template) -> None:
    function = workflow.properties("AWS::Lambda::Function", construct_id(verb))
    assert function["TracingConfig"] == {"Mode": "Active"}
    granted = {action for each in workflow.statements(f"{construct_id(verb)}Role") for action in each.actions}
    assert granted >= {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def test_every_log_ends(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for group in template.of_type("AWS::Logs::LogGroup").values():
            assert group["Properties"]["RetentionInDays"] == 90


@pytest.mark.parametrize("machine", ["PromoteModel", "DeployStack"])
def test_machine_is_standard_traced_and_logs_no_data(machine: str, workflow: Template) -> None:
    properties = workflow.properties("AWS::StepFunctions::StateMachine", machine)
    assert properties["StateMachineName"] == re.sub(r"(?<!^)([A-Z])", r"-\1", machine).lower()
    assert properties["StateMachineType"] == "STANDARD"
    assert properties["TracingConfiguration"] == {"Enabled": True}
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_machines_get_the_names_that_the_rest_of_the_product_uses(workflow: Template) -> None:
    values = workflow.properties("AWS::StepFunctions::StateMachine", "PromoteModel")["DefinitionSubstitutions"]
    assert values["LedgerTable"] == "mlops-ledger"
    assert workflow.text(values["Bucket"]) == "mlops-us-east-1-123456789012"
    assert values["ModelsPrefix"] == "/mlops/models/"
    assert values["ImageParameter"] == "/mlops/image"


def test_commands_find_the_machine_and_the_function_that_decides(workflow: Template) -> None:
    outputs = {name: output["Value"] for name, output in workflow.all["Outputs"].items()}
    assert outputs.keys() == {"PromoteModelArn", "DecideReleaseFunction", "DecisionUrl"}
    assert outputs["PromoteModelArn"]["Ref"] in workflow.of_type("AWS::StepFunctions::StateMachine")
    assert outputs["DecideReleaseFunction"]["Ref"] in workflow.of_type("AWS::Lambda::Function")
