import pytest

from tests.statemachine.strict import request_faults
from tests.statemachine.test_arguments import operation

CREATE_CHANGE_SET = operation("arn:aws:states:::aws-sdk:cloudformation:createChangeSet").input_shape
TRAIN = operation("arn:aws:states:::sagemaker:createTrainingJob.sync").input_shape
CLAIM = operation("arn:aws:states:::dynamodb:putItem").input_shape
START = operation("arn:aws:states:::states:startExecution.sync:2").input_shape
INVOKE = operation("arn:aws:states:::lambda:invoke").input_shape


def test_a_sound_request_is_taken() -> None:
    assert request_faults(CLAIM, {"TableName": "t", "Item": {"pk": {"S": "x"}, "n": {"N": "1"}}}) == []
    assert request_faults(START, {"StateMachineArn": "arn", "Name": "n", "Input": {"any": ["thing"]}}) == []
    assert request_faults(INVOKE, {"FunctionName": "f", "Payload": {"any": 1}}) == []


def test_what_is_unknown_missing_or_of_another_kind_is_told() -> None:
    told = " ".join(request_faults(CREATE_CHANGE_SET, {"Stackname": "x", "ChangeSetName": 1}))
    assert 'Unknown parameter in input: "Stackname"' in told
    assert 'Missing required parameter in input: "StackName"' in told
    assert "Invalid type for parameter ChangeSetName" in told
    assert "Invalid type for parameter Item.n.N" in " ".join(
        request_faults(CLAIM, {"TableName": "t", "Item": {"n": {"N": 1}}})
    )


def test_what_is_too_long_badly_formed_or_not_in_the_list_is_told() -> None:
    told = request_faults(CREATE_CHANGE_SET, {"StackName": "s", "ChangeSetName": "1-a", "ChangeSetType": "NEW"})
    assert any("'1-a' at 'changeSetName' failed to satisfy constraint" in fault for fault in told)
    assert any("[CREATE, UPDATE, IMPORT]" in fault for fault in told)
    assert any("less than or equal to 63" in fault for fault in request_faults(TRAIN, {"TrainingJobName": "a" * 64}))


@pytest.mark.parametrize(
    ("text", "taken"), [("größer — ≥ 3 (ö)", True), ("two\nlines", False), ("a\x1bcolour", False), ("🌷", True)]
)
def test_what_the_registry_takes_as_a_description_is_told_by_unicode(text: str, *, taken: bool) -> None:
    create = operation("arn:aws:states:::aws-sdk:sagemaker:createModelPackage").input_shape
    assert (request_faults(create, {"ModelPackageDescription": text}) == []) is taken
