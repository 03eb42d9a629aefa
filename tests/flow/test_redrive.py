"""Runs that were stopped or timed out go on by a redrive, whatever close-run has done meanwhile."""

import time

import pytest

from commands.redrive import redrive
from local.demo.browser import answer
from local.demo.mail import approval_link
from tests.flow.product import Product, Run, until
from tests.flow.releases import HOLD, NEW, OLD, is_champion, lease_comes_free, released_before
from tests.flow.test_lease import page, waits

pytestmark = pytest.mark.long(3)

DAY = 86_400


def stop(run: Run) -> None:
    run.product.stepfunctions.stop_execution(executionArn=run.arn, cause="by mistake")
    assert run.describe()["status"] == "ABORTED"


def told(run: Run, words: str) -> bool:
    """Whether people were mailed about this end: the last thing before close-run gives the lease on."""
    return any(mail.subject.startswith(words) for mail in run.outcome_mails())


def holds_the_lease(run: Run, model: str) -> bool:
    return run.product.ledger(model).get("lease", {}).get("execution_arn", {}).get("S") == run.arn


def closed(run: Run, model: str, words: str = "Run Stopped") -> None:
    """Wait until close-run has done all it does after an end of the run."""
    until(f"the mail about {words}", lambda: told(run, words))
    until("the lease to go on", lambda: not holds_the_lease(run, model))


def questions(run: Run) -> list[str]:
    """The links of the mails that ask about the run's release, oldest first."""
    release = run.release()
    return [approval_link(mail.text) for mail in run.product.mails() if mail.asks and mail.release == release]


def asks_again(run: Run, before: int) -> str:
    """The new link, once there are more than there were."""
    return until("another question", lambda: links[-1] if len(links := questions(run)) > before else None)


def package_status(run: Run, model: str) -> str:
    return run.product.packages(model)[int(run.release().rsplit("-", 1)[-1])]


def is_released(run: Run, model: str, *, redrives: int = 1) -> None:
    product = run.product
    run.ends_in("Model Deployed")
    assert run.describe()["redriveCount"] == redrives
    is_champion(product, model, run)
    assert package_status(run, model) == "Approved"
    lease_comes_free(product, model)
    assert told(run, "Model Deployed")


def jobs(product: Product, model: str) -> dict[str, str]:
    found = product.sagemaker.list_training_jobs(NameContains=model)["TrainingJobSummaries"]
    return {job["TrainingJobName"]: job["TrainingJobStatus"] for job in found}


def test_stopped_while_it_trains_it_trains_again_under_another_name(product, iris):
    model = "redrive-training"
    product.model(model)
    run = product.start(model, iris, OLD).reaches("Train Model")
    until("the training job", lambda: jobs(product, model))
    stop(run)
    closed(run, model)
    assert redrive(product.deployment, run.id) == "Train Model"
    answer(run.link(), "approve", run.release(), "as tested")
    is_released(run, model)
    statuses = jobs(product, model)
    assert sorted(name[-2:] for name in statuses) == ["-1", "-1"]
    assert "Completed" in statuses.values()
    assert len(statuses) == 2


def test_stopped_while_it_waits_for_approval_it_asks_again(product, iris):
    model = "redrive-approval"
    product.model(model)
    run = product.start(model, iris, OLD)
    first = run.link()
    stop(run)
    closed(run, model)
    assert package_status(run, model) == "Rejected"
    redrive(product.deployment, run.id)
    second = asks_again(run, before=1)
    assert second != first
    # Whoever opens the former mail is asked the same question.
    answer(first, "approve", run.release(), "as tested")
    is_released(run, model)


@pytest.mark.full
@pytest.mark.portioned("moments of a redrive")
@pytest.mark.parametrize("pause_seconds", [0.0, 0.1, 0.3, 0.8])
@pytest.mark.parametrize("state", ["Request Approval", "Deploy Production"])
def test_redriven_at_any_moment_of_close_run_it_is_released(product, iris, state, pause_seconds):
    model = f"redrive-{state.split()[0].lower()}-{pause_seconds * 100:.0f}"
    released_before(product, model, iris)
    run = product.start(model, iris, NEW)
    run.link()
    if state == "Deploy Production":
        run.decide("approve")
        run.reaches(state)
    stop(run)
    time.sleep(pause_seconds)  # the moment is what the test is about
    redrive(product.deployment, run.id)
    run.approve_from_the_terminal()
    print(f"redriven in {state} after {pause_seconds} s:", ", ".join(run.states()[-12:]))
    is_released(run, model)


@pytest.mark.parametrize("champion", [True, False])
def test_stopped_while_it_deploys_to_production_it_deploys_again_with_the_approval_it_has(product, iris, champion):
    model = f"redrive-production-{'next' if champion else 'first'}"
    if champion:
        first = released_before(product, model, iris)
    else:
        product.model(model)
    run = product.start(model, iris, NEW)
    run.decide("approve")
    run.reaches("Deploy Production")
    until("the deployment", lambda: product.ledger(model)["lease"]["phase"]["S"] == "production")
    stop(run)
    closed(run, model)
    asked = len(questions(run))
    if champion:
        is_champion(product, model, first)
    redrive(product.deployment, run.id)
    is_released(run, model)
    assert len(questions(run)) == asked


def test_stopped_while_it_waits_for_the_lease_it_waits_again(product, iris):
    model = "redrive-waiting"
    product.model(model, HOLD)
    holder = product.start(model, iris, OLD).reaches("Request Approval")
    run = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    until("its place in the queue", lambda: waits(product, model))
    stop(run)
    closed(run, model)
    until("its place to be free", lambda: not waits(product, model))
    redrive(product.deployment, run.id)
    until("its place in the queue", lambda: waits(product, model))
    holder.approve()
    answer(asks_again(run, before=0), "approve", run.release(), "as tested")
    is_released(run, model)


def test_a_run_whose_place_a_newer_release_has_taken_ends_superseded(product, iris):
    model = "redrive-late"
    product.model(model)
    run = product.start(model, iris, OLD)
    link = run.link()
    stop(run)
    closed(run, model)
    newer = product.start(model, iris, NEW)
    newer.approve()
    redrive(product.deployment, run.id)
    run.ends_in("Superseded")
    assert product.champion(model) == newer.release()
    assert package_status(run, model) == "Rejected"
    assert "<form" not in page(run, link)
    assert told(run, "Superseded")
    lease_comes_free(product, model)


def test_a_run_that_timed_out_goes_on(product, iris):
    model = "redrive-timed-out"
    settings = HOLD + f'[approval]\napprovers = ["a@example.com"]\nexpires_after_seconds = {300 * DAY}\n'
    product.model(model, settings)
    holder = product.start(model, iris, OLD).reaches("Request Approval")
    run = product.start(model, iris, NEW).reaches("Wait For Release Lease")
    product.advance(300 * DAY + 60)
    holder.ends_in("Approval Expired")
    run.link()
    product.advance(61 * DAY)
    assert run.ends()["status"] == "TIMED_OUT"
    closed(run, model, "Run Timed Out")
    redrive(product.deployment, run.id)
    answer(asks_again(run, before=1), "approve", run.release(), "as tested")
    is_released(run, model)
