"""Back to a release that was made before: without training, by the same machine and approval, to the same bytes."""

from datetime import UTC, datetime

import pytest

from commands.faults import CommandFailed
from commands.releases.asking import Asker, rollback
from commands.releases.ledger import read_releases
from commands.releases.listing import manifest_text, releases_table
from contracts.manifest import Manifest
from tests.flow.product import Product, Run
from tests.flow.releases import NEW, NEWER, is_champion, lease_comes_free, released_before
from tests.flow.test_next_release import SETTINGS, swap_labels

pytestmark = pytest.mark.long(3)

LATER = datetime(2031, 3, 5, tzinfo=UTC)
REASON = "It answers wrongly since noon."


def go_back(product: Product, model: str, to: str = "", requester: str = "", at: datetime = LATER) -> Run:
    found = read_releases(product.deployment, model)
    _, run = rollback(product.deployment, found, to, Asker(requester, REASON, at))
    return product.run_named(run)


def three_releases(product: Product, model: str, iris: str) -> list[Run]:
    runs = [released_before(product, model, iris, SETTINGS)]
    for dataset, dropped_at in ((swap_labels(iris), NEW), (iris, NEWER)):
        runs.append(product.start(model, dataset, dropped_at))
        runs[-1].approve()
        lease_comes_free(product, model)
    return runs


def test_the_first_of_three_releases_serves_again_with_the_very_same_artefact(product, iris):
    model = "flow-back"
    first, _, third = three_releases(product, model, iris)
    artefact = product.sha256(first.model_data_url())
    before = read_releases(product.deployment, model)
    assert before.named("1").artefact_sha256 == artefact
    back = go_back(product, model, "1")
    mail = back.mail()
    assert "is to serve again instead of flow-back-3" in mail.text
    assert REASON in mail.text
    back.approve()
    assert not {"Train Model", "Validate Dataset", "Register Candidate", "Claim Dataset"} & set(back.states())
    assert {"Deploy Development", "Smoke Test", "Request Approval", "Verify Production"} <= set(back.states())
    is_champion(product, model, back)
    served = product.served_artefact(f"{model}-production")
    assert served == first.model_data_url()
    assert product.sha256(served) == artefact
    assert product.packages(model) == {1: "Approved", 2: "Approved", 3: "Approved"}

    found = read_releases(product.deployment, model)
    assert [each.name for each in found.made] == [f"{model}-{number}" for number in (1, 2, 3, 1)]
    champion = found.champion
    assert (champion.name, champion.artefact_sha256, champion.reason) == (f"{model}-1", artefact, REASON)
    assert champion.dataset_version == before.named("1").dataset_version
    assert champion.hyperparameters == before.named("1").hyperparameters
    assert champion.metrics == before.named("1").metrics
    assert champion.run == back.arn
    assert REASON in manifest_text(champion)
    assert releases_table(found).count("100 %") == 1
    with pytest.raises(CommandFailed, match="serves flow-back-1 already"):
        go_back(product, model, "1")
    # Whatever comes next is compared with what serves now.
    lease_comes_free(product, model)
    fourth = product.start(model, iris, "2031-03-06T00:00:00Z")
    fourth.approve()
    assert fourth.release() == f"{model}-4"
    assert third.release() == f"{model}-3"


def test_every_release_has_a_manifest_with_all_that_made_it(product, iris):
    model = "flow-manifest"
    run = released_before(product, model, iris)
    manifest = read_releases(product.deployment, model).champion
    assert isinstance(manifest, Manifest)
    assert manifest.artefact_sha256 == product.sha256(run.model_data_url())
    assert manifest.dataset_version
    assert "@sha256:" in manifest.image
    assert manifest.settings.startswith("s3://")
    assert manifest.template_url.startswith("https://")
    assert manifest.hyperparameters["n_estimators"] == "120"
    assert manifest.metrics["candidate_accuracy"] > 0.85
    assert manifest.approved_by.startswith("link issued to ")
    assert [(each.name, each.release, each.weight) for each in manifest.variants] == [("model-a", f"{model}-1", 1)]


def test_a_roll_back_that_is_rejected_changes_nothing(product, iris):
    model = "flow-back-rejected"
    released_before(product, model, iris, SETTINGS)
    second = product.start(model, swap_labels(iris), NEW)
    second.approve()
    lease_comes_free(product, model)
    back = go_back(product, model)
    back.decide("reject", "The new one is fine.")
    back.ends_in("Release Rejected")
    is_champion(product, model, second)
    # It was a release, and is one still.
    assert product.packages(model) == {1: "Approved", 2: "Approved"}


def test_what_nobody_released_is_refused_and_people_hear_of_it(product, iris):
    model = "flow-back-unknown"
    first = released_before(product, model, iris)
    event = product.event(model, iris, NEW)
    event["detail"]["ask"] = {"for": "rollback", "to": f"{model}-7"}
    run = product.start_from(event)
    ended = run.ends_in("Request Refused")
    assert "has no release named" in ended["cause"]
    assert f"make releases MODEL={model}" in run.outcome_mail().text
    event["detail"]["ask"] = {"for": "nothing", "to": f"{model}-1"}
    assert "neither" in product.start_from(event).ends_in("Request Refused")["cause"]
    is_champion(product, model, first)


def test_an_artefact_that_was_written_over_is_not_served_again(product, iris):
    model = "flow-back-overwritten"
    first = released_before(product, model, iris, SETTINGS)
    second = product.start(model, swap_labels(iris), NEW)
    second.approve()
    lease_comes_free(product, model)
    bucket, _, key = first.model_data_url().removeprefix("s3://").partition("/")
    other = second.model_data_url().removeprefix("s3://")
    product.s3.copy_object(Bucket=bucket, Key=key, CopySource=other)
    back = go_back(product, model)
    assert "is not what was released" in back.ends_in("Smoke Test Failed")["cause"]
    is_champion(product, model, second)
    assert product.packages(model) == {1: "Approved", 2: "Approved"}


def test_a_policy_that_keeps_requesters_from_approving_wants_to_know_who_asks(product, iris):
    model = "flow-back-requester"
    approval = "[approval]\napprovers = ['a@example.com', 'b@example.com']\n"
    released_before(product, model, iris, SETTINGS + approval)
    product.start(model, swap_labels(iris), NEW).approve()
    lease_comes_free(product, model)
    product.model(model, SETTINGS + approval + "requester_may_approve = false\n")
    assert "say who asks" in go_back(product, model).ends_in("Request Refused")["cause"]
    lease_comes_free(product, model)
    back = go_back(product, model, requester="a@example.com")
    back.approve()
    assert [mail.to for mail in product.mails() if mail.asks and mail.release == f"{model}-1"][-1] == ("b@example.com",)
