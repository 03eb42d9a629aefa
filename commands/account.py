"""The AWS account that the caller's credentials belong to, and how one deployment is called there."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from commands.faults import CommandFailed
from infra.deployment_names import DeploymentNames


@dataclass(frozen=True)
class Account:
    """Clients, and the names of one deployment's parts."""

    session: boto3.Session
    names: DeploymentNames

    @property
    def region(self) -> str:
        """Where everything is."""
        return self.names.region

    def client(self, service: str) -> Any:  # noqa: ANN401 -- boto3 makes its clients' classes at run time
        """A client for one service, with the caller's credentials."""
        return self.session.client(service)

    def outputs(self, concern: str) -> dict[str, str]:
        """The outputs of one stack; empty when it is not there."""
        stack = self.stack(self.names.stack(concern)) or {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def stack(self, name: str) -> dict[str, Any] | None:
        """A stack as CloudFormation describes it."""
        try:
            return dict(self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])
        except ClientError as fault:
            if "does not exist" in str(fault):
                return None
            raise

    def parameter(self, name: str) -> str | None:
        """The value of an SSM parameter."""
        ssm = self.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None


def default_session() -> boto3.Session:
    """The caller's session, in the region of AWS_REGION: the CDK looks there first, and botocore never does."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def find_account(deployment: str, session: boto3.Session | None = None) -> Account:
    """Ask AWS who is calling.

    Raises:
        CommandFailed: no region, no credentials or invalid ones, or nobody listening.
    """
    session = session or default_session()
    region = session.region_name
    if not region:
        raise CommandFailed("No AWS region is set. Set AWS_REGION, or run the lines that `make local` prints.")
    try:
        identity = session.client("sts").get_caller_identity()
    except NoCredentialsError as fault:
        raise CommandFailed(
            "There are no AWS credentials. Set AWS_PROFILE, or log in with `aws sso login` or `aws configure`."
        ) from fault
    except ClientError as fault:
        raise CommandFailed(f"AWS does not take these credentials ({fault}). Log in again.") from fault
    except BotoCoreError as fault:
        raise CommandFailed(f"AWS cannot be reached: {fault}") from fault
    return Account(session, DeploymentNames(deployment, identity["Account"], region))
