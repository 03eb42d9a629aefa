"""No instances: another type, later again, or an end that says so."""

import pytest

from tests.flow.faults.planning import Order
from tests.flow.faults.results import released_once, told_once, training_jobs
from tests.flow.product import Product, Run, until
from tests.flow.releases import lease_comes_free

FIRST, SECOND = "ml.m5.large", "ml.m5.xlarge"
FALL_BACK = f"""
[training]
instance_type = "{FIRST}"
fallback_instance_types = ["{SECOND}"]
hyperparameters = {{n_estimators = 120, max_depth = 10}}
"""
# As SageMaker words it.
LIMIT = "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances."

pytestmark = pytest.mark.full


def over_the_limit(hits: int) -> Order:
    error = {"code": "ResourceLimitExceeded", "status": 400, "message": LIMIT}
    return {"action": "sagemaker:CreateTrainingJob", "effect": "error", "error": error, "hits": hits}


def job_types(product: Product, model: str) -> dict[str, str]:
    """The instance type of each training job with its status."""
    described = [
        product.sagemaker.describe_training_job(TrainingJobName=name) for name in training_jobs(product, model)
    ]
    return {job["ResourceConfig"]["InstanceType"]: job["TrainingJobStatus"] for job in described}


def patiently(product: Product, run: Run) -> None:
    """Let time jump over every pause for want of instances, until the run has ended or asks."""

    def on() -> bool:
        states = run.states()
        if states[-1] == "Wait For Instances":
            product.advance(480)
        return "Request Approval" in states or run.describe()["status"] != "RUNNING"

    until("the end of the pauses", on)


def test_a_limit_of_one_type_leads_to_the_next(product, iris, plan):
    model = "scarce-limit"
    product.model(model, FALL_BACK)
    plan.add(over_the_limit(1))
    run = product.drop(model, iris)
    run.approve()
    assert job_types(product, model) == {SECOND: "Completed"}
    assert "Wait For Instances" not in run.states()
    released_once(product, run)


def test_a_lack_of_capacity_of_one_type_leads_to_the_next(product, iris, plan):
    model = "scarce-capacity"
    product.model(model, FALL_BACK)
    plan.add({"training_job": model, "instance_type": FIRST, "hits": 9})
    run = product.drop(model, iris)
    run.approve()
    assert job_types(product, model) == {FIRST: "Failed", SECOND: "Completed"}
    released_once(product, run, jobs=2)


@pytest.mark.parametrize("scarce", ["limit", "capacity"])
def test_without_another_type_the_run_tries_later(product, iris, plan, scarce):
    model = f"scarce-later-{scarce}"
    product.model(model)
    plan.add(over_the_limit(2) if scarce == "limit" else {"training_job": model, "hits": 2})
    run = product.drop(model, iris)
    patiently(product, run)
    run.approve()
    assert run.states().count("Wait For Instances") == 2
    released_once(product, run, jobs=1 if scarce == "limit" else 3)


@pytest.mark.parametrize("scarce", ["limit", "capacity"])
def test_without_any_instances_for_long_the_run_ends_and_says_why(product, iris, plan, scarce):
    model = f"scarce-for-good-{scarce}"
    product.model(model, FALL_BACK)
    plan.add(over_the_limit(99) if scarce == "limit" else {"training_job": model, "hits": 99})
    run = product.drop(model, iris)
    patiently(product, run)
    ended = run.ends_in("Training Failed")
    assert run.states().count("Wait For Instances") == 4
    assert (LIMIT if scarce == "limit" else "CapacityError") in ended["cause"]
    assert "fallback_instance_types" in run.outcome_mail().text
    told_once(run)
    lease_comes_free(product, model)


def test_a_fault_of_the_algorithm_is_not_taken_for_a_lack_of_instances(product, iris, plan):
    model = "scarce-not"
    product.model(model, FALL_BACK)
    plan.add({"training_job": model, "failure_reason": "AlgorithmError: no sense in these data, exit code: 1"})
    run = product.drop(model, iris)
    assert "AlgorithmError" in run.ends_in("Training Failed")["cause"]
    assert len(training_jobs(product, model)) == 1


def test_an_endpoint_over_the_limit_fails_the_deployment_and_is_told(product, iris, plan):
    model = "scarce-endpoint"
    product.model(model)
    error = {"code": "ResourceLimitExceeded", "status": 400, "message": LIMIT}
    plan.add({"action": "sagemaker:CreateEndpoint", "effect": "error", "error": error, "hits": 9})
    run = product.drop(model, iris)
    ended = run.ends_in("Deployment Failed")
    assert LIMIT in ended["cause"]
    told_once(run)
    assert not product.has_endpoint(f"{model}-development")
