"""Deletes what outlives the stacks: the bucket with everything in it, tables, images, parameters, logs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from commands.account import Account
from commands.destroy.releases import is_job_of, job_prefix

Say = Callable[[str], None]
_TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"


def empty_bucket(account: Account, say: Say) -> None:
    """Every version, every delete marker, every upload that was never completed. The bucket itself stays."""
    s3, bucket = account.client("s3"), account.names.bucket
    if not _bucket_exists(s3, bucket):
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
    if _bucket_exists(s3, bucket):
        s3.delete_bucket(Bucket=bucket)


def remove_tables(account: Account, say: Say) -> None:
    """Ledger and approvals."""
    dynamodb = account.client("dynamodb")
    for table in (account.names.ledger_table, account.names.approvals_table):
        try:
            dynamodb.delete_table(TableName=table)
        except dynamodb.exceptions.ResourceNotFoundException:
            continue
        dynamodb.get_waiter("table_not_exists").wait(TableName=table)
        say(f"Deleted table {table}")


def remove_images(account: Account, say: Say) -> None:
    """The repository with all images."""
    ecr = account.client("ecr")
    try:
        ecr.delete_repository(repositoryName=account.names.image, force=True)
    except ecr.exceptions.RepositoryNotFoundException:
        return
    say(f"Deleted the images of {account.names.image}")


def remove_parameters(account: Account, say: Say) -> None:
    """The image's address, and pointers that no stack holds any more."""
    ssm = account.client("ssm")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=account.names.parameters_prefix, Recursive=True)
    names = [each["Name"] for page in pages for each in page["Parameters"]]
    for name in names:
        ssm.delete_parameter(Name=name)
    if names:
        say(f"Deleted {len(names)} parameters")


def remove_logs(account: Account, models: Iterable[str], say: Say) -> None:
    """Groups that services made by themselves, or that were made again by a last line after their stack had gone."""
    logs, deployment = account.client("logs"), account.names.deployment
    prefixes = [
        f"/aws/lambda/{deployment}-",
        f"/aws/codebuild/{account.names.image}",
        *(f"/aws/sagemaker/Endpoints/{model}-{stage}" for model in models for stage in ("development", "production")),
    ]
    groups = [group for prefix in prefixes for group in _groups(logs, prefix)]
    for group in groups:
        logs.delete_log_group(logGroupName=group)
    streams = [stream for model in models for stream in _streams(logs, model)]
    for stream in streams:
        logs.delete_log_stream(logGroupName=_TRAINING_LOGS, logStreamName=stream)
    if streams and not logs.describe_log_streams(logGroupName=_TRAINING_LOGS, limit=1)["logStreams"]:
        # Every training job of the account writes here, and SageMaker makes the group when it is missing.
        logs.delete_log_group(logGroupName=_TRAINING_LOGS)
    if groups or streams:
        say(f"Deleted {len(groups)} log groups and the logs of {len(streams)} training jobs")


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


def _groups(logs: Any, prefix: str) -> Iterator[str]:  # noqa: ANN401 -- a boto3 client
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        yield from (group["logGroupName"] for group in page["logGroups"])


def _streams(logs: Any, model: str) -> Iterator[str]:  # noqa: ANN401 -- a boto3 client
    """The streams of a model's training jobs; each begins with its job's name and a slash."""
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=_TRAINING_LOGS, logStreamNamePrefix=f"{job_prefix(model)}-"
    )
    try:
        for page in pages:
            names = (stream["logStreamName"] for stream in page["logStreams"])
            yield from (name for name in names if is_job_of(model, name.partition("/")[0]))
    except logs.exceptions.ResourceNotFoundException:
        return
