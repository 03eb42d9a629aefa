"""Deletes what runs have made in SageMaker: model packages with their groups, and training jobs."""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from commands.account import Account
from commands.destroy.logs import remove_job_streams
from commands.destroy.strays import description
from commands.faults import CommandFailed
from commands.ownership import left_alone, owns_in_sagemaker

_GOING_ON = ("InProgress", "Stopping")
# A job has two minutes after it was told to stop, then its artefacts are uploaded.
_ENDING_SECONDS = 900
_POLL_SECONDS = 2.0
# How promote-model's Name Job begins a job's name.
_MODEL_LENGTH = 36


def job_prefix(model: str) -> str:
    """How the names of a model's training jobs begin; those of other models may begin so too."""
    return model[:_MODEL_LENGTH]


def is_job_of(model: str, job: str) -> bool:
    """Whether a run of the model has named the job: the model, 12 digits of the run, round, number, redrive."""
    pattern = f"{re.escape(job_prefix(model))}-[0-9a-f]{{12}}-[0-9]+-[0-9]+(-[0-9]+)?"
    return re.fullmatch(pattern, job) is not None


def remove_packages(account: Account, models: Iterable[str], say: Callable[[str], None]) -> None:
    """All packages of the models' groups, then the groups: SageMaker keeps a group that is not empty."""
    sagemaker = account.client("sagemaker")
    for model in models:
        group = description(sagemaker.describe_model_package_group, ModelPackageGroupName=model)
        if group is None:
            continue
        if not owns_in_sagemaker(account, group["ModelPackageGroupArn"]):
            say(left_alone(account, f"model package group {model}"))
            continue
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=model)
        packages = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
        for package in packages:
            sagemaker.delete_model_package(ModelPackageName=package)
        sagemaker.delete_model_package_group(ModelPackageGroupName=model)
        say(f"Deleted {len(packages)} model packages of {model}")


def remove_jobs(account: Account, models: Iterable[str], say: Callable[[str], None]) -> None:
    """The training jobs of the models' runs, and what they have logged."""
    sagemaker = account.client("sagemaker")
    jobs = [job for model in models for job in _jobs(account, model)]
    for name, status in jobs:
        if status in _GOING_ON:
            say(f"Training job {name} is {status}; waiting for its end")
            _end(sagemaker, name)
        # Before the job: its tag tells whose the streams are.
        remove_job_streams(account, name)
        sagemaker.delete_training_job(TrainingJobName=name)
    if jobs:
        say(f"Deleted {len(jobs)} training jobs")


def _end(sagemaker: Any, job: str) -> None:  # noqa: ANN401 -- a boto3 client
    """Stop a job and wait. Step Functions has asked for that already when its run was stopped."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while (status := sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"]) in _GOING_ON:
        if status == "InProgress":
            sagemaker.stop_training_job(TrainingJobName=job)
        if time.monotonic() > deadline:
            raise CommandFailed(f"Training job {job} is still {status}. Run `make destroy` again later.")
        time.sleep(_POLL_SECONDS)


def _jobs(account: Account, model: str) -> list[tuple[str, str]]:
    pages = account.client("sagemaker").get_paginator("list_training_jobs").paginate(NameContains=job_prefix(model))
    return [
        (each["TrainingJobName"], each["TrainingJobStatus"])
        for page in pages
        for each in page["TrainingJobSummaries"]
        if is_job_of(model, each["TrainingJobName"]) and owns_in_sagemaker(account, each["TrainingJobArn"])
    ]
