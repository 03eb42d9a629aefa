"""Every name that more than one stack, or somebody outside the stacks, has to know, for the templates.

Names are built from pseudo parameters, so that one set of templates fits every account and region.
"""

from dataclasses import dataclass

from aws_cdk import Aws, DefaultStackSynthesizer

from infra.deployment_names import DeploymentNames

PROMOTE_MODEL = "promote-model"
DEPLOY_STACK = "deploy-stack"
CLOSE_RUN = "close-run"


@dataclass(frozen=True)
class Names(DeploymentNames):
    """Names and ARNs of one deployment."""

    account: str = Aws.ACCOUNT_ID
    region: str = Aws.REGION

    def function(self, verb: str) -> str:
        """The Lambda function of one verb."""
        return f"{self.deployment}-{verb.replace('_', '-')}"

    def objects(self, pattern: str) -> str:
        """The ARN of objects in the deployment's bucket, such as `runs/*`."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket}/{pattern}"

    def whole_bucket(self) -> str:
        """The ARN of the deployment's bucket itself, for listings."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket}"

    def parameter(self, name: str) -> str:
        """The ARN of an SSM parameter, whose name begins with a slash."""
        return arn("ssm", f"parameter{name}")

    def table(self, name: str) -> str:
        """The ARN of a table."""
        return arn("dynamodb", f"table/{name}")

    def index(self, table: str, name: str) -> str:
        """The ARN of a table's index."""
        return f"{self.table(table)}/index/{name}"

    def endpoint_stacks(self) -> str:
        """The ARN pattern of all endpoint stacks."""
        return arn("cloudformation", f"stack/{self.endpoint_stack_prefix}*")

    def development_stacks(self) -> str:
        """The ARN pattern of the stacks of development endpoints."""
        return arn("cloudformation", f"stack/{self.endpoint_stack_prefix}*-dev/*")

    def repository(self) -> str:
        """The ARN of the image's repository."""
        return arn("ecr", f"repository/{self.image}")


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
