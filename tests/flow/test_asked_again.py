"""A run that asks a second time: a decision made meanwhile is given to it at once, and who lost the lease asks nobody."""

import json
import urllib.error

import pytest

from commands.history import read_events
from tests.flow.product import Product, Run, until
from tests.flow.rights import Rights

pytestmark = pytest.mark.long(2)

FUNCTION = "mlops-request-approval"


def asked(product: Product, run: Run) -> dict:
    """The question as the state machine put it, task token included."""
    for event in read_events(product.stepfunctions, run.arn):
        details = event.get("taskScheduledEventDetails", {})
        if details and "waitForTaskToken" in details["resource"] and "release" in details["parameters"]:
            return json.loads(details["parameters"])["Payload"]
    raise AssertionError("nothing was asked")


def ask(product: Product, question: dict) -> dict:
    reply = product.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(question).encode())
    return json.loads(reply["Payload"].read())


def decided(product: Product, run: Run) -> bool:
    """The decision is claimed, whether or not the run has heard of it."""
    scanned = product.client("dynamodb").scan(TableName="mlops-approvals")["Items"]
    return any(run.id in str(item) and "decision" in item for item in scanned)


@pytest.mark.parametrize(("decision", "end"), [("approve", "Model Deployed"), ("reject", "Release Rejected")])
def test_a_decision_that_could_not_be_delivered_is_given_to_who_asks_again(product, iris, decision, end):
    model = f"again-{decision}"
    product.model(model)
    run = product.drop(model, iris)
    run.mail()
    with Rights(product).denied("DecideReleaseRole", "states:SendTaskSuccess", "states:SendTaskFailure"):
        try:
            run.decide(decision, "Seen on Friday.\nSaid on Monday.")
        except urllib.error.HTTPError as refused:
            refused.close()
        until("the decision to be claimed", lambda: decided(product, run))
    assert run.describe()["status"] == "RUNNING"
    assert "errorType" not in ask(product, asked(product, run))
    run.ends_in(end)
    # What people type may have lines, which the registry refuses.
    (package,) = product.sagemaker.list_model_packages(ModelPackageGroupName=model)["ModelPackageSummaryList"]
    described = product.sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    assert "Seen on Friday. Said on Monday." in described["ApprovalDescription"]


@pytest.mark.parametrize(("decision", "end"), [("approve", "Model Deployed"), ("reject", "Release Rejected")])
def test_a_decision_that_the_page_could_not_deliver_reaches_the_run_all_the_same(product, iris, decision, end):
    model = f"swept-{decision}"
    product.model(model)
    run = product.drop(model, iris)
    run.mail()
    with Rights(product).denied("DecideReleaseRole", "states:SendTaskSuccess", "states:SendTaskFailure"):
        page = run.decide(decision, "As the page will never say.")
        assert "the run could not be told yet" in " ".join(page.split())
        # Whoever tends to approvals comes every minute of the cloud's time, which is a few seconds.
        run.ends_in(end)


def test_a_run_that_lost_the_lease_asks_nobody(product, iris):
    model = "again-lost"
    product.model(model)
    run = product.drop(model, iris)
    run.mail()
    question = asked(product, run)
    asking = [mail for mail in product.mails() if mail.asks and model in mail.text]
    stranger = {"model": model, "holder": f"{run.arn}-another"}
    answer = ask(product, {**question, "run": f"{run.id}-another", "lease": stranger})
    assert answer["errorType"] == "LeaseLost"
    assert [mail for mail in product.mails() if mail.asks and model in mail.text] == asking
    run.decide("reject")
    run.ends_in("Release Rejected")
