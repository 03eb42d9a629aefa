"""Every expected end, reached for real, with a mail that says what happened and production as it was."""

import json
import re
import urllib.request

import pytest

from local.demo.iris import KNOWN_ROWS
from tests.flow.product import Product
from tests.flow.releases import NEW, is_champion, released_before

pytestmark = pytest.mark.long(3)

ROWS = "\n".join(KNOWN_ROWS)
UNTRAINABLE = "[training]\nalgorithm = 'xgboost'\n[training.hyperparameters]\nnum_class = 7\n"


def moved(iris: str) -> str:
    """The dataset with every label moved by one: sound, and a model of it answers otherwise."""
    return "".join(str((int(line[0]) + 1) % 3) + line[1:] + "\n" for line in iris.splitlines())


def noise(iris: str) -> str:
    """The dataset with labels that have nothing to do with the rows."""
    labels = [str(number * 7 % 3) for number in range(150)]
    return "".join(label + line[1:] + "\n" for label, line in zip(labels, iris.splitlines(), strict=True))


def literal_artefact(url: str):
    """A change to an endpoint template: whatever it is told, it serves this artefact."""

    def change(template: str) -> str:
        document = json.loads(template)
        for resource in document["Resources"].values():
            if resource["Type"] == "AWS::SageMaker::Model":
                resource["Properties"]["PrimaryContainer"]["ModelDataUrl"] = url
        return json.dumps(document)

    return change


def foreign_artefact(product: Product, iris: str, model: str) -> str:
    """A sound artefact that answers otherwise: trained on labels that are moved by one."""
    product.model(model)
    run = product.drop(model, moved(iris)).reaches("Request Approval")
    artefact = product.served_artefact(f"{model}-development")
    run.decide("reject", "Trained to be served by mistake.")
    run.ends_in("Release Rejected")
    return artefact


def test_training_failed(product, iris):
    model = "flow-untrained"
    product.model(model, UNTRAINABLE)
    run = product.drop(model, iris)
    ended = run.ends_in("Training Failed")
    assert "num_class" in ended["cause"]
    assert "num_class" in run.outcome_mail().text
    assert not product.has_endpoint(f"{model}-development")


def test_candidate_rejected(product, iris):
    model = "flow-weak"
    product.model(model, "[gate]\nminimum.accuracy = 1.0\n")
    run = product.drop(model, noise(iris))
    ended = run.ends_in("Candidate Rejected")
    assert re.search(r"minimum_accuracy \(0\.\d+, asked for 1\)", ended["cause"])
    told = run.outcome_mail().text
    assert re.search(r"NOT MET: Accuracy is \d+\.\d+ %; at least 100\.0 % is asked for\. \(minimum\.accuracy\)", told)
    assert "met:     There is no champion: this would be a first release. (champion)" in told
    assert not product.has_endpoint(f"{model}-development")
    assert not product.packages(model)


def test_smoke_test_failed(product, iris):
    artefact = foreign_artefact(product, iris, "flow-foreign-smoke")
    model = "flow-smoke"
    product.model(model, development=literal_artefact(artefact))
    run = product.drop(model, iris)
    run.ends_in("Smoke Test Failed")
    assert "production" in run.outcome_mail().text.lower()
    assert not product.has_endpoint(f"{model}-production")


def test_deployment_failed(product, iris):
    model = "flow-undeployed"
    product.model(model, development=literal_artefact("s3://mlops-us-east-1-123456789012/runs/none/model.tar.gz"))
    run = product.drop(model, iris)
    ended = run.ends_in("Deployment Failed")
    assert "mlops-deploy-flow-undeployed-dev" in ended["cause"]
    assert "model.tar.gz" in run.outcome_mail().text
    # The next run finds a creation that failed, removes it and deploys.
    product.model(model)
    product.drop(model, iris, "again.csv").approve()
    assert product.predict(f"{model}-production", ROWS) == list(KNOWN_ROWS.values())


def test_production_restored(product, iris):
    artefact = foreign_artefact(product, iris, "flow-foreign-prd")
    model = "flow-restored"
    first = released_before(product, model, iris)
    product.model(model, production=literal_artefact(artefact))
    second = product.start(model, iris, NEW)
    second.decide("approve")
    second.ends_in("Production Restored")
    is_champion(product, model, first)
    assert product.predict(f"{model}-production", ROWS) == list(KNOWN_ROWS.values())
    assert "champion" in second.outcome_mail().text.lower()


def test_a_first_release_that_is_unhealthy_stays_and_people_are_told(product, iris):
    artefact = foreign_artefact(product, iris, "flow-foreign-first")
    model = "flow-unhealthy"
    product.model(model, production=literal_artefact(artefact))
    run = product.drop(model, iris)
    run.decide("approve")
    run.ends_in("Production Unhealthy")
    assert product.has_endpoint(f"{model}-production")
    assert run.outcome_mail().subject


def test_approval_expires_after_seven_days(product, iris):
    model = "flow-expired"
    settings = product.model(model)
    assert settings.approval.expires_after_seconds == 7 * 86_400
    run = product.drop(model, iris)
    link = run.link()
    product.advance(7 * 86_400 - 600)
    assert run.describe()["status"] == "RUNNING"
    product.advance(700)
    run.ends_in("Approval Expired")
    assert not product.has_endpoint(f"{model}-production")
    assert "nobody decided" in run.outcome_mail().text.lower()
    with_expired_link = urllib.request.Request(link)
    try:
        page = urllib.request.urlopen(with_expired_link).read().decode()
    except urllib.error.HTTPError as fault:
        page = fault.read().decode()
        fault.close()
    assert "<form" not in page


def test_a_denied_training_job_fails_the_run(product, iris):
    model = "flow-denied"
    product.model(model)
    with product.denied(product.role("PromoteModelRole"), "sagemaker:CreateTrainingJob"):
        run = product.drop(model, iris)
        ended = run.ends_in("Training Failed")
    assert "AccessDenied" in ended["cause"] or "not authorized" in ended["cause"]
    assert product.drop(model, iris, "allowed.csv").reaches("Register Candidate")


def test_the_same_event_twice_starts_one_run(product, iris):
    model = "flow-twice"
    product.model(model)
    first = product.drop(model, iris).reaches("Claim Dataset")
    again = product.stepfunctions.start_execution(
        stateMachineArn=product.deployment.promote_model_arn, input=first.describe()["input"]
    )
    second = next(run for run in product.runs() if run.arn == again["executionArn"])
    second.ends_in("Duplicate Ignored")
    first.reaches("Request Approval")
    assert not [mail for mail in product.mails() if second.id in mail.text]


def test_only_datasets_start_runs(product, iris):
    bucket = product.deployment.bucket
    before = {run.arn for run in product.runs()}
    for key in (
        "datasets/flow-approved/",
        "datasets/flow-approved/run.json",
        "datasets/flow-approved/notes.txt",
        "elsewhere/data.csv",
        "datasets/data.csv",
    ):
        product.s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    # Events keep their order here: once the last one's run has begun, the others would have.
    last = product.drop("flow-nobody", iris)
    new = {run.arn for run in product.runs()} - before
    assert new == {last.arn}
