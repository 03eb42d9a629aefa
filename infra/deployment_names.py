"""The names of a deployment's parts, for the stacks that make them, and for commands where no stack is left to ask."""

from dataclasses import dataclass

CONCERNS = ("storage", "image", "workflow", "models", "operations")
"""The stacks, each after those it needs."""
SOURCE_KEY = "image/source.zip"
"""Where the image's source is uploaded to, in the deployment's bucket."""


@dataclass(frozen=True)
class DeploymentNames:
    """What a deployment calls its parts in one account and region."""

    deployment: str
    account: str
    region: str

    @property
    def bucket(self) -> str:
        """Datasets, runs, captured requests, and the image's source."""
        return f"{self.deployment}-{self.region}-{self.account}"

    @property
    def asset_bucket(self) -> str:
        """The CDK's own: it belongs to every CDK app of the account and region."""
        return f"cdk-hnb659fds-assets-{self.account}-{self.region}"

    @property
    def ledger_table(self) -> str:
        """Claims, leases, champions and releases."""
        return f"{self.deployment}-ledger"

    @property
    def approvals_table(self) -> str:
        """Pending and past approvals."""
        return f"{self.deployment}-approvals"

    @property
    def audit_table(self) -> str:
        """What happened about approvals."""
        return f"{self.deployment}-audit"

    @property
    def image(self) -> str:
        """The ECR repository, and pipeline and project that fill it."""
        return f"{self.deployment}-image"

    @property
    def image_parameter(self) -> str:
        """Where runs find the image, pinned by its digest."""
        return f"/{self.deployment}/image"

    @property
    def undelivered_queue(self) -> str:
        """Events that started nothing."""
        return f"{self.deployment}-undelivered-events"

    @property
    def operators_topic(self) -> str:
        """Mails the operators."""
        return f"{self.deployment}-operators"

    @property
    def people_topic(self) -> str:
        """Mails approvers and owners where no sender is verified."""
        return f"{self.deployment}-people"

    @property
    def models_prefix(self) -> str:
        """Where the pointers of all models are, ending in a slash."""
        return f"/{self.deployment}/models/"

    @property
    def endpoint_stack_prefix(self) -> str:
        """How the names of all endpoint stacks begin."""
        return f"{self.deployment}-deploy-"

    def stack(self, concern: str) -> str:
        """The stack of one concern."""
        return f"{self.deployment}-{concern}"

    @property
    def stacks(self) -> tuple[str, ...]:
        """All stacks that `make deploy` makes, each after those it needs."""
        return tuple(self.stack(concern) for concern in CONCERNS)
