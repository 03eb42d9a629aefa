import json

import pytest

from statemachine.loader import InvalidDefinition, load_definition, read_definition
from statemachine.rules import faults

RETRY = [{"ErrorEquals": ["X", "States.Timeout"], "JitterStrategy": "FULL"}]
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
TASK = {"Type": "Task", "TimeoutSeconds": 1, "Retry": RETRY, "Catch": CATCH, "Next": "End"}


def definition(**first: object) -> dict:
    return {"StartAt": "First", "States": {"First": {**TASK, **first}, "End": {"Type": "Succeed"}}}


def test_a_sound_definition_has_no_fault():
    assert faults(definition()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Next": "Nowhere"}, "goes to 'Nowhere'"),
        ({"TimeoutSeconds": None, "Retry": []}, "has no Retry"),
        ({"Retry": [{"ErrorEquals": ["X"]}]}, "without full jitter"),
        ({"Retry": [{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL"}]}, "retries every error"),
        ({"Retry": [{"ErrorEquals": ["X"], "JitterStrategy": "FULL"}]}, "is not answered once"),
        ({"Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync"}, "waited for in vain"),
        ({"Catch": [{"ErrorEquals": ["X"], "Next": "End"}]}, "does not catch every fault"),
        ({"Type": "Choice"}, "no Comment"),
        ({"Type": "Choice", "Comment": "Why."}, "does not ask a question"),
    ],
)
def test_a_broken_rule_is_found(change, fault):
    assert any(fault in found for found in faults(definition(**change)))


def test_a_task_without_a_timeout_is_found():
    broken = definition()
    del broken["States"]["First"]["TimeoutSeconds"]
    assert any("no TimeoutSeconds" in found for found in faults(broken))


def test_a_state_that_is_never_reached_is_found():
    broken = definition()
    broken["States"]["Island"] = {"Type": "Succeed"}
    assert faults(broken) == ["Island: is never reached"]


def test_the_loader_names_file_state_and_rule(tmp_path):
    path = tmp_path / "broken.asl.yaml"
    path.write_text("StartAt: A\nStates: {A: {Type: Pass}}\n")
    with pytest.raises(InvalidDefinition, match="broken.asl.yaml: A: leads nowhere"):
        load_definition(path)


@pytest.mark.parametrize("text", ["[", "just text", "- a\n"])
def test_a_file_that_holds_no_definition_is_refused(tmp_path, text):
    path = tmp_path / "broken.asl.yaml"
    path.write_text(text)
    with pytest.raises(InvalidDefinition):
        load_definition(path)


OPTIONAL = """
StartAt: A
States:
  A:
    Type: Pass
    Output:
      kept: ${Kept}
      gone: "{% $split('${Gone}', ',') %}"
      emptied: {gone: "${Gone}"}
      empty: {}
    Next: B
  B: {Type: Succeed}
"""


def test_what_names_an_absent_placeholder_is_left_out_and_so_is_what_that_empties(tmp_path):
    path = tmp_path / "optional.asl.yaml"
    path.write_text(OPTIONAL)
    output = json.loads(load_definition(path, absent=["Gone"]))["States"]["A"]["Output"]
    assert output == {"kept": "${Kept}", "empty": {}}


def test_without_absent_placeholders_everything_stays(tmp_path):
    path = tmp_path / "optional.asl.yaml"
    path.write_text(OPTIONAL)
    assert json.loads(load_definition(path)) == read_definition(path)
