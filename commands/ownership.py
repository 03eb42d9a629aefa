"""Whose something is: everything that a deployment makes carries its tag. A name that fits proves nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from commands.account import Account
from infra.deployment import DEPLOYMENT_TAG

Tags = Iterable[Mapping[str, str]]


def owner(tags: Tags) -> str:
    """The deployment that something belongs to, by its tags as AWS lists them; empty for none of ours."""
    return next((tag["Value"] for tag in tags if tag["Key"] == DEPLOYMENT_TAG), "")


def is_ours(account: Account, tags: Tags) -> bool:
    """Whether the tags are those of something that this deployment has made."""
    return owner(tags) == account.names.deployment


def owns_bucket(account: Account, bucket: str) -> bool:
    """Whether an existing bucket is this deployment's."""
    try:
        return is_ours(account, account.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"])
    except ClientError as fault:
        if fault.response["Error"]["Code"] == "NoSuchTagSet":
            return False
        raise


def owns_table(account: Account, arn: str) -> bool:
    """Whether an existing table is this deployment's."""
    return _listed(account, "dynamodb", "list_tags_of_resource", ResourceArn=arn)


def owns_repository(account: Account, arn: str) -> bool:
    """Whether an existing repository is this deployment's."""
    return is_ours(account, account.client("ecr").list_tags_for_resource(resourceArn=arn)["tags"])


def owns_in_sagemaker(account: Account, arn: str) -> bool:
    """Whether something that SageMaker has is this deployment's."""
    return _listed(account, "sagemaker", "list_tags", ResourceArn=arn)


def left_alone(account: Account, what: str) -> str:
    """What to say of something that has a name of ours and another owner."""
    return f"Left {what} alone: it does not carry the tag {DEPLOYMENT_TAG} = {account.names.deployment}"


def _listed(account: Account, service: str, operation: str, **request: Any) -> bool:  # noqa: ANN401 -- boto3's
    pages = account.client(service).get_paginator(operation).paginate(**request)
    return is_ours(account, (tag for page in pages for tag in page["Tags"]))
