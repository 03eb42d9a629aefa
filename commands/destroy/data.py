"""Deletes what outlives the stacks: the bucket with everything in it, tables, images, parameters."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from commands.account import Account
from commands.ownership import left_alone, owns_bucket, owns_repository, owns_table
from commands.published import pointers

Say = Callable[[str], None]


def empty_bucket(account: Account, say: Say) -> None:
    """Every version, every delete marker, every upload that was never completed. The bucket itself stays."""
    s3, bucket = account.client("s3"), account.names.bucket
    if not _bucket_exists(s3, bucket):
        return
    if not owns_bucket(account, bucket):
        say(left_alone(account, f"bucket {bucket}"))
        return
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for each in page.get(kind, [])
        ]
        if objects:
            _check(s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}))
            deleted += len(objects)
    say(f"Deleted {deleted} versions of objects in {bucket}")


def remove_bucket(account: Account) -> None:
    """The empty bucket, if its stack has kept it."""
    s3, bucket = account.client("s3"), account.names.bucket
    if _bucket_exists(s3, bucket) and owns_bucket(account, bucket):
        s3.delete_bucket(Bucket=bucket)


def remove_tables(account: Account, say: Say) -> None:
    """Ledger, approvals and their audit."""
    dynamodb = account.client("dynamodb")
    for table in (account.names.ledger_table, account.names.approvals_table, account.names.audit_table):
        try:
            arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
        except dynamodb.exceptions.ResourceNotFoundException:
            continue
        if not owns_table(account, arn):
            say(left_alone(account, f"table {table}"))
            continue
        dynamodb.delete_table(TableName=table)
        dynamodb.get_waiter("table_not_exists").wait(TableName=table)
        say(f"Deleted table {table}")


def remove_images(account: Account, say: Say) -> None:
    """The repository with all images."""
    ecr, image = account.client("ecr"), account.names.image
    try:
        (found,) = ecr.describe_repositories(repositoryNames=[image])["repositories"]
    except ecr.exceptions.RepositoryNotFoundException:
        return
    if not owns_repository(account, found["repositoryArn"]):
        say(left_alone(account, f"repository {image}"))
        return
    ecr.delete_repository(repositoryName=image, force=True)
    say(f"Deleted the images of {image}")


def remove_parameters(account: Account, say: Say) -> None:
    """The image's address, which a build has written, and pointers that no stack holds any more."""
    ssm, names = account.client("ssm"), account.names
    ours = [f"{names.models_prefix}{model}" for model in pointers(account)]
    # Overwriting a parameter gives it no tags; but what a build has written leads to our repository.
    image = account.parameter(names.image_parameter) or ""
    if image.partition("@")[0].endswith(f"/{names.image}"):
        ours.append(names.image_parameter)
    for name in ours:
        ssm.delete_parameter(Name=name)
    if ours:
        say(f"Deleted {len(ours)} parameters")


def _bucket_exists(s3: Any, bucket: str) -> bool:  # noqa: ANN401 -- a boto3 client
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as fault:
        if fault.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def _check(reply: dict[str, Any]) -> None:
    if errors := reply.get("Errors"):
        raise ClientError({"Error": {"Code": errors[0]["Code"], "Message": errors[0]["Message"]}}, "DeleteObjects")
