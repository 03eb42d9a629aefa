"""Roles are handed over knowingly, and CloudFormation acts with the deployment role: taking a right away shows it."""

import json

import pytest

from tests.flow.product import Product
from tests.flow.releases import NEW, is_champion, released_before
from tests.flow.rights import Rights, decisions

pytestmark = pytest.mark.long(2)


@pytest.fixture
def rights(product: Product) -> Rights:
    return Rights(product)


def another_role(arn: str):
    """A change to an endpoint template: whatever it is told, its containers get this role."""

    def change(template: str) -> str:
        document = json.loads(template)
        for resource in document["Resources"].values():
            if resource["Type"] == "AWS::SageMaker::Model":
                resource["Properties"]["ExecutionRoleArn"] = arn
        return json.dumps(document)

    return change


def role_arn(product: Product, rights: Rights, construct: str) -> str:
    return str(product.client("iam").get_role(RoleName=rights.role(construct))["Role"]["Arn"])


def test_a_run_that_may_not_pass_the_training_role_trains_nothing(product, rights, iris):
    model = "pass-training"
    product.model(model)
    with rights.without("PromoteModelRole", "PassTrainingRole"):
        ended = product.drop(model, iris).ends_in("Training Failed")
    assert "iam:PassRole" in ended["cause"]
    assert role_arn(product, rights, "TrainingRole") in ended["cause"]


def test_a_deployment_that_may_not_pass_the_deployment_role_changes_nothing(product, rights, iris):
    model = "pass-deployment"
    product.model(model)
    with rights.without("DeployStackRole", "PassDeploymentRole"):
        ended = product.drop(model, iris).ends_in("Deployment Failed")
    assert "iam:PassRole" in ended["cause"]
    assert role_arn(product, rights, "DeploymentRole") in ended["cause"]
    assert not product.has_endpoint(f"{model}-development")


def test_a_deployment_role_that_may_not_pass_the_endpoint_role_builds_no_endpoint(product, rights, iris):
    model = "pass-endpoint"
    product.model(model)
    with rights.without("DeploymentRole", "PassEndpointRole"):
        ended = product.drop(model, iris).ends_in("Deployment Failed")
    assert "iam:PassRole" in ended["cause"]
    assert role_arn(product, rights, "EndpointRole") in ended["cause"]


def test_a_template_that_passes_another_role_is_refused(product, rights, iris):
    model = "pass-another"
    training = role_arn(product, rights, "TrainingRole")
    product.model(model, development=another_role(training))
    ended = product.drop(model, iris).ends_in("Deployment Failed")
    assert "iam:PassRole" in ended["cause"]
    assert training in ended["cause"]
    assert not product.has_endpoint(f"{model}-development")


@pytest.mark.parametrize(
    ("construct", "sid", "end"),
    [
        ("PromoteModelRole", "PassTrainingRole", "Training Failed"),
        ("DeployStackRole", "PassDeploymentRole", "Deployment Failed"),
        ("DeploymentRole", "PassEndpointRole", "Deployment Failed"),
    ],
)
def test_a_role_is_passed_to_the_one_service_that_its_statement_names(product, rights, iris, construct, sid, end):
    model = f"passed-to-{sid.lower()}"
    product.model(model)
    elsewhere = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    with rights.with_condition(construct, sid, elsewhere):
        ended = product.drop(model, iris).ends_in(end)
    assert "iam:PassRole" in ended["cause"]


def test_a_denied_action_of_the_deployment_role_fails_the_stack_by_name(product, rights, iris):
    model = "role-denied"
    product.model(model)
    with rights.denied("DeploymentRole", "sagemaker:CreateEndpointConfig"):
        run = product.drop(model, iris)
        ended = run.ends_in("Deployment Failed")
    assert "sagemaker:CreateEndpointConfig" in ended["cause"]
    assert rights.role("DeploymentRole") in ended["cause"]
    assert "sagemaker:CreateEndpointConfig" in run.outcome_mail().text


def test_only_the_deployment_role_builds_serves_and_scales_endpoints(product, rights, iris):
    model = "role-builds"
    product.model(model)
    run = product.drop(model, iris)
    run.approve()
    built = [
        each
        for each in decisions(product)
        if each["action"].startswith("application-autoscaling:")
        or each["action"].partition(":")[2]
        in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")
    ]
    mine = [each for each in built if model in each["resource"]]
    assert {each["action"] for each in mine} >= {"sagemaker:CreateModel", "sagemaker:CreateEndpoint"}
    assert {each["role"] for each in mine} == {rights.role("DeploymentRole")}
    scaled = [each for each in built if each["action"] == "application-autoscaling:RegisterScalableTarget"]
    assert {each["role"] for each in scaled} == {rights.role("DeploymentRole")}


def test_a_release_that_cannot_be_recorded_is_looked_up_and_taken_back(product, rights, iris):
    model = "unrecorded"
    first = released_before(product, model, iris)
    second = product.start(model, iris, NEW).reaches("Request Approval")
    with rights.denied("PromoteModelRole", "dynamodb:PutItem"):
        second.decide("approve")
        ended = second.ends_in("Production Restored")
    assert "Look At Record" in second.states()
    assert "dynamodb:PutItem" in ended["cause"]
    is_champion(product, model, first)
