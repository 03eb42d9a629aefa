"""A scaled variant changes its instance type: scaling goes off and on again, and comes back when the change fails."""

import json

from commands.history import entered, read_events
from tests.flow.product import Product, Run, until

LARGER = "ml.c5.xlarge"
OLD, NEW, NEWER = (f"2031-02-0{day}T00:00:00Z" for day in (1, 2, 3))


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


def scaling(product: Product, endpoint: str) -> tuple[list[str], list[str]]:
    """The scalable targets and policies of an endpoint."""
    client = product.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    mine = f"endpoint/{endpoint}/"
    return (
        [each["ResourceId"] for each in targets if each["ResourceId"].startswith(mine)],
        [each["PolicyName"] for each in policies if each["ResourceId"].startswith(mine)],
    )


def exactly_one_target_and_policy(product: Product, model: str) -> None:
    targets, policies = scaling(product, f"{model}-production")
    assert targets == [f"endpoint/{model}-production/variant/model-a"]
    assert len(policies) == 1


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
    product.model(model)
    product.start(model, iris, OLD).approve()
    exactly_one_target_and_policy(product, model)
    product.model(model, production=instance_type(LARGER))
    second = product.start(model, iris, NEW)
    second.approve()
    states = production_states(product, second)
    assert states.count("Execute Change Set") == 2
    assert "Take Scaling Off" in states
    assert serves_on(product, model) == LARGER
    exactly_one_target_and_policy(product, model)


def test_a_scaled_variant_that_goes_away_takes_its_scaling_along(product, iris):
    model = "shape-removed"
    product.model(model, production=two_variants)
    product.start(model, iris, OLD).approve()
    targets, policies = scaling(product, f"{model}-production")
    assert len(targets) == len(policies) == 2
    product.model(model)
    second = product.start(model, iris, NEW)
    second.approve()
    assert "Take Scaling Off" in production_states(product, second)
    exactly_one_target_and_policy(product, model)


def test_a_failure_in_the_middle_puts_the_scaling_back(product, iris):
    model = "shape-broken"
    product.model(model)
    first = product.start(model, iris, OLD)
    first.approve()
    product.model(model, production=broken)
    second = product.start(model, iris, NEW)
    second.decide("approve")
    second.ends_in("Deployment Failed")
    assert "Put Scaling Back" in production_states(product, second)
    assert serves_on(product, model) == "ml.c5.large"
    exactly_one_target_and_policy(product, model)
    until("the lease to be free", lambda: product.lease_is_free(model))
    assert product.champion(model) == first.release()


def test_scaling_that_cannot_be_put_back_is_told_and_comes_with_the_next_release(product, iris):
    model = "shape-unscaled"
    product.model(model)
    product.start(model, iris, OLD).approve()
    product.model(model, production=instance_type(LARGER))
    second = product.start(model, iris, NEW)
    with product.denied(product.role("DeploymentRole"), "application-autoscaling:RegisterScalableTarget"):
        second.decide("approve")
        ended = second.ends_in("Deployment Failed")
    assert "RegisterScalableTarget" in ended["cause"]
    assert "scaling could not be put back" in second.outcome_mail().text
    assert scaling(product, f"{model}-production") == ([], [])
    assert serves_on(product, model) == "ml.c5.large"
    product.start(model, iris, NEWER).approve()
    assert serves_on(product, model) == LARGER
    exactly_one_target_and_policy(product, model)


def test_a_run_stopped_while_the_scaling_is_off_leaves_the_champion_scaled(product, iris):
    model = "shape-stopped"
    product.model(model)
    first = product.start(model, iris, OLD)
    first.approve()
    product.model(model, production=instance_type(LARGER))
    second = product.start(model, iris, NEW)
    second.decide("approve")
    second.reaches("Deploy Production")
    until("the scaling to be off", lambda: scaling(product, f"{model}-production")[0] == [], 30)
    product.stepfunctions.stop_execution(executionArn=second.arn)
    until("the lease to be free", lambda: product.lease_is_free(model))
    assert second.ends()["status"] == "ABORTED"
    exactly_one_target_and_policy(product, model)
    assert serves_on(product, model) == "ml.c5.large"
