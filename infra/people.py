"""Where mails to people go when no sender is verified: a topic on which everybody hears only what is meant for them."""

from collections.abc import Iterable

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from contracts.settings import ModelSettings
from infra.deployment import Deployment
from infra.encryption import account_key
from infra.names import Names
from mails.mail import RECIPIENT


def people(deployment: Deployment, models: Iterable[ModelSettings]) -> tuple[str, ...]:
    """Everybody whom a mail may be meant for, once, in lower case."""
    named = {*deployment.operators}
    for model in models:
        named |= {*model.owners, *model.approval.approvers, model.approval.escalation or ""}
    return tuple(sorted({person.lower() for person in named if person}))


class PeopleTopic(Construct):
    """The topic; everybody has to confirm a mail once."""

    def __init__(self, scope: Construct, name: str, deployment: Deployment, addresses: Iterable[str]) -> None:
        super().__init__(scope, name)
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=Names(deployment.name).people_topic,
            display_name=f"{deployment.name} releases",
            enforce_ssl=True,
            # Its key admits whoever in the account may publish.
            master_key=account_key(self, deployment) or kms.Alias.from_alias_name(self, "Key", "alias/aws/sns"),
        )
        for address in addresses:
            topic.add_subscription(
                subscriptions.EmailSubscription(
                    address,
                    # Without it everybody would hold everybody's links, and nobody could tell who decided.
                    filter_policy={RECIPIENT: sns.SubscriptionFilter.string_filter(allowlist=[address])},
                )
            )
