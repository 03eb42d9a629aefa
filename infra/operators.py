"""Where alarms and notices go: a topic that mails the operators."""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.deployment import Deployment
from infra.encryption import account_key
from infra.names import Names, arn

# CloudWatch for alarms, EventBridge for ends of runs.
_PUBLISHERS = ("cloudwatch", "events")
_THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}


class OperatorsTopic(Construct):
    """The topic; every operator has to confirm a mail once."""

    def __init__(self, scope: Construct, name: str, deployment: Deployment) -> None:
        super().__init__(scope, name)
        names = Names(deployment.name)
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=names.operators_topic,
            display_name=f"{deployment.name} operators",
            enforce_ssl=True,
            # AWS's own key for SNS admits no alarm, and nobody can change its policy.
            master_key=account_key(self, deployment) or self._key(),
        )
        for service in _PUBLISHERS:
            topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"Publish{service.title()}",
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[arn("sns", names.operators_topic)],
                    conditions=_THIS_ACCOUNT,
                )
            )
        for operator in deployment.operators:
            topic.add_subscription(subscriptions.EmailSubscription(operator))
        self.topic = topic

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Encrypts what alarms and notices say on their way to the operators.",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EncryptMessages",
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com") for service in _PUBLISHERS],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=_THIS_ACCOUNT,
            )
        )
        return key
