"""Every name that more than one stack, or somebody outside the stacks, has to know.

Names are built from pseudo parameters, so that one set of templates fits every account and region.
"""

from dataclasses import dataclass

from aws_cdk import Aws, DefaultStackSynthesizer

PROMOTE_MODEL = "promote-model"
DEPLOY_STACK = "deploy-stack"
CLOSE_RUN = "close-run"


@dataclass(frozen=True)
class Names:
    """Names and ARNs of one deployment."""

    deployment: str

    @property
    def bucket(self) -> str:
        """Holds datasets, runs and captured requests."""
        return f"{self.deployment}-{Aws.REGION}-{Aws.ACCOUNT_ID}"

    @property
    def ledger_table(self) -> str:
        """Claims, leases, champions and releases."""
        return f"{self.deployment}-ledger"

    @property
    def approvals_table(self) -> str:
        """Pending and past approvals."""
        return f"{self.deployment}-approvals"

    @property
    def models_prefix(self) -> str:
        """Where the pointers of all models are, ending in a slash."""
        return f"/{self.deployment}/models/"

    @property
    def image_parameter(self) -> str:
        """Names the container image by its digest."""
        return f"/{self.deployment}/image"

    @property
    def stack_prefix(self) -> str:
        """How the names of all endpoint stacks begin."""
        return f"{self.deployment}-deploy-"

    @property
    def image_repository(self) -> str:
        """The ECR repository, and everything that fills it."""
        return f"{self.deployment}-image"

    @property
    def undelivered_queue(self) -> str:
        """Events that started nothing."""
        return f"{self.deployment}-undelivered-events"

    @property
    def operators_topic(self) -> str:
        """Mails the operators."""
        return f"{self.deployment}-operators"

    def stack(self, concern: str) -> str:
        """The stack of one concern."""
        return f"{self.deployment}-{concern}"

    def function(self, verb: str) -> str:
        """The Lambda function of one verb."""
        return f"{self.deployment}-{verb.replace('_', '-')}"

    def objects(self, pattern: str) -> str:
        """The ARN of objects in the deployment's bucket, such as `runs/*`."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket}/{pattern}"

    def parameter(self, name: str) -> str:
        """The ARN of an SSM parameter, whose name begins with a slash."""
        return arn("ssm", f"parameter{name}")

    def table(self, name: str) -> str:
        """The ARN of a table."""
        return arn("dynamodb", f"table/{name}")

    def endpoint_stacks(self) -> str:
        """The ARN pattern of all endpoint stacks."""
        return arn("cloudformation", f"stack/{self.stack_prefix}*")

    def repository(self) -> str:
        """The ARN of the image's repository."""
        return arn("ecr", f"repository/{self.image_repository}")


def arn(service: str, resource: str) -> str:
    """An ARN in this account and region."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def machine_log_group(machine: str) -> str:
    """The log group of a state machine. Its prefix keeps log delivery out of the account's log resource policy, whose
    size is limited.
    """
    return f"/aws/vendedlogs/states/{machine}"


def published_json() -> str:
    """The ARN of JSON files (settings and templates) in the CDK's asset bucket."""
    qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return f"arn:{Aws.PARTITION}:s3:::cdk-{qualifier}-assets-{Aws.ACCOUNT_ID}-{Aws.REGION}/*.json"
