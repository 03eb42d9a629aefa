"""How the back ends reach the rest of the cloud: S3, CloudWatch Logs and CloudWatch, as themselves or under a role."""

from typing import Any, Protocol

from botocore.exceptions import ClientError

from local import credentials
from local.credentials import Credentials

_SERVICE_PRINCIPAL = "sagemaker.amazonaws.com"


class RoleRefused(Exception):
    """The role does not exist, or does not trust SageMaker. The message is AWS's."""


class FrontDoor(Protocol):
    """Clients and sessions; a port, so that tests need no whole cloud."""

    def client(self, service: str, credentials: Credentials | None) -> Any:
        """A boto3 client; ``credentials`` None is the service itself, which may do everything."""
        ...

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        """A session of a role that a job or model names. Raises RoleRefused."""
        ...

    @property
    def url(self) -> str:
        """Where containers reach AWS."""
        ...


class CloudFrontDoor:
    """The embedded cloud's front door."""

    def __init__(self, region: str) -> None:
        self._region = region

    def client(self, service: str, credentials_: Credentials | None) -> Any:
        return credentials.client(service, self._region, credentials_)

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        try:
            return credentials.role_credentials(role_arn, _SERVICE_PRINCIPAL, session_name)
        except ClientError as refusal:
            raise RoleRefused(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{_SERVICE_PRINCIPAL}' to assume the role."
            ) from refusal

    @property
    def url(self) -> str:
        return credentials.endpoint()
