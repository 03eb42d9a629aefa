"""Traps of Step Functions: each fact, and where the definitions and their machines hold to it."""

import json
import re

import pytest

from statemachine.loader import placeholders
from tests.infra.template import Template
from tests.infra.test_aws_traps_runs import states, tasks

MACHINES = ("PromoteModel", "DeployStack", "CloseRun")
# JSONata 2.0.6, which Step Functions runs, and Step Functions' own.
# https://docs.jsonata.org and https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        """
    string length substring substringBefore substringAfter uppercase lowercase trim pad contains split join match replace
    base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl number abs floor ceil round power
    sqrt random formatNumber formatBase formatInteger parseInteger sum max min average boolean not exists count append
    sort reverse shuffle distinct zip keys lookup spread merge sift each error assert type now millis fromMillis toMillis
    map filter single reduce
    parse hash partition range uuid
    """,
    )
)


def resource_prefix(resource: str) -> str:
    """How the errors of a task begin: optimised integrations and the SDK's spell their services differently."""
    call = resource.removeprefix("arn:aws:states:::")
    spelled = {
        "lambda": "Lambda", "dynamodb": "DynamoDB", "sagemaker": "SageMaker", "states": "StepFunctions",
        "aws-sdk:cloudformation": "CloudFormation", "aws-sdk:dynamodb": "DynamoDb", "aws-sdk:s3": "S3",
        "aws-sdk:sagemaker": "SageMaker", "aws-sdk:sfn": "Sfn", "aws-sdk:ssm": "Ssm",
    }  # fmt: skip
    service = ":".join(call.split(":")[:2]) if call.startswith("aws-sdk:") else call.split(":")[0]
    return spelled[service]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_definition_stands_in_the_template(machine: str, workflow: Template) -> None:
    """`from_file` makes the definition an S3 object that linters, snapshots and emulators cannot see."""
    properties = workflow.properties("AWS::StepFunctions::StateMachine", machine)
    assert isinstance(properties["DefinitionString"], str)
    assert "DefinitionS3Location" not in properties


@pytest.mark.parametrize("machine", MACHINES)
def test_every_placeholder_has_a_value_and_every_value_a_placeholder(machine: str, workflow: Template) -> None:
    """CloudFormation leaves a `${Placeholder}` that has no substitution in the definition as it is."""
    properties = workflow.properties("AWS::StepFunctions::StateMachine", machine)
    assert placeholders(properties["DefinitionString"]) == properties["DefinitionSubstitutions"].keys()


@pytest.mark.parametrize("machine", MACHINES)
def test_the_machine_speaks_jsonata(machine: str, definitions: dict) -> None:
    """JSONata is what AWS recommends for new machines; JSONPath's fields would be refused beside it."""
    assert definitions[machine]["QueryLanguage"] == "JSONata"
    paths = {
        "InputPath",
        "OutputPath",
        "ResultPath",
        "ResultSelector",
        "Parameters",
        "SecondsPath",
        "TimeoutSecondsPath",
    }
    for name, state in definitions[machine]["States"].items():
        assert not paths & state.keys(), name


@pytest.mark.parametrize("machine", MACHINES)
def test_the_machine_is_standard(machine: str, workflow: Template) -> None:
    """Express machines end after five minutes, have no `.sync` and no task tokens."""
    assert workflow.properties("AWS::StepFunctions::StateMachine", machine)["StateMachineType"] == "STANDARD"


@pytest.mark.parametrize("machine", MACHINES)
def test_the_definition_is_small_enough(machine: str, workflow: Template) -> None:
    """A definition is at most 1 MB; a template body that CloudFormation reads from S3 as well."""
    text = workflow.properties("AWS::StepFunctions::StateMachine", machine)["DefinitionString"]
    assert len(text.encode()) < 1_048_576 / 2
    assert len(json.dumps(workflow.all).encode()) < 1_000_000


@pytest.mark.parametrize("machine", MACHINES)
def test_the_log_holds_no_data(machine: str, workflow: Template) -> None:
    """Payloads hold task tokens and rows of data: `includeExecutionData` is false, and said so."""
    logging = workflow.properties("AWS::StepFunctions::StateMachine", machine)["LoggingConfiguration"]
    assert logging["IncludeExecutionData"] is False


@pytest.mark.parametrize("machine", MACHINES)
def test_the_log_group_stays_out_of_the_accounts_resource_policy(machine: str, workflow: Template) -> None:
    """Log delivery grows a resource policy of limited size, unless the group's name begins with /aws/vendedlogs/."""
    logging = workflow.properties("AWS::StepFunctions::StateMachine", machine)["LoggingConfiguration"]
    (destination,) = logging["Destinations"]
    group = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]
    assert workflow.all["Resources"][group]["Properties"]["LogGroupName"].startswith("/aws/vendedlogs/states/")


