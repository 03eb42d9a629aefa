"""One run of a training job: its phases in order, and what ends it early."""

import logging
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress

from local.clock import Clock
from local.credentials import Credentials
from local.sagemaker.container_environment import container_environment
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.json_rpc import Json
from local.sagemaker.launcher import Launcher, RunningContainer, Workload
from local.sagemaker.log_stream import LogStream
from local.sagemaker.objects import Objects
from local.sagemaker.training import artefacts, channels
from local.sagemaker.training.faults import JobFault, algorithm_error, client_error
from local.sagemaker.training.layout import TrainingLayout
from local.sagemaker.training.metrics import JobMetrics

log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
_STOPPING_SECONDS = 120


class Abandoned(Exception):
    """The server is shutting down; the job will run again when it is back."""


class TrainingRun:
    """Runs one job on the calling thread; `stop` and `abandon` come from others."""

    def __init__(
        self,
        job: Json,
        layout: TrainingLayout,
        front_door: FrontDoor,
        launcher: Launcher,
        clock: Clock,
        region: str,
        enter: Callable[[str], None],
    ) -> None:
        """``enter`` records that the job has reached a secondary status."""
        self._job = job
        self._layout = layout
        self._front_door = front_door
        self._launcher = launcher
        self._clock = clock
        self._region = region
        self._enter = enter
        self._interrupted = threading.Event()
        self._abandoned = False
        self.metrics = JobMetrics(job["AlgorithmSpecification"].get("MetricDefinitions", []))
        self.model_uri: str | None = None

    def stop(self) -> None:
        """End the container on SageMaker's terms: SIGTERM, and two minutes to save what it has."""
        self._interrupted.set()

    def abandon(self) -> None:
        """End the container at once, because the server ends."""
        self._abandoned = True
        self._interrupted.set()

    def execute(self) -> str:
        """The secondary status the job ends with: Completed, Stopped or MaxRuntimeExceeded.

        Raises JobFault when it fails, and Abandoned.
        """
        shutil.rmtree(self._layout.base_dir, ignore_errors=True)  # of a run that a crash cut short
        credentials = self._assume_role()
        objects = Objects(self._front_door.client("s3", credentials))
        self._enter("Downloading")
        started_at = self._clock.now()
        self._layout.prepare(self._job)
        if not self._download(objects):
            return "Stopped"
        self._enter("Training")
        container = self._launch(credentials)
        ending = self._await_end(container, started_at)
        self._enter("Uploading")
        if ending == "Completed" and container.exit_code:
            with suppress(JobFault):  # why the container failed is the better reason
                artefacts.upload_output(self._job, self._layout, objects)
            raise algorithm_error(self._layout.failure(), container.exit_code)
        artefacts.upload_output(self._job, self._layout, objects)
        if ending == "Completed" or any(self._layout.model.iterdir()):
            self.model_uri = artefacts.upload_model(self._job, self._layout, objects)
        return ending

    def _assume_role(self) -> Credentials:
        try:
            return self._front_door.assume(self._job["RoleArn"], "SageMaker")
        except RoleRefused as refusal:
            raise client_error(str(refusal)) from refusal

    def _download(self, objects: Objects) -> bool:
        """False when the job was stopped meanwhile."""
        for channel in self._job.get("InputDataConfig", ()):
            for _ in channels.download(channel, objects, self._layout.channel(channel["ChannelName"])):
                if self._interrupted.is_set():
                    break
        if self._abandoned:
            raise Abandoned
        return not self._interrupted.is_set()

    def _launch(self, credentials: Credentials) -> RunningContainer:
        name = self._job["TrainingJobName"]
        stream = f"{name}/algo-1-{int(self._clock.now())}"
        logs = LogStream(self._front_door.client("logs", credentials), self._clock, LOG_GROUP, stream)

        def handle_output(lines: list[str]) -> None:
            now = self._clock.now()
            for line in lines:
                self.metrics.observe(line, now)
            logs.write(lines)

        workload = Workload(
            name=name,
            entry_point="train",
            image=self._job["AlgorithmSpecification"]["TrainingImage"],
            base_dir=self._layout.base_dir,
            own_environment=self._job.get("Environment", {}),
            environment=self._environment(credentials),
        )
        try:
            return self._launcher.launch(workload, handle_output)
        except OSError as fault:
            raise JobFault(f"InternalServerError: the container could not be started: {fault}") from fault

    def _environment(self, credentials: Credentials) -> dict[str, str]:
        isolated = self._job["EnableNetworkIsolation"]
        own = {
            "TRAINING_JOB_NAME": self._job["TrainingJobName"],
            "TRAINING_JOB_ARN": self._job["TrainingJobArn"],
        }
        shared = container_environment(self._front_door.url, self._region, None if isolated else credentials)
        return own | shared

    def _await_end(self, container: RunningContainer, started_at: float) -> str:
        """Wait until the container ends or must end; which of the two it was."""
        threading.Thread(target=self._wake_at_exit, args=(container,), daemon=True).start()
        most_seconds = self._job["StoppingCondition"].get("MaxRuntimeInSeconds", 86_400)
        in_time = self._clock.wait(self._interrupted, started_at + most_seconds - self._clock.now())
        if container.exited.is_set():
            return "Completed"
        if self._abandoned:
            container.kill()
            raise Abandoned
        ending = "Stopped" if in_time else "MaxRuntimeExceeded"
        if not in_time:
            self._enter("Stopping")
        container.terminate()
        if not self._clock.wait(container.exited, _STOPPING_SECONDS):
            container.kill()
            container.exited.wait()
        return ending

    def _wake_at_exit(self, container: RunningContainer) -> None:
        container.exited.wait()
        self._interrupted.set()
