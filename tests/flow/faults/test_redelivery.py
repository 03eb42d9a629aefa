"""Everything that AWS may deliver more than once, delivered more than once: the result of one delivery."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from commands.history import read_events
from contracts.approval import OPEN_INDEX
from tests.flow.faults.results import asked_once, released_once, told_once
from tests.flow.product import Product, Run, until
from tests.flow.releases import NEW, is_champion, lease_comes_free, one_endpoint_each, released_before

TIMES = 3

pytestmark = pytest.mark.full


def at_once(call: Callable[[], Any], times: int = TIMES) -> list[Any]:
    """The results of a call that is made several times side by side."""
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(call())) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == times
    return results


def test_the_same_dataset_event_again_and_again(product, iris):
    model = "again-event"
    product.model(model)
    event = product.event(model, iris, NEW)

    def deliver() -> Run:
        return product.start_from(event)

    runs = at_once(deliver)
    until("all but one to end", lambda: sum(run.describe()["status"] != "RUNNING" for run in runs) == TIMES - 1)
    [working] = [run for run in runs if run.describe()["status"] == "RUNNING"]
    late = deliver()
    working.approve()
    later = deliver()
    for run in (*runs, late, later):
        if run is not working:
            run.ends_in("Duplicate Ignored")
            assert not [mail for mail in product.mails() if run.id in mail.text]
    released_once(product, working)


def payloads(product: Product, run: Run) -> list[tuple[str, dict[str, Any]]]:
    """What each function was called with on behalf of a run: (function, payload), in order."""
    found = []
    for event in read_events(product.stepfunctions, run.arn):
        details = event.get("taskScheduledEventDetails", {})
        if details.get("resourceType") == "lambda":
            parameters = json.loads(details["parameters"])
            found.append((parameters["FunctionName"], parameters["Payload"]))
    return found


def invoke(product: Product, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    client = product.client("lambda")
    return json.loads(client.invoke(FunctionName=function, Payload=json.dumps(payload).encode())["Payload"].read())


def everything(product: Product, model: str, run: Run) -> dict[str, Any]:
    """All that a second invocation could spoil. A token is encrypted anew each time, to another text."""
    approvals = product.client("dynamodb").scan(TableName="mlops-approvals")["Items"]
    mine = [{key: value for key, value in item.items() if key != "token"} for item in approvals if run.id in str(item)]
    return {
        "ledger": product.ledger(model),
        "approvals": sorted(mine, key=str),
        "mails": len([mail for mail in product.mails() if run.id in mail.text]),
        "packages": product.packages(model),
        "jobs": product.sagemaker.list_training_jobs(NameContains=model)["TrainingJobSummaries"],
        "served": product.served_artefact(f"{model}-production"),
    }


def needs_something(product: Product, run: Run) -> bool:
    approvals = product.client("dynamodb").scan(TableName="mlops-approvals")["Items"]
    return any(OPEN_INDEX in item for item in approvals if run.id in str(item))


def test_every_function_is_invoked_again_with_what_it_was_given(product, iris):
    model = "again-functions"
    product.model(model)
    run = product.drop(model, iris)
    run.approve()
    released_once(product, run)
    closed = [Run(product, each["executionArn"]) for each in run.closings()]
    given = [call for execution in (run, *closed) for call in payloads(product, execution)]
    assert {function.split(":")[6] for function, _ in given} == {
        "mlops-freeze-dataset",
        "mlops-validate-dataset",
        "mlops-smoke-test",
        "mlops-request-approval",
        "mlops-verify-production",
        "mlops-announce-outcome",
        "mlops-pass-lease",
    }
    # Whoever was asked hears of the decision a little later, from a function that works by the clock.
    until("the question to need nothing more", lambda: not needs_something(product, run))
    before = everything(product, model, run)
    for function, payload in given:
        at_once(lambda function=function, payload=payload: invoke(product, function, payload))
        assert everything(product, model, run) == before, function
    released_once(product, run)
    print(f"{len(given)} invocations, each made {TIMES} times again")


def test_a_run_is_asked_for_again_while_it_waits(product, iris):
    model = "again-asked"
    product.model(model)
    run = product.drop(model, iris)
    run.mail()
    function, payload = next(call for call in payloads(product, run) if "request-approval" in call[0])
    at_once(lambda: invoke(product, function, payload))
    asked_once(product, run)
    run.approve()
    released_once(product, run)


def test_a_decision_is_made_again_and_again(product, iris):
    model = "again-decided"
    product.model(model)
    run = product.drop(model, iris)
    run.mail()
    decision = {"run": run.id, "release": run.release(), "decision": "approve", "comment": ""}
    answers = at_once(lambda: invoke(product, "mlops-decide-release", decision))
    assert any(answer["decided"] for answer in answers)
    run.ends_in("Model Deployed")
    assert invoke(product, "mlops-decide-release", decision)["run"] == run.id
    released_once(product, run)


def test_the_end_of_a_run_is_told_again_and_again(product, iris):
    model = "again-ended"
    first = released_before(product, model, iris)
    second = product.start(model, iris, NEW)
    second.decide("approve")
    second.reaches("Deploy Production")
    product.stepfunctions.stop_execution(executionArn=second.arn)
    [closing] = until("close-run", second.closings)
    at_once(
        lambda: product.stepfunctions.start_execution(
            stateMachineArn=closing["stateMachineArn"], input=closing["input"]
        )
    )
    until("all to end", lambda: all(each["status"] != "RUNNING" for each in second.closings()))
    ends = [Run(product, each["executionArn"]).states() for each in second.closings()]
    assert len(ends) == TIMES + 1
    assert {states[-1] for states in ends} == {"Run Closed"}
    lease_comes_free(product, model)
    is_champion(product, model, first)
    assert product.packages(model)[2] == "Rejected"
    one_endpoint_each(product, model)
    told_once(second)
    machine = product.deployment.promote_model_arn.replace(":promote-model", ":deploy-stack")
    children = product.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
    restoring = {each["name"] for each in children if "-closed-" in each["name"]}
    short = next(name for name in restoring if restored_by(product, name, second))
    assert [name for name in restoring if name.startswith(short[:12])] == [short]


def restored_by(product: Product, name: str, run: Run) -> bool:
    arn = f"{product.deployment.promote_model_arn.replace(':stateMachine:promote-model', ':execution:deploy-stack')}:{name}"
    return run.arn in product.stepfunctions.describe_execution(executionArn=arn)["input"]
