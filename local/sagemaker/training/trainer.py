"""Runs training jobs, each on a thread of its own, and keeps their records true."""

import logging
import shutil
import threading
from pathlib import Path

from local.clock import Clock
from local.faults.plan import FaultPlan
from local.sagemaker.front_door import FrontDoor
from local.sagemaker.launcher import Launcher
from local.sagemaker.store import Record, Store
from local.sagemaker.training import job as jobs
from local.sagemaker.training.faults import JobFault
from local.sagemaker.training.layout import TrainingLayout
from local.sagemaker.training.run import Abandoned, TrainingRun

log = logging.getLogger(__name__)


class Trainer:
    """``folder`` holds the containers' /opt/ml while they run; ``faults`` may end a job before it begins."""

    def __init__(
        self,
        store: Store,
        front_door: FrontDoor,
        launcher: Launcher,
        clock: Clock,
        region: str,
        folder: Path,
        faults: FaultPlan,
    ) -> None:
        self._store = store
        self._front_door = front_door
        self._launcher = launcher
        self._clock = clock
        self._region = region
        self._folder = folder
        self._faults = faults
        self._lock = threading.Lock()
        self._runs: dict[str, tuple[TrainingRun, threading.Thread]] = {}

    def start(self, name: str) -> None:
        """Run the job of that name, whose record is in the store."""
        job = self._store.get(jobs.KIND, name)
        assert job is not None  # inserted by the caller
        layout = TrainingLayout(self._folder / name)
        run = TrainingRun(
            job,
            layout,
            self._front_door,
            self._launcher,
            self._clock,
            self._region,
            enter=lambda status: self._enter(name, status),
        )
        thread = threading.Thread(target=self._run, args=(name, run, layout), name=f"training-{name}", daemon=True)
        with self._lock:
            self._runs[name.lower()] = (run, thread)
        thread.start()

    def stop(self, name: str) -> None:
        """Have a running job stopped; its record says Stopping already."""
        with self._lock:
            run = self._runs.get(name.lower())
        if run:
            run[0].stop()

    def resume(self) -> None:
        """Run again what was running when the server stopped; what was being stopped is stopped now."""
        for job in self._store.all(jobs.KIND):
            name, status = job["TrainingJobName"], job["TrainingJobStatus"]
            if status == "Stopping":
                self._enter(name, "Stopped")
            elif status not in jobs.ENDED:
                self._store.update(jobs.KIND, name, lambda record: jobs.restart(record, self._clock.now()))
                self.start(name)

    def close(self) -> None:
        """Kill the containers; the records stay in progress, so that `resume` runs the jobs again."""
        with self._lock:
            runs = list(self._runs.values())
        for run, _ in runs:
            run.abandon()
        for _, thread in runs:
            thread.join()

    def _run(self, name: str, run: TrainingRun, layout: TrainingLayout) -> None:
        try:
            ending, reason = self._planned(name) or self._outcome(name, run)
            self._store.update(jobs.KIND, name, lambda job: self._finish(job, run, ending, reason))
        except Abandoned:
            return
        finally:
            with self._lock:
                self._runs.pop(name.lower(), None)
            shutil.rmtree(layout.base_dir, ignore_errors=True)

    def _planned(self, name: str) -> tuple[str, str] | None:
        job = self._store.get(jobs.KIND, name)
        assert job is not None  # it was started
        fault = self._faults.of_training(name, job["ResourceConfig"].get("InstanceType", ""))
        return None if fault is None else ("Failed", fault.failure_reason)

    def _outcome(self, name: str, run: TrainingRun) -> tuple[str, str]:
        try:
            return run.execute(), ""
        except JobFault as fault:
            return "Failed", str(fault)
        except Abandoned:
            raise
        except Exception:
            log.exception("training job %s", name)
            return "Failed", "InternalServerError: We encountered an internal error. Please try again."

    def _finish(self, job: Record, run: TrainingRun, ending: str, reason: str) -> None:
        now = self._clock.now()
        if metrics := run.metrics.final():
            job["FinalMetricDataList"] = metrics
        if run.model_uri:
            job["ModelArtifacts"] = {"S3ModelArtifacts": run.model_uri}
        if ending == "Failed":
            jobs.fail(job, reason, now)
        else:
            jobs.enter(job, ending, now)

    def _enter(self, name: str, status: str) -> None:
        self._store.update(jobs.KIND, name, lambda job: jobs.enter(job, status, self._clock.now()))
