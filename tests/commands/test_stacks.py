"""Whose a stack is."""

from typing import Any

from commands.ownership import owner
from commands.stacks import tags_of

OURS = [{"Key": "mlops:deployment", "Value": "mlops"}]


class ChangeSets:
    """CloudFormation with one stack that has a change set."""

    def __init__(self, tags: list[dict[str, str]]) -> None:
        self._tags = tags

    def get_paginator(self, operation: str) -> "ChangeSets":
        assert operation == "list_change_sets"
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 -- boto3's name
        return [{"Summaries": [{"ChangeSetId": f"{StackName}-set"}]}]

    def describe_change_set(self, ChangeSetName: str) -> dict[str, Any]:  # noqa: N803
        assert ChangeSetName == "arn:1-set"
        return {"Tags": self._tags}


def test_a_stack_that_nothing_was_executed_in_belongs_to_whoever_made_its_change_set():
    stack = {"StackId": "arn:1", "StackStatus": "REVIEW_IN_PROGRESS", "Tags": []}
    assert owner(tags_of(ChangeSets(OURS), stack)) == "mlops"
    assert owner(tags_of(ChangeSets([]), stack)) == ""


def test_any_other_stack_has_tags_of_its_own():
    stack = {"StackId": "arn:1", "StackStatus": "UPDATE_COMPLETE"}
    assert owner(tags_of(ChangeSets(OURS), stack)) == ""
    assert owner(tags_of(ChangeSets([]), {**stack, "Tags": OURS})) == "mlops"
