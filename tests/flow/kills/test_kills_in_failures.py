"""`kill -9` of the embedded cloud while a run fails, and while what it has done is undone."""

import hashlib
import json

import pytest

from tests.flow.faults.planning import refusal
from tests.flow.kills.story import Story
from tests.flow.kills.telling import Tale, tell, told_in_turn
from tests.flow.product import Product
from tests.flow.releases import is_champion
from tests.flow.test_failures import UNTRAINABLE, literal_artefact, moved, noise
from tests.flow.test_scaled_shape import broken, serves_on

pytestmark = [pytest.mark.full, pytest.mark.long(25), pytest.mark.timeout(1200)]

WEEK_SECONDS = 7 * 86_400


def refused(story: Story, iris: str) -> None:
    """Runs that end before anything is deployed."""
    story.released = False
    product = story.product
    story.deploys()
    first = story.begins("no data at all", 1)
    story.ends(first, "Dataset Rejected")
    event = json.loads(story.surely(first.describe)["input"])
    again = story.starts(event, "again")
    story.ends(again, "Duplicate Ignored")
    event["detail"]["object"]["key"] = f"datasets/{story.model}/folder/train/data.csv"
    part = story.starts(event, "part")
    story.ends(part, "Part Of A Drop")

    ssm, image = product.client("ssm"), {"Name": "/mlops/image", "Type": "String"}
    value = story.surely(lambda: ssm.get_parameter(Name=image["Name"]))["Parameter"]["Value"]
    story.surely(lambda: ssm.delete_parameters(Names=[image["Name"]]))
    story.ends(story.begins(iris, 2), "Image Missing")
    story.surely(lambda: ssm.put_parameter(**image, Value=value, Overwrite=True))

    role = story.surely(lambda: product.role("PromoteModelRole"))
    story.surely(lambda: product.deny(role, "s3:GetObject"))
    story.ends(story.begins(iris, 3), "Run Failed")
    story.surely(lambda: product.allow(role))

    story.deploys(UNTRAINABLE)
    story.ends(story.begins(iris, 4), "Training Failed")
    story.deploys("[gate]\nminimum.accuracy = 1.0\n[training.hyperparameters]\nn_estimators = 400\n")
    with story.failing({"training_job": story.model, "hits": 99}):
        weak = story.begins(noise(iris), 5)
        story.comes_to("Wait For Instances", weak)
    with story.failing({"action": "sagemaker:CreateTrainingJob", "effect": "lost-reply"}):
        story.ends(weak, "Candidate Rejected")
    assert story.surely(lambda: product.endpoints(story.model)) == []


def unanswered(story: Story, iris: str) -> None:
    """Nobody decides about a release; and one that gives other answers than in its training is asked about nobody."""
    story.released = False
    product = story.product
    story.deploys()
    run = story.begins(moved(iris), 1)
    story.asks(run)

    def expired() -> bool:
        if run.states()[-1] == "Request Approval":
            product.advance(WEEK_SECONDS)
        return run.describe()["status"] != "RUNNING"

    story.goes_on("its end", run, expired, decision="")
    story.ends(run, "Approval Expired")
    artefact = story.surely(run.model_data_url)
    story.deploys(development=literal_artefact(artefact))
    story.ends(story.begins(iris, 2), "Smoke Test Failed")
    endpoints = story.surely(lambda: product.endpoints(story.model))
    assert [each["EndpointName"] for each in endpoints] == [f"{story.model}-development"]


def repaired(story: Story, iris: str) -> None:
    """First creations fail, early and late; the next run removes what is left of each, and the last is released."""
    product = story.product
    nowhere = f"s3://{product.deployment.bucket}/runs/none/model.tar.gz"
    story.deploys(development=literal_artefact(nowhere))
    story.ends(story.begins(iris, 1), "Deployment Failed")
    story.deploys()
    role = story.surely(lambda: product.role("DeploymentRole"))
    story.surely(lambda: product.deny(role, "application-autoscaling:RegisterScalableTarget"))
    story.ends(story.begins(iris, 2), "Deployment Failed")
    assert not story.surely(lambda: product.has_endpoint(f"{story.model}-production"))
    story.surely(lambda: product.allow(role))
    story.ends(story.begins(iris, 3), "Model Deployed")


