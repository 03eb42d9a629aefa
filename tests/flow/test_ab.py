"""Two releases side by side: shares of the requests, a third release, and all requests to one of them."""

import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from commands.audit import read_audit
from commands.releases.asking import Asker, shift_traffic
from commands.releases.ledger import read_releases
from commands.releases.listing import releases_table
from tests.flow.product import Product, Run
from tests.flow.releases import NEW, NEWER, lease_comes_free, released_before
from tests.flow.test_next_release import SETTINGS, swap_labels
from tests.flow.test_rollback import go_back
from tests.flow.test_scaled_shape import resource_of

pytestmark = pytest.mark.long(4)

SIDE_BY_SIDE = f"{SETTINGS}[production.strategy]\nkind = 'ab'\nweight = 0.1\n"
REQUESTS = 2_000
# Of all requests to weights, 99 in 100 times: two-sided, of the normal distribution.
_DEVIATIONS = 2.576


def shares(product: Product, model: str) -> dict[str, int]:
    """How many of the requests each variant answered."""
    runtime = product.client("sagemaker-runtime")
    answered = Counter(
        runtime.invoke_endpoint(
            EndpointName=f"{model}-production", ContentType="text/csv", Accept="text/csv", Body=b"4.6,3.1,1.5,0.2"
        )["InvokedProductionVariant"]
        for _ in range(REQUESTS)
    )
    return dict(answered)


def lies_within_chance(answered: int, weight: float) -> bool:
    """Inside the 99 % interval of so many draws."""
    return abs(answered - REQUESTS * weight) <= _DEVIATIONS * math.sqrt(REQUESTS * weight * (1 - weight)) + 0.5


def shift(product: Product, model: str, to: str, days: int) -> Run:
    releases = read_releases(product.deployment, model)
    at = datetime(2031, 3, 5, tzinfo=UTC) + timedelta(days=days)
    _, run = shift_traffic(product.deployment, releases, to, Asker("o@example.com", "The numbers say so.", at))
    shifted = product.run_named(run)
    shifted.ends_in("Traffic Shifted")
    lease_comes_free(product, model)
    return shifted


def serving(product: Product, model: str) -> dict[str, tuple[str, float]]:
    """Release and weight by variant, as the ledger has it."""
    champion = read_releases(product.deployment, model).champion
    return {each.name: (each.release, each.weight) for each in champion.variants}


def weights(product: Product, model: str) -> dict[str, float]:
    """By variant, as the endpoint has it."""
    described = product.sagemaker.describe_endpoint(EndpointName=f"{model}-production")
    return {each["VariantName"]: each["CurrentWeight"] for each in described["ProductionVariants"]}


def artefacts(product: Product, model: str) -> dict[str, str]:
    """What each variant serves."""
    config = product.sagemaker.describe_endpoint(EndpointName=f"{model}-production")["EndpointConfigName"]
    variants = product.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return {
        each["VariantName"]: product.sagemaker.describe_model(ModelName=each["ModelName"])["PrimaryContainer"][
            "ModelDataUrl"
        ]
        for each in variants
    }


def test_releases_share_production_until_one_of_them_has_all_requests(product, iris):
    model = "flow-ab"
    first = released_before(product, model, iris, SIDE_BY_SIDE)
    assert weights(product, model) == {"model-a": 1.0}
    second = product.start(model, swap_labels(iris), NEW)
    assert "10 % of the requests go to the new release" in second.mail().text
    second.approve()
    lease_comes_free(product, model)
    assert serving(product, model) == {"model-a": (f"{model}-1", 0.9), "model-b": (f"{model}-2", 0.1)}
    assert artefacts(product, model) == {"model-a": first.model_data_url(), "model-b": second.model_data_url()}
    answered = shares(product, model)
    assert sum(answered.values()) == REQUESTS
    assert lies_within_chance(answered["model-b"], 0.1), answered
    targets, _ = product.scaling(model)
    assert sorted(targets) == [f"endpoint/{model}-production/variant/{name}" for name in ("model-a", "model-b")]

    promoted = shift(product, model, "newer", 0)
    assert weights(product, model) == {"model-a": 0.0, "model-b": 1.0}
    assert shares(product, model) == {"model-b": REQUESTS}
    assert product.champion(model) == f"{model}-2"
    assert f"{model}-2 has all requests" in promoted.outcome_mail().text
    shift(product, model, "older", 1)
    assert weights(product, model) == {"model-a": 1.0, "model-b": 0.0}
    assert product.champion(model) == f"{model}-1"
    table = releases_table(read_releases(product.deployment, model))
    assert "100 %" in next(line for line in table.splitlines() if line.startswith(f"{model}-1"))
    moved = [entry for entry in read_audit(product.deployment, model) if entry.event == "traffic"]
    assert [(entry.release, entry.who) for entry in moved] == [
        (f"{model}-2", "o@example.com"),
        (f"{model}-1", "o@example.com"),
    ]
    assert all("The numbers say so." in entry.detail for entry in moved)


