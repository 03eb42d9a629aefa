"""CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob, DeleteTrainingJob."""

from local.clock import Clock
from local.sagemaker.faults import ServiceFault, invalid, not_in_embedded_cloud
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.objects import Objects, S3Uri
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags
from local.sagemaker.training import job as jobs
from local.sagemaker.training.channels import NoObjects, check_not_empty
from local.sagemaker.training.metrics import InvalidMetricDefinition, JobMetrics
from local.sagemaker.training.trainer import Trainer

_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)
_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "TrainingJobName", "Status": "TrainingJobStatus"}

# Members that change what a job does, and that nothing here obeys.
_NOT_OBEYED = ("CheckpointConfig", "ServerlessJobConfig", "ModelPackageConfig", "SessionChainingConfig")


class TrainingOperations:
    """Checks and records what is asked for; the `Trainer` then does it."""

    def __init__(
        self, store: Store, trainer: Trainer, front_door: FrontDoor, names: ResourceNames, clock: Clock
    ) -> None:
        self._store = store
        self._trainer = trainer
        self._front_door = front_door
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": self.describe,
            "ListTrainingJobs": self.list,
            "StopTrainingJob": self.stop,
            "DeleteTrainingJob": self.delete,
        }

    def create(self, request: Json) -> Json:
        """InProgress at once; role and data are looked at before."""
        _check(request)
        name = request["TrainingJobName"]
        arn = self._names.training_job(name)
        self._check_data(request)
        with self._store.transaction():
            if not self._store.insert(jobs.KIND, name, jobs.new_job(request, arn, self._clock.now())):
                raise ServiceFault(
                    "ResourceInUse",
                    "Training job names must be unique within an AWS account and region, and a training job with this "
                    f"name already exists ({arn})",
                )
            set_tags(self._store, arn, request.get("Tags"))
        self._trainer.start(name)
        return {"TrainingJobArn": arn}

    def describe(self, request: Json) -> Json:
        """How far it has come."""
        return self._existing(request["TrainingJobName"])

    def list(self, request: Json) -> Json:
        """Newest first."""
        found = matching(self._store.all(jobs.KIND), request, "TrainingJobName", "TrainingJobStatus")
        return page(found, request, _SORT_KEYS, lambda job: picked(job, _SUMMARY), "TrainingJobSummaries")

    def stop(self, request: Json) -> Json:
        """Stopping; refused when it has ended."""
        name = request["TrainingJobName"]
        with self._store.transaction():
            status = self._existing(name)["TrainingJobStatus"]
            if status in jobs.ENDED:
                raise invalid(f"The request was rejected because the training job is in status {status}.")
            if status != "Stopping":
                self._store.update(jobs.KIND, name, lambda job: jobs.enter(job, "Stopping", self._clock.now()))
        self._trainer.stop(name)
        return {}

    def delete(self, request: Json) -> Json:
        """The record of a job that has ended; its artefacts stay."""
        name = request["TrainingJobName"]
        with self._store.transaction():
            job = self._existing(name)
            if job["TrainingJobStatus"] not in jobs.ENDED:
                raise invalid(f"The training job {name} is in status {job['TrainingJobStatus']} and cannot be deleted.")
            self._store.delete(jobs.KIND, name)
            self._store.untag(job["TrainingJobArn"])
        return {}

    def _existing(self, name: str) -> Record:
        job = self._store.get(jobs.KIND, name)
        if job is None:
            raise invalid("Requested resource not found.")
        return job

    def _check_data(self, request: Json) -> None:
        try:
            credentials = self._front_door.assume(request["RoleArn"], "SageMaker")
            objects = Objects(self._front_door.client("s3", credentials))
            check_not_empty(request.get("InputDataConfig", ()), objects, request["RoleArn"], self._names.region)
        except (RoleRefused, NoObjects) as refusal:
            raise invalid(str(refusal)) from refusal


def _check(request: Json) -> None:
    """The rules that the service model does not state. Raises ServiceFault."""
    for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if member not in request:
            raise invalid(f"{member} is required.")
    for member in _NOT_OBEYED:
        if member in request:
            raise not_in_embedded_cloud(f"{member} for training jobs")
    algorithm = request["AlgorithmSpecification"]
    if "TrainingImage" not in algorithm:
        raise not_in_embedded_cloud("training without AlgorithmSpecification.TrainingImage")
    if "ContainerEntrypoint" in algorithm or "ContainerArguments" in algorithm:
        raise not_in_embedded_cloud("ContainerEntrypoint and ContainerArguments: the image's own entry point runs")
    resources = request["ResourceConfig"]
    if resources.get("InstanceCount") != 1 or "InstanceType" not in resources:
        raise not_in_embedded_cloud("training on other than one instance (ResourceConfig.InstanceCount)")
    if request["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        raise not_in_embedded_cloud("OutputDataConfig.CompressionType other than GZIP")
    _check_channels(request)
    _check_uri("OutputDataConfig.S3OutputPath", request["OutputDataConfig"]["S3OutputPath"])
    try:
        JobMetrics(algorithm.get("MetricDefinitions", []))
    except InvalidMetricDefinition as fault:
        raise invalid(str(fault)) from fault


def _check_channels(request: Json) -> None:
    channels = request.get("InputDataConfig", [])
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) != len(names):
        raise invalid(f"Channel names must be unique, but are {names}.")
    mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    for channel in channels:
        if channel.get("InputMode", mode) == "Pipe":
            raise not_in_embedded_cloud("input mode Pipe: use File or FastFile")
        source = channel["DataSource"].get("S3DataSource")
        if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise not_in_embedded_cloud("input data other than S3Prefix and ManifestFile")
        _check_uri(f"S3Uri of channel {channel['ChannelName']}", source["S3Uri"])


def _check_uri(what: str, uri: str) -> None:
    try:
        S3Uri.parse(uri)
    except ValueError as fault:
        raise invalid(f"{what}: {fault}") from fault
