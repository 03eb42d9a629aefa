"""The product where no sender is verified: SNS mails, each person has links of their own, and policies hold."""

from collections.abc import Iterator

import pytest

from commands.deployment import find_deployment
from contracts.settings import load_all_settings
from infra.deployment import Deployment, load_deployment
from infra.project import PROJECT
from local.configuration import Configuration
from local.demo.browser import answer
from local.demo.mail import approval_link
from local.launch import deploy_product, free_port, running_cloud
from tests.flow.product import PATTERN_MODEL, Product, until
from tests.flow.test_account import assembly_of

pytestmark = pytest.mark.xdist_group("cdk")

ANNA, BEN = "anna@example.com", "ben@example.com"


@pytest.fixture(scope="module")
def by_sns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("sns")
    own = load_deployment(PROJECT.deployment_file)
    deployment = Deployment.model_validate({**own.model_dump(exclude_none=True), "sender": "sns"})
    models = load_all_settings(PROJECT.models)
    pattern = models[PATTERN_MODEL]
    approval = pattern.approval.model_copy(update={"approvers": (ANNA, BEN), "required": 2})
    models = {**models, PATTERN_MODEL: pattern.model_copy(update={"approval": approval})}
    with (
        running_cloud(Configuration(port=free_port()), folder / "cloud.log") as cloud,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        deploy_product(cloud, assembly=assembly_of(deployment, folder / "built", models))
        yield Product(cloud, find_deployment(cloud.session()))


def test_two_people_approve_by_links_that_sns_mailed(by_sns, iris):
    run = by_sns.drop(PATTERN_MODEL, iris).reaches("Request Approval")
    release = run.release()

    def links() -> dict[str, str] | None:
        asking = [mail for mail in by_sns.mails() if mail.asks]
        found = {to: approval_link(mail.text) for mail in asking for to in mail.to}
        return found if found.keys() == {ANNA, BEN} and len(asking) == 2 else None

    mailed = until("a mail to each of the two, and to nobody else", links)
    assert mailed[ANNA] != mailed[BEN]
    assert "waits for one more person" in answer(mailed[ANNA], "approve", release, "Yes.")
    assert f"{release} was approved" in answer(mailed[BEN], "approve", release, "Yes.")
    run.ends_in("Model Deployed")
    manifest = by_sns.release(PATTERN_MODEL)["approval"]
    assert (manifest["by"], manifest["before"][0]["approver"]) == (f"link issued to {BEN}", ANNA)
    told = until("the outcome", lambda: [mail for mail in by_sns.mails() if "Model Deployed" in mail.subject])
    assert {mail.to for mail in told} == {(owner,) for owner in load_all_settings(PROJECT.models)[PATTERN_MODEL].owners}
