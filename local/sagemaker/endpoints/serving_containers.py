"""Makes the instances of a fleet: each a container with the model, a role, a port and a log stream."""

import secrets

from local.clock import Clock
from local.configuration import Configuration
from local.faults.plan import FaultPlan
from local.sagemaker.container_environment import container_environment
from local.sagemaker.endpoints.artefacts import ModelArtefacts
from local.sagemaker.endpoints.faults import FleetFault
from local.sagemaker.endpoints.instance import Instance
from local.sagemaker.endpoints.ports import Ports
from local.sagemaker.endpoints.specification import VariantSpecification
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.launcher import Launcher, RunningContainer, Workload
from local.sagemaker.log_stream import LogStream

LOG_GROUP = "/aws/sagemaker/Endpoints/{endpoint}"


class ServingContainers:
    """Knows what every serving container needs."""

    def __init__(
        self,
        artefacts: ModelArtefacts,
        front_door: FrontDoor,
        launcher: Launcher,
        clock: Clock,
        settings: Configuration,
        faults: FaultPlan,
    ) -> None:
        self._artefacts = artefacts
        self._front_door = front_door
        self._launcher = launcher
        self._clock = clock
        self._faults = faults
        self._region = settings.region
        self._start_seconds = settings.instance_start_seconds
        self._ports = Ports()
        self._running: list[tuple[dict[str, str | int], RunningContainer]] = []

    def instance(self, endpoint: str, fleet_id: str, variant: VariantSpecification) -> Instance:
        """A new instance, not yet started; the variant's artefact has been fetched."""
        instance_id = f"i-{secrets.token_hex(8)}"
        base_dir = self._artefacts.instance_folder(fleet_id, variant.name, instance_id)

        def launch(port: int) -> RunningContainer:
            try:
                credentials = self._front_door.assume(variant.role_arn, "SageMaker")
            except RoleRefused as refusal:
                raise FleetFault(str(refusal)) from refusal
            group, stream = LOG_GROUP.format(endpoint=endpoint), f"{variant.name}/{instance_id}"
            logs = LogStream(self._front_door.client("logs", credentials), self._clock, group, stream)
            aws = container_environment(self._front_door.url, self._region, None if variant.isolated else credentials)
            workload = Workload(
                name=f"{endpoint}-{variant.name}-{instance_id}",
                entry_point="serve",
                image=variant.image,
                base_dir=base_dir,
                own_environment=variant.environment,
                environment=aws,
                port=port,
            )
            container = self._launcher.launch(workload, logs.write)
            if self._faults.of_serving_start(endpoint, variant.model_data_url or ""):
                container.kill()
            place: dict[str, str | int] = {"endpoint": endpoint, "variant": variant.name, "instance": instance_id}
            self._running = [each for each in self._running if not each[1].exited.is_set()]
            self._running.append(({**place, "port": port}, container))
            return container

        return Instance(variant, launch, self._ports.take, self._clock, self._start_seconds)

    def running(self) -> list[dict[str, str | int | None]]:
        """Every serving container that has not ended: where it belongs, its port and its process."""
        return [{**place, "pid": container.pid} for place, container in self._running if not container.exited.is_set()]
