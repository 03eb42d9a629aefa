"""Whom to ask and what: an endpoint, with questions whose answers may be known."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import botocore

from load.signing import Credentials


@dataclass(frozen=True)
class Question:
    """One request's body, and the answers that are right: any answer with status 200 where none is given.

    Several are right while one release takes the place of another. White space around answers does not count.
    """

    row: str
    expected: str | tuple[str, ...] | None = None
    content_type: str = "text/csv"
    accept: str | None = None

    @property
    def answers(self) -> list[str] | None:
        """Those that are right; None when any is."""
        if self.expected is None:
            return None
        return [self.expected] if isinstance(self.expected, str) else list(self.expected)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of one account and region, asked the same questions over and over."""

    session: boto3.Session = field(repr=False)
    name: str
    questions: tuple[Question, ...]
    url: str
    region: str
    variant: str | None = None

    @classmethod
    def of(
        cls, session: boto3.Session, name: str, questions: Sequence[Question], variant: str | None = None
    ) -> "Endpoint":
        """Where a session would call it: on AWS, or where AWS_ENDPOINT_URL leads to.

        ``variant`` names the one that is to answer. Raises ValueError without questions.
        """
        if not questions:
            raise ValueError("there is nothing to ask")
        client = session.client("sagemaker-runtime")
        return cls(session, name, tuple(questions), client.meta.endpoint_url, client.meta.region_name, variant)

    @property
    def path(self) -> str:
        """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""
        return f"{urlsplit(self.url).path.rstrip('/')}/endpoints/{self.name}/invocations"

    def credentials(self) -> Credentials:
        """The session's as they are now: those of a role are renewed now and then.

        Raises ValueError where there are none.
        """
        found = self.session.get_credentials()
        if found is None:
            raise ValueError("there are no AWS credentials")
        frozen = found.get_frozen_credentials()
        return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)


def certificates() -> str:
    """The authorities that boto3 trusts."""
    return os.environ.get("AWS_CA_BUNDLE") or str(Path(botocore.__file__).parent / "cacert.pem")
