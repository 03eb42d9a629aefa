"""Makes the Lambda functions. A function's folder, construct and state carry the same verb."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.deployment import Deployment
from infra.encryption import key_grants
from infra.grants import Grant, role, trace, write_logs
from infra.log_groups import log_group
from infra.names import Names, arn
from infra.network import function_grants
from infra.project import CannotSynthesise, Project


@dataclass(frozen=True)
class FunctionNeeds:
    """What one function needs and may do. `verb` is its folder under `functions/`."""

    verb: str
    purpose: str
    grants: tuple[Grant, ...]
    timeout_seconds: int
    memory_mb: int = 256
    environment: Mapping[str, str] = field(default_factory=dict)
    storage_mb: int = 512
    """Of its own disk, which lasts for one call."""
    reads_tables: bool = False
    """Whether it imports `tables`, which needs more libraries than other functions do."""


class FunctionMaker:
    """Makes functions that share a layer, a runtime and the deployment's settings."""

    def __init__(self, scope: Construct, project: Project, deployment: Deployment) -> None:
        self._scope, self._project, self._deployment = scope, project, deployment
        self._names = Names(deployment.name)
        self._libraries = self._layer("Libraries", "layer", "The functions' third-party packages, pure Python")
        self._tables = self._layer("TableLibraries", "tables", "What reads whole tables, compiled for arm64")

    def make(self, needs: FunctionNeeds) -> lambda_.Function:
        """The function, with its own role and log group.

        Raises:
            CannotSynthesise: no code is staged for it.
        """
        code = self._project.staged_functions / needs.verb
        if not code.is_dir():
            raise CannotSynthesise(f"functions/{needs.verb}/handler.py is missing")
        name, construct = self._names.function(needs.verb), construct_id(needs.verb)
        group_name = f"/aws/lambda/{name}"
        function = lambda_.Function(
            self._scope,
            construct,
            function_name=name,
            description=needs.purpose,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(str(code)),
            handler=f"functions.{needs.verb}.handler.handle",
            layers=[self._libraries, *([self._tables] if needs.reads_tables else [])],
            role=self._role(f"{construct}Role", needs, group_name).without_policy_updates(),
            timeout=Duration.seconds(needs.timeout_seconds),
            memory_size=needs.memory_mb,
            ephemeral_storage_size=Size.mebibytes(needs.storage_mb),
            environment={**_SDK_RETRIES, **needs.environment},
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log_group(self._scope, f"{construct}Logs", group_name, self._deployment),
            # A run that waits a week invokes the version that its definition named, long after the next deployment.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        if (network := self._deployment.network) is not None:
            # The L2 takes a network that it can look up or that was described with its zones; ids are all it needs.
            cast("lambda_.CfnFunction", function.node.default_child).vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(network.subnet_ids), security_group_ids=list(network.security_group_ids)
            )
        return function

    def _layer(self, construct: str, lock: str, purpose: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self._scope,
            construct,
            description=f"{purpose}; from locks/{lock}.txt.",
            code=lambda_.Code.from_asset(str(self._project.staged_layer(lock))),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )

    def _role(self, construct: str, needs: FunctionNeeds, group_name: str) -> iam.Role:
        grants = (
            *needs.grants,
            *key_grants(needs.grants, self._deployment.kms_key_arn),
            *function_grants(self._deployment.network),
            trace(),
            write_logs(arn("logs", f"log-group:{group_name}")),
        )
        return role(self._scope, construct, "lambda.amazonaws.com", needs.purpose, grants)


# The SDK's older way of trying again, still boto3's own choice, takes DynamoDB's RequestLimitExceeded for a mistake.
_SDK_RETRIES = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "5"}


def construct_id(verb: str) -> str:
    """`validate_dataset` → `ValidateDataset`."""
    return "".join(word.title() for word in verb.split("_"))
