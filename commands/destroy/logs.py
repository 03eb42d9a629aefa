"""Deletes what services log by themselves: groups that a last line made again, and the streams of training jobs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from commands.account import Account
from commands.ownership import is_ours
from commands.stacks import has_our_name

TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
"""Every training job of the account writes here, so the group is nobody's; each of its streams is one job's."""

# How late a last line comes.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class _Past:
    """A stack of ours that is gone: when it was there, and the log groups of what it had."""

    created: datetime
    deleted: datetime
    groups: frozenset[str]


def remove_logs(account: Account, say: Callable[[str], None]) -> None:
    """Groups that were made again after their stack had gone.

    A group of such a name is ours only when it was made while the stack was there, or right after: before and later
    another team may have given the name.
    """
    logs = account.client("logs")
    removed = {
        group
        for past in _past_stacks(account)
        for group in past.groups
        if _made_by(logs, group, past) and _delete(logs, group)
    }
    if removed:
        say(f"Deleted {len(removed)} log groups")


def remove_endpoint_log(account: Account, endpoint: str) -> None:
    """The group of an endpoint that is this deployment's."""
    _delete(account.client("logs"), _endpoint_group(endpoint))


def remove_job_streams(account: Account, job: str) -> None:
    """The streams of a training job that is this deployment's."""
    logs = account.client("logs")
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=TRAINING_LOGS, logStreamNamePrefix=f"{job}/"
    )
    try:
        streams = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    except logs.exceptions.ResourceNotFoundException:
        return
    for stream in streams:
        logs.delete_log_stream(logGroupName=TRAINING_LOGS, logStreamName=stream)


def _past_stacks(account: Account) -> Iterator[_Past]:
    """Those that CloudFormation still knows, for 90 days. Their events tell what they had, however they ended."""
    cloudformation = account.client("cloudformation")
    for page in cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"]):
        for each in page["StackSummaries"]:
            if not has_our_name(account, each["StackName"]):
                continue
            (stack,) = cloudformation.describe_stacks(StackName=each["StackId"])["Stacks"]
            if is_ours(account, stack.get("Tags", [])):
                pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=each["StackId"])
                events = [event for page in pages for event in page["StackEvents"]]
                groups = frozenset(group for event in events if (group := _group(event)))
                yield _Past(stack["CreationTime"], max(event["Timestamp"] for event in events), groups)


def _group(event: dict[str, Any]) -> str:
    """The log group that a stack's event is about; empty for none."""
    kind, physical = event["ResourceType"], event.get("PhysicalResourceId", "")
    if kind == "AWS::SageMaker::Endpoint" and physical:
        return _endpoint_group(physical.rpartition("/")[2])
    return physical if kind == "AWS::Logs::LogGroup" else ""


def _made_by(logs: Any, group: str, past: _Past) -> bool:  # noqa: ANN401 -- a boto3 client
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    made = [each["creationTime"] / 1000 for each in found if each["logGroupName"] == group]
    return any(past.created.timestamp() <= at <= (past.deleted + _GRACE).timestamp() for at in made)


def _delete(logs: Any, group: str) -> bool:  # noqa: ANN401 -- a boto3 client
    try:
        logs.delete_log_group(logGroupName=group)
    except logs.exceptions.ResourceNotFoundException:
        return False
    return True


def _endpoint_group(endpoint: str) -> str:
    return f"/aws/sagemaker/Endpoints/{endpoint}"