def two_released(product: Product, model: str, iris: str) -> str:
    released_before(product, model, iris, SIDE_BY_SIDE)
    product.start(model, swap_labels(iris), NEW).approve()
    lease_comes_free(product, model)
    return model


def unscalable(template: str) -> str:
    """A change to a template that fails once the endpoint has been updated."""
    document = json.loads(template)
    policy = resource_of("AWS::ApplicationAutoScaling::ScalingPolicy", document)
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    tracking["PredefinedMetricSpecification"]["PredefinedMetricType"] = "NoSuchMetric"
    return json.dumps(document)


def test_weights_that_were_moved_outlast_a_release_that_fails(product, iris):
    model = two_released(product, "flow-ab-failed", iris)
    shift(product, model, "older", 0)
    served = artefacts(product, model)
    product.model(model, SIDE_BY_SIDE, production=unscalable)
    third = product.start(model, iris, NEWER)
    third.decide("approve")
    third.ends_in("Deployment Failed")
    lease_comes_free(product, model)
    assert weights(product, model) == {"model-a": 1.0, "model-b": 0.0}
    assert artefacts(product, model) == served
    assert serving(product, model) == {"model-a": (f"{model}-1", 1.0), "model-b": (f"{model}-2", 0.0)}
    assert "put back what was there before" in third.outcome_mail().text


def test_a_candidate_is_not_lost_to_a_release_that_is_only_asked_for(product, iris):
    """Its dataset is newer than that of any release, though the question was asked later."""
    model = two_released(product, "flow-ab-asked", iris)
    shift(product, model, "newer", 4)
    candidate = product.start(model, iris, NEWER)
    assert datetime(2031, 3, 9, tzinfo=UTC) > datetime.fromisoformat(NEWER)
    candidate.approve()
    lease_comes_free(product, model)
    assert product.champion(model) == f"{model}-3"
    back = go_back(product, model, "1", at=datetime(2031, 3, 10, tzinfo=UTC))
    back.mail()
    waiting = product.start(model, swap_labels(iris), "2031-03-09T00:00:00Z")
    waiting.reaches("Wait For Release Lease")
    back.decide("reject")
    back.ends_in("Release Rejected")
    waiting.approve()
    lease_comes_free(product, model)
    assert product.champion(model) == waiting.release()


def test_a_third_release_takes_the_place_of_the_oldest(product, iris):
    model = "flow-ab-third"
    released_before(product, model, iris, SIDE_BY_SIDE)
    for dataset, dropped_at in ((swap_labels(iris), NEW), (iris, NEWER)):
        run = product.start(model, dataset, dropped_at)
        run.approve()
        lease_comes_free(product, model)
    assert serving(product, model) == {"model-a": (f"{model}-3", 0.1), "model-b": (f"{model}-2", 0.9)}
    assert artefacts(product, model)["model-a"] == run.model_data_url()
    answered = shares(product, model)
    assert lies_within_chance(answered["model-a"], 0.1), answered
    # All requests to a release that does not serve beside another any more.
    back = go_back(product, model, "1", at=datetime(2031, 3, 9, tzinfo=UTC))
    back.approve()
    lease_comes_free(product, model)
    assert serving(product, model) == {"model-a": (f"{model}-1", 1.0)}
    assert weights(product, model) == {"model-a": 1.0}
    targets, _ = product.scaling(model)
    assert targets == [f"endpoint/{model}-production/variant/model-a"]


def test_traffic_is_not_shifted_where_one_release_serves(product, iris):
    model = "flow-ab-alone"
    released_before(product, model, iris)
    event = product.event(model, iris, NEW)
    event["detail"]["ask"] = {"for": "traffic", "to": f"{model}-1"}
    ended = product.start_from(event).ends_in("Request Refused")
    assert "does not share production" in ended["cause"]
