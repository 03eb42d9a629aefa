"""A scaled variant changes its instance type: scaling goes off and on again, and comes back when the change fails."""

import json

import pytest

from commands.history import entered, read_events
from tests.flow.product import Product, Run, until
from tests.flow.releases import NEW, NEWER, is_champion, lease_comes_free, one_endpoint_each, released_before

pytestmark = pytest.mark.long(3)

LARGER = "ml.c5.xlarge"


def instance_type(name: str):
    """A change to an endpoint template: instances of another type."""

    def change(template: str) -> str:
        return template.replace("ml.c5.large", name)

    return change


def broken(template: str) -> str:
    """A change to an endpoint template that fails in the middle: larger instances, and a configuration that is none."""
    document = json.loads(instance_type(LARGER)(template))
    resource_of("AWS::SageMaker::Endpoint", document)["EndpointConfigName"] = "there-is-no-such-configuration"
    return json.dumps(document)


def two_variants(template: str) -> str:
    """A change to an endpoint template: a second variant, scaled like the first."""
    document = json.loads(template)
    variants = resource_of("AWS::SageMaker::EndpointConfig", document)["ProductionVariants"]
    variants.append({**variants[0], "VariantName": "model-b"})
    resources = document["Resources"]
    for name in ("ScalableTarget", "ScalingPolicy"):
        text = json.dumps(resources[name]).replace("model-a", "model-b").replace("-invocations", "-invocations-b")
        resources[f"{name}B"] = json.loads(text.replace('"Ref": "ScalableTarget"', '"Ref": "ScalableTargetB"'))
    document["Outputs"]["ScaledShape"]["Value"] += ",model-b=ml.c5.large"
    return json.dumps(document)


def resource_of(kind: str, document: dict) -> dict:
    return next(each["Properties"] for each in document["Resources"].values() if each["Type"] == kind)


def serves_on(product: Product, model: str) -> str:
    config = product.sagemaker.describe_endpoint(EndpointName=f"{model}-production")["EndpointConfigName"]
    described = product.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    return str(described["ProductionVariants"][0]["InstanceType"])


def production_states(product: Product, run: Run) -> list[str]:
    """The states of the run's deployment to production."""
    for event in read_events(product.stepfunctions, run.arn):
        details = event.get("taskScheduledEventDetails", {})
        name = json.loads(details.get("parameters", "{}")).get("Name", "") if details else ""
        if "-production-" in str(name):
            arn = run.arn.replace(":promote-model:", ":deploy-stack:").rsplit(":", 1)[0] + f":{name}"
            return [step.state for step in entered(read_events(product.stepfunctions, arn))]
    raise AssertionError("nothing was deployed to production")


def test_another_instance_type_takes_the_scaling_off_and_puts_it_back(product, iris):
    model = "shape-changed"
    released_before(product, model, iris)
    one_endpoint_each(product, model)
    product.model(model, production=instance_type(LARGER))
    second = product.start(model, iris, NEW)
    second.approve()
    states = production_states(product, second)
    assert states.count("Execute Change Set") == 2
    assert "Take Scaling Off" in states
    assert serves_on(product, model) == LARGER
    one_endpoint_each(product, model)


def test_a_scaled_variant_that_goes_away_takes_its_scaling_along(product, iris):
    model = "shape-removed"
    released_before(product, model, iris, production=two_variants)
    targets, policies = product.scaling(model)
    assert len(targets) == len(policies) == 2
    product.model(model)
    second = product.start(model, iris, NEW)
    second.approve()
    assert "Take Scaling Off" in production_states(product, second)
    one_endpoint_each(product, model)


def test_a_failure_in_the_middle_puts_the_scaling_back(product, iris):
    model = "shape-broken"
    first = released_before(product, model, iris)
    product.model(model, production=broken)
    second = product.start(model, iris, NEW)
    second.decide("approve")
    second.ends_in("Deployment Failed")
    assert "Put Scaling Back" in production_states(product, second)
    assert serves_on(product, model) == "ml.c5.large"
    one_endpoint_each(product, model)
    lease_comes_free(product, model)
    is_champion(product, model, first)


def test_scaling_that_cannot_be_put_back_is_told_and_comes_with_the_next_release(product, iris):
    model = "shape-unscaled"
    released_before(product, model, iris)
    product.model(model, production=instance_type(LARGER))
    second = product.start(model, iris, NEW)
    with product.denied(product.role("DeploymentRole"), "application-autoscaling:RegisterScalableTarget"):
        second.decide("approve")
        ended = second.ends_in("Deployment Failed")
    assert "RegisterScalableTarget" in ended["cause"]
    assert "scaling could not be put back" in second.outcome_mail().text
    assert product.scaling(model) == ([], [])
    assert serves_on(product, model) == "ml.c5.large"
    product.start(model, iris, NEWER).approve()
    assert serves_on(product, model) == LARGER
    one_endpoint_each(product, model)


def test_a_run_stopped_while_the_scaling_is_off_leaves_the_champion_scaled(product, iris):
    model = "shape-stopped"
    released_before(product, model, iris)
    product.model(model, production=instance_type(LARGER))
    second = product.start(model, iris, NEW)
    second.decide("approve")
    second.reaches("Deploy Production")
    until("the scaling to be off", lambda: product.scaling(model)[0] == [], 30)
    product.stepfunctions.stop_execution(executionArn=second.arn)
    lease_comes_free(product, model)
    assert second.ends()["status"] == "ABORTED"
    one_endpoint_each(product, model)
    assert serves_on(product, model) == "ml.c5.large"
