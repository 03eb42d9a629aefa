"""A development endpoint goes when its time is over and nobody releases the model; the next run brings it back."""

import pytest

from tests.flow.product import until
from tests.flow.releases import lease_comes_free

pytestmark = pytest.mark.long(2)

HOUR = 3_600
SETTINGS = f"""
[development]
expires_after_seconds = {2 * HOUR}
"""


def looked_at(product, seconds: float) -> None:
    """Let time pass, and the function look once more after that; its log tells nothing of what it leaves alone."""
    calls = len(calls_of(product))
    product.advance(seconds)
    until("a look at development endpoints", lambda: len(calls_of(product)) > calls)


def calls_of(product) -> list:
    """The ends of the function's calls."""
    logs, group = product.client("logs"), "/aws/lambda/mlops-expire-development"
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern='"REPORT RequestId"')
    return [event for page in pages for event in page["events"]]


def test_an_endpoint_goes_after_its_time_and_comes_again_with_the_next_run(product, iris):
    model = "flow-expiry"
    development, production = f"{model}-development", f"{model}-production"
    product.model(model, SETTINGS)
    first = product.drop(model, iris)
    question = first.mail()
    assert question
    looked_at(product, 3 * HOUR)
    # Somebody is being asked about it: the run holds the model's lease.
    assert product.has_endpoint(development)
    first.approve()
    lease_comes_free(product, model)
    until("the endpoint to be gone", lambda: (product.advance(900), not product.has_endpoint(development))[1])
    assert product.has_endpoint(production)
    assert product.champion(model) == first.release()
    assert product.predict(production, "5.1,3.5,1.4,0.2\n")
    until("the lease to be given back", lambda: product.lease_is_free(model))

    second = product.drop(model, iris + "\n" + iris.splitlines()[-1], "again.csv")
    second.approve()
    lease_comes_free(product, model)
    assert product.served_artefact(development) == second.model_data_url()
    looked_at(product, HOUR)
    assert product.has_endpoint(development)


def test_a_run_waits_for_a_removal_and_takes_over_one_that_died(product, iris):
    model = "flow-removal"
    product.model(model)
    lease = {"pk": f"model#{model}", "sk": "lease", "execution_arn": "removal:died", "phase": "removal", "priority": ""}
    item = {key: {"S": text} for key, text in lease.items()} | {"arrivals": {"N": "0"}}
    product.client("dynamodb").put_item(TableName="mlops-ledger", Item=item)
    run = product.drop(model, iris)
    run.approve()
    states = run.states()
    assert states.count("Wait For Removal") == 13
    assert "Wait For Release Lease" not in states
    lease_comes_free(product, model)
