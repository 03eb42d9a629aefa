"""Which run goes first when several of a model want to be released, and what becomes of a lease whose holder dies."""

import json

import pytest

from tests.flow.product import Product, Run, until
from tests.flow.releases import HOLD, NEW, NEWER, OLD, OLDER, is_champion, lease_comes_free, policy, released_before

pytestmark = pytest.mark.long(4)


def page(run: Run, link: str) -> str:
    import urllib.request

    return urllib.request.urlopen(link).read().decode()


def test_a_newer_run_withdraws_the_question_of_an_older_one(product, iris):
    model = "lease-newest"
    product.model(model)
    older = product.start(model, iris, OLD).reaches("Request Approval")
    link = older.link()
    newer = product.start(model, iris, NEW)
    ended = older.ends_in("Superseded")
    assert "newer dataset" in ended["cause"].lower()
    assert "newer" in older.outcome_mail().text
    shown = page(older, link)
    assert "withdrawn" in shown
    assert "<form" not in shown
    newer.approve()
    assert "Wait For Release Lease" in newer.states()
    lease_comes_free(product, model)


def test_an_older_run_that_meets_a_newer_one_ends_superseded(product, iris):
    model = "lease-older"
    product.model(model)
    newer = product.start(model, iris, NEW).reaches("Request Approval")
    older = product.start(model, iris, OLD)
    older.ends_in("Superseded")
    assert newer.describe()["status"] == "RUNNING"
    newer.approve()
    lease_comes_free(product, model)


def test_an_older_run_does_not_replace_a_newer_release(product, iris):
    model = "lease-late"
    product.model(model)
    newer = product.start(model, iris, NEW)
    newer.approve()
    late = product.start(model, iris, OLD)
    late.ends_in("Superseded")
    assert product.champion(model) == newer.release()
    lease_comes_free(product, model)


def test_hold_lets_a_question_stand_and_then_asks_about_the_newest_only(product, iris):
    model = "lease-hold"
    product.model(model, HOLD)
    first = product.start(model, iris, OLDER).reaches("Request Approval")
    second = product.start(model, iris, OLD).reaches("Wait For Release Lease")
    third = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    first.approve()
    second.ends_in("Superseded")
    third.approve()
    assert product.champion(model) == third.release()
    lease_comes_free(product, model)


def test_oldest_gives_every_run_its_turn_in_the_order_of_the_drops(product, iris):
    model = "lease-oldest"
    product.model(model, policy("oldest"))
    first = product.start(model, iris, NEW).reaches("Request Approval")
    third = product.start(model, iris, NEWER).reaches("Wait For Release Lease")
    second = product.start(model, iris, OLD).reaches("Wait For Release Lease")
    first.approve()
    second.reaches("Request Approval")
    assert third.states()[-1] == "Wait For Release Lease"
    second.decide("reject", "Skipped.")
    second.ends_in("Release Rejected")
    third.approve()
    lease_comes_free(product, model)


def test_a_stopped_run_gives_its_lease_on_and_people_are_told(product, iris):
    model = "lease-stopped"
    product.model(model, HOLD)
    first = product.start(model, iris, OLD).reaches("Request Approval")
    link = first.link()
    second = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    product.stepfunctions.stop_execution(executionArn=first.arn, cause="by hand")
    assert first.ends()["status"] == "ABORTED"
    second.approve()
    assert "<form" not in page(first, link)
    until("the mail about the stop", first.outcome_mails)
    mail = first.outcome_mail()
    assert "stopped" in mail.subject.lower()
    assert "make rerun" in mail.text
    lease_comes_free(product, model)


def test_a_run_stopped_while_it_deploys_to_production_leaves_the_champion(product, iris):
    model = "lease-production"
    first = released_before(product, model, iris)
    second = product.start(model, iris, NEW)
    second.decide("approve")
    until("the deployment", lambda: product.ledger(model)["lease"]["phase"]["S"] == "production")
    product.stepfunctions.stop_execution(executionArn=second.arn)
    assert second.ends()["status"] == "ABORTED"
    lease_comes_free(product, model)
    is_champion(product, model, first)


def test_a_run_that_reaches_the_machines_limit_gives_its_lease_back(product, iris):
    model = "lease-limit"
    settings = HOLD + f'[approval]\napprovers = ["a@example.com"]\nexpires_after_seconds = {300 * 86_400}\n'
    product.model(model, settings)
    first = product.start(model, iris, OLD).reaches("Request Approval")
    second = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    product.advance(300 * 86_400 + 60)
    first.ends_in("Approval Expired")
    second.reaches("Request Approval")
    product.advance(61 * 86_400)
    assert second.ends()["status"] == "TIMED_OUT"
    lease_comes_free(product, model)
    until("the mail about it", second.outcome_mails)


def waits(product: Product, model: str) -> bool:
    return any(key.startswith("waiting#") for key in product.ledger(model))


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_holder_that_died_unseen_is_taken_over_from(product, iris, forgotten):
    model = f"lease-dead-{'forgotten' if forgotten else 'unseen'}"
    product.model(model)
    dead = product.run_named("0-forgotten").arn
    if not forgotten:
        rejected = product.start(model, "no data at all", OLDER)
        rejected.ends_in("Dataset Rejected")
        # What is put down below must not be found by the closing of its own.
        until("its closing", lambda: "SUCCEEDED" in rejected.closing_statuses())
        dead = rejected.arn
    package = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{model}/1"
    lease = {
        "execution_arn": dead,
        "priority": OLDER,
        "policy": "newest",
        "phase": "production",
        "package_arn": package,
    }
    item = {"pk": {"S": f"model#{model}"}, "sk": {"S": "lease"}, "arrivals": {"N": "0"}}
    product.client("dynamodb").put_item(
        TableName="mlops-ledger", Item={**item, **{name: {"S": text} for name, text in lease.items()}}
    )
    run = product.start(model, iris, NEW)
    # Its limit counts from the moment it waits, not from its entering the state.
    until("its place in the queue", lambda: waits(product, model))
    product.advance(901)
    run.reaches("Close Holder")
    run.approve()
    lease_comes_free(product, model)


def test_a_failed_run_starts_again_from_its_dataset(product, iris, monkeypatch):
    from commands.rerun import rerun

    model = "lease-rerun"
    product.model(model, "[training]\nalgorithm = 'xgboost'\n[training.hyperparameters]\nnum_class = 7\n")
    failed = product.drop(model, iris)
    failed.ends_in("Training Failed")
    product.model(model)
    again = Run(product, f"{failed.arn.rsplit(':', 1)[0]}:{rerun(product.deployment, failed.id)}")
    twice = Run(product, f"{failed.arn.rsplit(':', 1)[0]}:{rerun(product.deployment, failed.id)}")
    twice.ends_in("Duplicate Ignored")
    again.approve()
    assert json.loads(again.describe()["input"])["detail"]["rerun"] == {"of": failed.arn}
