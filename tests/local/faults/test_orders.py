"""What can be planned, and what is refused with a word about what would be right."""

import json
from pathlib import Path

import pytest

from local.faults.orders import InvalidOrder, Order, read, read_file
from local.faults.plan import CAPACITY_ERROR, AwsError, CallEffect, CallFault, ServingFault, StateFault, TrainingFault

ERROR = {"code": "ThrottlingException", "status": 400, "message": "Rate exceeded"}


def test_a_fault_of_a_call() -> None:
    order = {
        "action": "cloudformation:ExecuteChangeSet",
        "principal": "deploy-stack",
        "resource": "iris",
        "body": "deploy-1",
        "state_machine": "deploy-stack",
        "state": "Execute Change Set",
        "effect": "error",
        "error": ERROR,
        "pass_first": 2,
        "hits": 3,
    }
    error = AwsError("ThrottlingException", 400, "Rate exceeded")
    action = "cloudformation:ExecuteChangeSet"
    fault = CallFault(
        action, CallEffect.ERROR, error, "deploy-stack", "iris", "deploy-1", "deploy-stack", "Execute Change Set"
    )
    assert read(order) == Order(fault, 2, 3)


def test_a_fault_at_a_state() -> None:
    order = {"state_machine": "promote-model", "state": "Train Model"}
    assert read(order) == Order(StateFault("promote-model", "Train Model"), 0, 1)


def test_a_fault_of_a_training_job_is_a_lack_of_capacity_when_nothing_else_is_said() -> None:
    assert read({"training_job": "iris"}) == Order(TrainingFault("iris", CAPACITY_ERROR, ""), 0, 1)


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ({"status": 500, "endpoint": "prd"}, ServingFault("m/model.tar.gz", "prd", status=500)),
        ({"delay_seconds": 0.8}, ServingFault("m/model.tar.gz", delay_seconds=0.8)),
        ({"delay_seconds": 2, "status": 503}, ServingFault("m/model.tar.gz", status=503, delay_seconds=2.0)),
        ({"answer": "setosa"}, ServingFault("m/model.tar.gz", answer="setosa")),
        ({"answer": ""}, ServingFault("m/model.tar.gz", answer="")),
        ({"crash": True}, ServingFault("m/model.tar.gz", crash=True)),
    ],
)
def test_a_model_misbehaves_at_every_request_unless_it_is_said_otherwise(
    order: dict[str, object], fault: ServingFault
) -> None:
    assert read({"artefact": "m/model.tar.gz"} | order) == Order(fault, 0, None)
    assert read({"artefact": "m/model.tar.gz", "hits": 3, "pass_first": 1} | order) == Order(fault, 1, 3)


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({}, "Say where"),
        ({"effect": "hang"}, "Say where"),
        ({"action": "ExecuteChangeSet", "effect": "hang"}, "action is"),
        ({"action": 7, "effect": "hang"}, "action is"),
        ({"action": "s3:GetObject"}, "effect is None"),
        ({"action": "s3:GetObject", "effect": "explode"}, "must be one of error, lost-call, lost-reply, hang, kill"),
        ({"action": "s3:GetObject", "effect": "error"}, 'needs {"error"'),
        ({"action": "s3:GetObject", "effect": "hang", "error": ERROR}, "no other effect has it"),
        ({"action": "s3:GetObject", "effect": "error", "error": {"code": "SlowDown"}}, "error must be"),
        ({"action": "s3:GetObject", "effect": "error", "error": ERROR | {"status": 200}}, "from 400 to 599"),
        ({"action": "s3:GetObject", "effect": "error", "error": ERROR | {"status": True}}, "from 400 to 599"),
        ({"action": "s3:GetObject", "effect": "error", "error": ERROR | {"code": "a b"}}, "error.code"),
        ({"action": "s3:GetObject", "effect": "error", "error": ERROR | {"message": ""}}, "error.message"),
        ({"action": "s3:GetObject", "effect": "hang", "hits": 0}, "hits is 0; it must be a whole number from 1 on"),
        ({"action": "s3:GetObject", "effect": "hang", "pass_first": -1}, "pass_first"),
        ({"action": "s3:GetObject", "effect": "hang", "pass_first": 1.5}, "pass_first"),
        ({"action": "s3:GetObject", "effect": "hang", "role": "x"}, "CallFault has no role"),
        ({"state": "Train Model"}, "state_machine is None"),
        ({"state_machine": "promote-model", "state": ""}, "state is ''"),
        ({"state_machine": "promote-model", "state": "Train Model", "effect": "hang"}, "StateFault has no effect"),
        ({"training_job": "iris", "effect": "hang"}, "TrainingFault has no effect"),
        ({"artefact": ""}, "artefact is ''"),
        ({"artefact": "m"}, 'any of {"status": 500}'),
        ({"artefact": "m", "crash": True, "status": 500}, 'or {"crash": true}'),
        ({"artefact": "m", "crash": False}, "crash must be true"),
        ({"artefact": "m", "status": 200}, "from 400 to 599"),
        ({"artefact": "m", "status": True}, "from 400 to 599"),
        ({"artefact": "m", "delay_seconds": -1}, "from 0 to 60"),
        ({"artefact": "m", "delay_seconds": "1"}, "from 0 to 60"),
        ({"artefact": "m", "answer": 7}, "answer is 7"),
        ({"artefact": "m", "status": 500, "effect": "hang"}, "ServingFault has no effect"),
    ],
)
def test_nonsense_is_refused(order: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidOrder) as refusal:
        read(order)
    assert told in str(refusal.value)


def test_a_file_of_orders(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"training_job": "iris"}, {"state_machine": "m", "state": "s", "hits": 2}]))
    assert read_file(path) == [
        Order(TrainingFault("iris", CAPACITY_ERROR, ""), 0, 1),
        Order(StateFault("m", "s"), 0, 2),
    ]


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is no JSON"), ("{}", "must be a list"), ('["kill"]', "must be a list")]
)
def test_a_file_that_is_no_list_of_orders(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(InvalidOrder, match=told):
        read_file(path)
