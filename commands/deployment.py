"""Finds a deployment's parts in the account that the caller's credentials belong to."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from commands.account import default_session
from commands.faults import CommandFailed
from contracts.settings import InvalidSettings
from infra.deployment import load_deployment
from infra.project import PROJECT, Project


@dataclass(frozen=True)
class Deployment:
    """Names and clients of one deployment."""

    session: boto3.Session
    bucket: str
    promote_model_arn: str
    decide_release_function: str
    audit_table: str
    ledger_table: str

    def client(self, service: str) -> Any:  # noqa: ANN401 -- boto3 makes its clients' classes at run time
        """A client for one service, with the caller's credentials."""
        return self.session.client(service)


def deployment_name(project: Project = PROJECT) -> str:
    """With what the names of all stacks, buckets and tables begin.

    Raises:
        CommandFailed: the deployment's settings are invalid.
    """
    try:
        return load_deployment(project.deployment_file).name
    except InvalidSettings as fault:
        raise CommandFailed(project.told(fault)) from fault


def find_deployment(session: boto3.Session | None = None) -> Deployment:
    """Look the deployment up in the outputs of its stacks.

    Raises:
        CommandFailed: no region, no valid credentials, nobody listening, or nothing deployed.
    """
    session = session or default_session()
    if not session.region_name:
        raise CommandFailed("No AWS region is set. Set AWS_REGION, or run the lines that `make local` prints.")
    name = deployment_name()
    try:
        outputs = _outputs(session, f"{name}-storage") | _outputs(session, f"{name}-workflow")
        return Deployment(
            session=session,
            bucket=outputs["BucketOutput"],
            promote_model_arn=outputs["PromoteModelArn"],
            decide_release_function=outputs["DecideReleaseFunction"],
            audit_table=outputs["AuditTableName"],
            ledger_table=outputs["LedgerTableName"],
        )
    except BotoCoreError as fault:
        here = "localhost" in str(fault) or "127.0.0.1" in str(fault)
        hint = " The settings lead to the embedded cloud: is `make local` running?" if here else ""
        raise CommandFailed(f"AWS cannot be reached: {fault}{hint}") from fault
    except KeyError as fault:
        raise CommandFailed(
            f"The deployed stacks are of another version: output {fault} is missing. Deploy again."
        ) from fault


def _outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    try:
        found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as fault:
        if "does not exist" in str(fault):
            raise CommandFailed(
                f"There is no stack {stack} in {session.region_name}. "
                "Deploy first (make deploy), or set AWS_ENDPOINT_URL as `make local` says."
            ) from fault
        raise CommandFailed(str(fault)) from fault
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