def rescaled(story: Story, iris: str) -> None:
    """A change of the instance type fails after the scaling was taken off, which is put back."""
    story.deploys()
    first = story.begins(iris, 1)
    story.ends(first, "Model Deployed")
    story.deploys(production=broken)
    story.ends(story.begins(iris, 2), "Deployment Failed")
    assert story.surely(lambda: serves_on(story.product, story.model)) == "ml.c5.large"
    story.surely(lambda: is_champion(story.product, story.model, first))


def taken_back(story: Story, iris: str) -> None:
    """A release cannot be recorded and is taken back; the next can be neither verified nor taken back; one succeeds.

    Deployments of the second run's names have been started before and are over, as after replies that were lost.
    """
    story.deploys()
    first = story.begins(iris, 1)
    story.ends(first, "Model Deployed")
    second = f"{first.arn.rsplit(':', 1)[0]}:{story.model}-2"
    for started in ("development-2-1", "production-2-2", "restore-2-3"):
        story.surely(lambda name=started: deployed_before(story.product, story.model, second, name))
    with story.failing(refusal(action="dynamodb:TransactWriteItems", state="Record Release")):
        story.ends(story.begins(iris, 2), "Production Restored")
    story.surely(lambda: is_champion(story.product, story.model, first))
    verification = refusal(action="sagemaker:DescribeEndpoint", principal="VerifyProduction")
    restoration = refusal(action="states:StartExecution", state="Restore Champion")
    with story.failing(verification, restoration):
        story.ends(story.begins(iris, 3), "Production Unhealthy")
    last = story.begins(iris, 4)
    story.ends(last, "Model Deployed")
    story.surely(lambda: is_champion(story.product, story.model, last))


def deployed_before(product: Product, model: str, run: str, name: str) -> None:
    """A deployment that is named as the run's own will be, and ends at once for want of the lease."""
    lease = {"model": model, "holder": "nobody", "phase": "development"}
    product.stepfunctions.start_execution(
        stateMachineArn=product.deployment.promote_model_arn.replace(":promote-model", ":deploy-stack"),
        name=f"{hashlib.sha256(run.encode()).hexdigest()[:12]}-{name}",
        input=json.dumps({"stack": f"mlops-deploy-{model}-nowhere", "lease": lease}),
    )


DIES_AT: dict[Tale, tuple[str, ...]] = {
    refused: (
        "PromoteModelRole/sagemaker:CreateTrainingJob",
        "promote-model/Dataset Rejected",
        "promote-model/Duplicate Ignored",
        "promote-model/Part Of A Drop",
        "promote-model/Image Missing",
        "promote-model/Run Failed",
        "promote-model/Training Failed",
        "promote-model/Candidate Rejected",
        "promote-model/Look At Training",
        "promote-model/Training Over?",
        "promote-model/Wait For Training",
        "promote-model/Instances Scarce?",
        "promote-model/Wait For Instances",
    ),
    unanswered: ("promote-model/Approval Expired", "promote-model/Smoke Test Failed"),
    repaired: (
        "DeployStackRole/cloudformation:DeleteStack",
        "DeploymentRole/sagemaker:DeleteEndpoint",
        "deploy-stack/Explain Failure",
        "deploy-stack/Scaling Taken Off?",
        "deploy-stack/Deployment Failed",
        "deploy-stack/Delete Failed Creation",
        "deploy-stack/Wait For Repair",
        "promote-model/Development Lease Lost?",
    ),
    rescaled: (
        "deploy-stack/Put Scaling Back",
        "promote-model/How Did Deployment Fail?",
        "promote-model/Deployment Failed",
    ),
    taken_back: (
        "promote-model/Development Started Again?",
        "promote-model/Production Started Again?",
        "promote-model/Restoration Started Again?",
        "promote-model/Look At Record",
        "promote-model/Release Recorded?",
        "promote-model/Champion To Restore?",
        "promote-model/Restore Champion",
        "promote-model/Restoration Lease Lost?",
        "promote-model/Production Restored",
        "promote-model/Production Unhealthy",
    ),
}


@pytest.mark.parametrize("tale", told_in_turn(DIES_AT, first=0))
def test_a_failure_ends_well_whenever_the_cloud_dies(cloud, iris, tale):
    tell(cloud, tale, DIES_AT[tale], iris)
