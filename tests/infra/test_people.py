"""Without a verified sender SNS mails people: each hears what is meant for them, and nothing else."""

import pytest

from infra.deployment import Deployment
from infra.project import Project
from tests.infra.template import Template, read_templates
from tests.infra.variant import KEY, LEAST, compose_into, model

ADDRESSES = ["anna@example.com", "ben@example.com", "head@example.com", "ml-team@example.com", "one@example.com"]
MODELS = {
    "iris": model(
        "iris", approval={"approvers": ["Anna@example.com", "ben@example.com"], "escalation": "head@example.com"}
    ),
    "wine": model("wine", approval={"approvers": ["ben@example.com"]}),
}
pytestmark = pytest.mark.xdist_group("cdk")

TOPIC = "arn:aws:sns:us-east-1:123456789012:acme-ml-people"


@pytest.fixture(scope="module", params=[{}, {"kms_key_arn": KEY}], ids=["their key", "own key"])
def by_sns(request: pytest.FixtureRequest, project: Project) -> dict[str, Template]:
    settings = {**LEAST, **request.param, "name": "acme-ml", "sender": "sns"}
    return read_templates(compose_into(project, "people", Deployment.model_validate(settings), MODELS), "acme-ml")


def test_everybody_has_a_subscription_of_their_own(by_sns: dict[str, Template]) -> None:
    subscriptions = [each["Properties"] for each in by_sns["models"].of_type("AWS::SNS::Subscription").values()]
    assert sorted(each["Endpoint"] for each in subscriptions) == ADDRESSES
    for each in subscriptions:
        assert each["Protocol"] == "email"
        assert each["FilterPolicy"] == {"recipient": [each["Endpoint"]]}
    (topic,) = by_sns["models"].of_type("AWS::SNS::Topic").values()
    assert topic["Properties"]["TopicName"] == "acme-ml-people"
    assert "KmsMasterKeyId" in topic["Properties"]


def test_functions_publish_to_that_topic_and_use_ses_no_more(by_sns: dict[str, Template]) -> None:
    workflow = by_sns["workflow"]
    publishing = [each for each in workflow.statements() if "sns:Publish" in each.actions]
    assert {each.role for each in publishing} == {"AnnounceOutcomeRole", "RequestApprovalRole", "TendApprovalsRole"}
    assert {each.resources for each in publishing} == {(TOPIC,)}
    assert not [each for each in workflow.statements() if any(action.startswith("ses:") for action in each.actions)]
    for verb in ("RequestApproval", "TendApprovals", "AnnounceOutcome"):
        variables = workflow.properties("AWS::Lambda::Function", verb)["Environment"]["Variables"]
        assert workflow.text(variables["MAIL_SENDER"]) == TOPIC


def test_the_default_has_no_such_topic(workflow: Template) -> None:
    assert "AWS::SNS::Topic" not in {each["Type"] for each in workflow.all["Resources"].values()}
