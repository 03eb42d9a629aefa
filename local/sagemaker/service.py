"""Puts the three back ends together around one store and one set of running containers."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

from local.clock import Clock
from local.cloudwatch.ports import AlarmPorts
from local.context import Cloud
from local.faults.plan import FaultPlan
from local.gateway.protocol import Backend
from local.sagemaker.autoscaling.service import Autoscaling
from local.sagemaker.endpoint_configs import EndpointConfigs
from local.sagemaker.endpoints.artefacts import ModelArtefacts
from local.sagemaker.endpoints.bookkeeping import Bookkeeping
from local.sagemaker.endpoints.deployments import Deployments
from local.sagemaker.endpoints.endpoints import Endpoints
from local.sagemaker.endpoints.fleets import Fleets
from local.sagemaker.endpoints.guardrails.alarms import RollbackAlarms
from local.sagemaker.endpoints.operations import EndpointOperations
from local.sagemaker.endpoints.serving_containers import ServingContainers
from local.sagemaker.front_door import FrontDoor
from local.sagemaker.json_rpc import JsonService
from local.sagemaker.launcher import Launcher
from local.sagemaker.model_package_groups import ModelPackageGroups
from local.sagemaker.model_packages import ModelPackages
from local.sagemaker.models import Models
from local.sagemaker.resource_names import ResourceNames
from local.sagemaker.runtime.capture import DataCapture
from local.sagemaker.runtime.concurrency import Concurrency
from local.sagemaker.runtime.invocation import InvocationService
from local.sagemaker.runtime.usage import Usage, cloudwatch_publisher
from local.sagemaker.store import Store
from local.sagemaker.tags import Tags, known_to_iam
from local.sagemaker.training.operations import TrainingOperations
from local.sagemaker.training.trainer import Trainer

log = logging.getLogger(__name__)


class SageMaker:
    """SageMaker, its runtime and its autoscaling, running containers under ``launcher``.

    State lies in ``sagemaker.sqlite`` and ``sagemaker/`` under the state folder, or in memory and a temporary folder.
    """

    def __init__(
        self,
        cloud: Cloud,
        front_door: FrontDoor,
        launcher: Launcher,
        first_use: Callable[[], None] = lambda: None,
    ) -> None:
        """``first_use`` is called once, at the first call of SageMaker's API; it returns soon and does not raise."""
        settings, clock = cloud.configuration, cloud.clock
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if settings.state_dir is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="sagemaker-")
        folder = Path(self._temporary.name) if self._temporary else settings.state_dir / "sagemaker"  # type: ignore[operator]
        self._launcher = launcher
        self._store = Store(settings.state_dir / "sagemaker.sqlite" if settings.state_dir else None)
        known_to_iam(self._store)
        names = ResourceNames(settings.region, settings.account)
        self._trainer = Trainer(
            self._store, front_door, launcher, clock, settings.region, folder / "training", cloud.faults
        )
        artefacts = ModelArtefacts(folder / "endpoints", front_door, settings.region)
        containers = ServingContainers(artefacts, front_door, launcher, clock, settings, cloud.faults)
        cloud.pages["containers"] = lambda: {"containers": containers.running()}
        books = Bookkeeping(self._store, clock)
        books.mark_interrupted()
        self._alarms = RollbackAlarms(front_door)
        fleets = Fleets(artefacts, containers)
        self._endpoints = Endpoints(books, fleets, Deployments(books, fleets, self._alarms, clock))
        publish = cloudwatch_publisher(lambda: front_door.client("cloudwatch", None))
        self._usage = Usage(clock, self._endpoints.active_instances, publish)
        self._concurrency = Concurrency(clock, self._endpoints.active_instances, publish)
        self._capture = DataCapture(front_door, clock)
        self.backends = self._build(front_door, names, clock, cloud.faults, cloud.alarms, first_use)

    def _build(
        self,
        front_door: FrontDoor,
        names: ResourceNames,
        clock: Clock,
        faults: FaultPlan,
        alarms: AlarmPorts,
        first_use: Callable[[], None],
    ) -> dict[str, Backend]:
        models = Models(self._store, front_door, names, clock)
        configs = EndpointConfigs(self._store, models, names, clock)
        endpoints = EndpointOperations(self._store, self._endpoints, configs, models, self._alarms, names, clock)
        groups = ModelPackageGroups(self._store, names, clock)
        self._autoscaling = Autoscaling(
            self._store,
            clock,
            names,
            endpoints.update_weights_and_capacities,
            lambda: front_door.client("cloudwatch", None),
            alarms,
        )
        return {
            "sagemaker": JsonService(
                "sagemaker",
                TrainingOperations(self._store, self._trainer, front_door, names, clock).operations()
                | models.operations()
                | configs.operations()
                | endpoints.operations()
                | {"DeleteEndpoint": self._autoscaling.tidying(endpoints.delete)}
                | groups.operations()
                | ModelPackages(self._store, groups, names, clock).operations()
                | Tags(self._store).operations(),
                first_use,
            ),
            "sagemaker-runtime": InvocationService(
                self._endpoints, self._usage, self._concurrency, self._capture, faults, names
            ),
            "application-autoscaling": JsonService(
                "application-autoscaling",
                self._autoscaling.operations(),
            ),
        }

    def start(self) -> None:
        """Take up what was running when the server stopped. The front door must be open."""
        self._endpoints.resume()
        self._trainer.resume()
        self._autoscaling.start()

    def close(self) -> None:
        """Write captures and metrics while the front door is still open, then end every container."""
        steps: tuple[Callable[[], None], ...] = (
            self._capture.close,
            self._usage.close,
            self._concurrency.close,
            self._autoscaling.close,
            self._trainer.close,
            self._endpoints.close,
            self._launcher.close,
            self._store.close,
        )
        for step in steps:
            try:
                step()
            except Exception:
                log.exception("while closing")  # the remaining steps end processes
        if self._temporary is not None:
            self._temporary.cleanup()
