"""The record of a training job and the statuses it goes through. Pure: times are handed in."""

from typing import Any

from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record

KIND = "training-job"

# SageMaker's limit for FailureReason.
_LONGEST_REASON = 1024

_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "Failed": "Training job failed",
}
_PRIMARY = {
    "Stopping": "Stopping",
    "Completed": "Completed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "Failed": "Failed",
}
ENDED = frozenset({"Completed", "Stopped", "Failed"})

# What DescribeTrainingJob gives back as it was asked for.
_ECHOED = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "ExperimentConfig",
    "Environment",
    "RetryStrategy",
)


def new_job(request: Json, arn: str, now: float) -> Record:
    """The record of a job just created: the answer of DescribeTrainingJob."""
    job: Record = {key: request[key] for key in _ECHOED if key in request}
    job |= {
        "TrainingJobArn": arn,
        "CreationTime": now,
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": request.get("EnableManagedSpotTraining", False),
        "SecondaryStatusTransitions": [],
    }
    enter(job, "Starting", now)
    return job


def enter(job: Record, secondary_status: str, now: float) -> None:
    """Move the job to a secondary status, and to the primary one that goes with it."""
    stopping = job.get("TrainingJobStatus") == "Stopping"
    if stopping and secondary_status in ("Downloading", "Training"):
        return  # it was stopped just before it got there
    transitions: list[dict[str, Any]] = job["SecondaryStatusTransitions"]
    if transitions:
        transitions[-1].setdefault("EndTime", now)
    message = _MESSAGES[secondary_status]
    transitions.append({"Status": secondary_status, "StartTime": now, "StatusMessage": message})
    job["SecondaryStatus"] = secondary_status
    # A job that is being stopped stays "Stopping" while its results are uploaded.
    if secondary_status in _PRIMARY or not stopping:
        job["TrainingJobStatus"] = _PRIMARY.get(secondary_status, "InProgress")
    job["LastModifiedTime"] = now
    if secondary_status == "Downloading":
        job["TrainingStartTime"] = now
    if job["TrainingJobStatus"] in ENDED:
        _end(job, now)


def _end(job: Record, now: float) -> None:
    job["SecondaryStatusTransitions"][-1]["EndTime"] = now
    job["TrainingEndTime"] = now
    if "TrainingStartTime" in job:
        seconds = max(0, round(now - job["TrainingStartTime"]))
        job["TrainingTimeInSeconds"] = seconds
        job["BillableTimeInSeconds"] = max(1, seconds) * job["ResourceConfig"]["InstanceCount"]


def fail(job: Record, reason: str, now: float) -> None:
    """The reason is cut at SageMaker's limit."""
    job["FailureReason"] = reason[:_LONGEST_REASON]
    enter(job, "Failed", now)


def restart(job: Record, now: float) -> None:
    """Begin again after the server was stopped while the job ran: as if just created."""
    for key in ("TrainingStartTime", "FinalMetricDataList"):
        job.pop(key, None)
    job["SecondaryStatusTransitions"] = []
    job["TrainingJobStatus"] = "InProgress"
    enter(job, "Starting", now)
