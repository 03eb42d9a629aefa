"""Deletes what runs have made in SageMaker: model packages with their groups, and training jobs."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from commands.account import Account

# promote-model's Name Job: model, 12 digits of the run, round, job.
_JOB = "{model}-[0-9a-f]{{12}}-[0-9]+-[0-9]+(-[0-9]+)?"
_NAME_LENGTH = 36


def remove_packages(account: Account, models: Iterable[str], say: Callable[[str], None]) -> None:
    """All packages of the models' groups, then the groups: SageMaker keeps a group that is not empty."""
    sagemaker = account.client("sagemaker")
    for model in models:
        if not _has_group(sagemaker, model):
            continue
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=model)
        packages = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
        for package in packages:
            sagemaker.delete_model_package(ModelPackageName=package)
        sagemaker.delete_model_package_group(ModelPackageGroupName=model)
        say(f"Deleted {len(packages)} model packages of {model}")


def remove_jobs(account: Account, models: Iterable[str], say: Callable[[str], None]) -> list[str]:
    """The training jobs of the models' runs; gives back their names, by which their logs are found."""
    sagemaker = account.client("sagemaker")
    jobs = [job for model in models for job in _jobs(sagemaker, model)]
    for name, status in jobs:
        if status in ("InProgress", "Stopping"):
            # Its run was stopped before it; it ends by itself and stays in the list of jobs.
            say(f"{name} is still {status}; run `make destroy` again to have it deleted too")
            continue
        sagemaker.delete_training_job(TrainingJobName=name)
    if jobs:
        say(f"Deleted {len(jobs)} training jobs")
    return [name for name, _ in jobs]


def _has_group(sagemaker: Any, model: str) -> bool:  # noqa: ANN401 -- a boto3 client
    pages = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=model)
    return model in [each["ModelPackageGroupName"] for page in pages for each in page["ModelPackageGroupSummaryList"]]


def _jobs(sagemaker: Any, model: str) -> list[tuple[str, str]]:  # noqa: ANN401 -- a boto3 client
    ours = re.compile(_JOB.format(model=re.escape(model[:_NAME_LENGTH])))
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=model[:_NAME_LENGTH])
    listed = [each for page in pages for each in page["TrainingJobSummaries"]]
    return [
        (each["TrainingJobName"], each["TrainingJobStatus"])
        for each in listed
        if ours.fullmatch(each["TrainingJobName"])
    ]