@pytest.mark.parametrize("machine", MACHINES)
def test_log_delivery_and_traces_are_granted_on_everything(machine: str, workflow: Template) -> None:
    """Log delivery actions know no resource: granted on a log group they would be void."""
    wide = {each.sid: each.resources for each in workflow.statements(f"{machine}Role") if "*" in each.resources}
    assert wide == {"DeliverLogs": ("*",), "Trace": ("*",)}


def test_every_task_has_a_timeout(definitions: dict) -> None:
    """A task without TimeoutSeconds waits a year."""
    assert not [key for key, state in tasks(definitions).items() if not state.get("TimeoutSeconds")]


def test_every_machine_has_a_timeout(definitions: dict) -> None:
    """An execution ends after a year at the latest, uncaught; a child must not outlive the state that waits for it."""
    limits = {machine: each["TimeoutSeconds"] for machine, each in definitions.items()}
    assert limits["PromoteModel"] < 365 * 86_400
    waiting = [
        state["TimeoutSeconds"]
        for state in tasks(definitions).values()
        if state["Resource"].endswith("startExecution.sync:2")
    ]
    assert all(limits["DeployStack"] <= seconds for seconds in waiting)


def test_what_no_state_catches_closes_the_run(workflow: Template) -> None:
    """Nothing catches StopExecution, the machine's timeout or the event limit: a rule on the status change must."""
    detail = workflow.properties("AWS::Events::Rule", "RunEndedRule")["EventPattern"]["detail"]
    assert {"FAILED", "TIMED_OUT", "ABORTED"} <= set(detail["status"])


def test_every_task_catches_all_that_can_be_caught(definitions: dict) -> None:
    """`States.ALL` must stand alone and last."""
    for key, state in tasks(definitions).items():
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], key
        assert not [each for each in state["Catch"][:-1] if "States.ALL" in each["ErrorEquals"]], key


def test_cloudformation_is_waited_for_with_growing_pauses(definitions: dict) -> None:
    """CloudFormation has no `.sync`, and a polling turn is about 9 of 25,000 events: 1, 2, 4 … 30 s."""
    deploy = definitions["DeployStack"]["States"]
    assert {
        state["Resource"].partition(".")[2]
        for state in deploy.values()
        if ":cloudformation:" in state.get("Resource", "")
    } == {""}
    for name in ("Wait For Change Set", "Wait For Deployment"):
        assert deploy[name]["Seconds"] == "{% $min([30, $power(2, $polls - 1)]) %}"


def test_errors_are_named_as_the_integration_names_them(definitions: dict) -> None:
    """Optimised integrations say `DynamoDB.…`, those of the SDK `DynamoDb.…`: a catch under the other name is void."""
    for key, state in tasks(definitions).items():
        prefix = resource_prefix(state["Resource"])
        caught = {error for rule in state["Catch"] for error in rule["ErrorEquals"] if "." in error}
        named = {error for error in caught if not error.startswith("States.")}
        assert {error.partition(".")[0] for error in named} <= {prefix}, key
        retried = {error.partition(".")[0] for rule in state["Retry"] for error in rule["ErrorEquals"] if "." in error}
        assert prefix in retried, f"{key} retries no fault of its own service"


def test_dynamodb_numbers_are_written_as_text(definitions: dict) -> None:
    """DynamoDB's `N` values are strings; a number there is refused."""
    for definition in definitions.values():
        for value in re.findall(r'"N": ("?)', json.dumps(definition)):
            assert value == '"'


def test_expressions_use_only_functions_that_step_functions_has(definitions: dict) -> None:
    """Step Functions adds $parse, $hash, $partition, $range and $uuid to JSONata, and lacks $eval."""
    for definition in definitions.values():
        for text in re.findall(r"\{%.*?%\}", json.dumps(definition)):
            bound = set(re.findall(r"\$(\w+)\s*:=\s*function", text))
            assert set(re.findall(r"\$(\w+)\(", text)) - bound <= FUNCTIONS, text


def test_no_name_comes_from_chance(definitions: dict) -> None:
    """A retried or redriven call must find what the first one made: $uuid and $random would name it anew."""
    for key, state in states(definitions).items():
        # A pause may be left to chance.
        text = json.dumps({field: value for field, value in state.items() if field != "Seconds"})
        assert "$uuid(" not in text, key
        assert "$random(" not in text, key


def test_every_choice_goes_somewhere(definitions: dict) -> None:
    """A choice that fits nowhere ends the run with States.NoChoiceMatched, uncaught."""
    choices = {key: state for key, state in states(definitions).items() if state["Type"] == "Choice"}
    closed = {
        key: "Default" in state or state["Choices"][-1]["Condition"] == "{% true %}" for key, state in choices.items()
    }
    assert not [key for key, goes_on in closed.items() if not goes_on]
