"""Arguments of every SDK task against botocore's model of the service: nothing unknown, nothing missing, right kinds."""

from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest
from botocore.model import OperationModel, Shape

from statemachine.loader import DEFINITIONS, read_definition

# As in the Resource's ARN → botocore's name. Those of `aws-sdk` are the service's name in the SDK for Java.
SERVICES = {
    "aws-sdk:cloudformation": "cloudformation",
    "aws-sdk:dynamodb": "dynamodb",
    "aws-sdk:s3": "s3",
    "aws-sdk:sagemaker": "sagemaker",
    "aws-sdk:sfn": "stepfunctions",
    "aws-sdk:ssm": "ssm",
    "dynamodb": "dynamodb",
    "lambda": "lambda",
    "sagemaker": "sagemaker",
    "states": "stepfunctions",
}
# https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
OPTIMISED = {
    "dynamodb:getItem", "dynamodb:putItem", "dynamodb:updateItem", "lambda:invoke", "lambda:invoke.waitForTaskToken",
    "sagemaker:createTrainingJob.sync", "states:startExecution", "states:startExecution.sync:2",
}  # fmt: skip
TASKS = {
    f"{path.name.removesuffix('.asl.yaml')}-{name}": state
    for path in DEFINITIONS
    for name, state in read_definition(path)["States"].items()
    if state["Type"] == "Task"
}


@cache
def operation(resource: str) -> OperationModel:
    call = resource.removeprefix("arn:aws:states:::")
    service, _, action = call.rpartition(":") if call.startswith("aws-sdk:") else call.partition(":")
    action = action.partition(".")[0]
    model = botocore.session.get_session().get_service_model(SERVICES[service])
    names = {name[0].lower() + name[1:]: name for name in model.operation_names}
    return model.operation_model(names[action])


KINDS = {
    "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float), "string": str, "blob": str,
    "list": list, "map": dict, "structure": dict,
}  # fmt: skip


def faults(shape: Shape, value: object, path: str) -> Iterator[str]:
    """What is wrong with an argument, as far as it is written down; an expression may become anything."""
    if isinstance(value, str) and value.strip().startswith("{%"):
        return
    if path in ("Arguments.Input", "Arguments.Payload"):
        return  # JSON, which Step Functions makes a text of
    kind = shape.type_name
    if not isinstance(value, KINDS[kind]):
        yield f"{path}: {value!r} is no {kind}"
    elif isinstance(value, dict) and kind == "structure":
        yield from structure_faults(shape, value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from faults(shape.value, item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(shape.member, item, f"{path}[{index}]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.enum}"


def structure_faults(shape: Shape, value: dict, path: str) -> Iterator[str]:
    # Step Functions writes every member with a capital letter.
    members = {name[0].upper() + name[1:]: member for name, member in shape.members.items()} | dict(
        shape.members if shape.name == "AttributeValue" else {}
    )
    yield from (f"{path}: there is no {name}" for name in value if name not in members)
    required = {name[0].upper() + name[1:] for name in shape.required_members}
    yield from (f"{path}: {name} is missing" for name in required - set(value))
    for name, item in value.items():
        if name in members:
            yield from faults(members[name], item, f"{path}.{name}")


@pytest.mark.parametrize("task", TASKS)
def test_a_tasks_arguments_are_what_the_service_takes(task: str) -> None:
    state = TASKS[task]
    shape = operation(state["Resource"]).input_shape
    assert shape is not None
    assert not list(faults(shape, state["Arguments"], "Arguments"))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_names_an_integration_that_exists(task: str) -> None:
    call = TASKS[task]["Resource"].removeprefix("arn:aws:states:::")
    if call.startswith("aws-sdk:"):
        # Jobs are waited for by optimised integrations only.
        assert call.partition(".")[2] in ("", "waitForTaskToken")
    else:
        assert call in OPTIMISED


def test_the_check_sees_a_misspelt_a_missing_and_a_wrong_argument() -> None:
    shape = operation("arn:aws:states:::aws-sdk:cloudformation:createChangeSet").input_shape
    assert shape is not None
    told = list(faults(shape, {"Stackname": "x", "ChangeSetName": 1, "ChangeSetType": "NEW"}, "Arguments"))
    assert sorted(told) == [
        "Arguments.ChangeSetName: 1 is no string",
        "Arguments.ChangeSetType: 'NEW' is none of ['CREATE', 'UPDATE', 'IMPORT']",
        "Arguments: StackName is missing",
        "Arguments: there is no Stackname",
    ]
