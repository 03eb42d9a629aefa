"""SageMaker of the embedded cloud: training and serving really run, as processes of the container's entry points."""

from collections.abc import Callable

from local.configuration import Configuration, InvalidConfiguration
from local.context import Cloud
from local.gateway.protocol import Backend
from local.sagemaker.engine_launcher import EngineLauncher, EngineMissing
from local.sagemaker.front_door import CloudFrontDoor
from local.sagemaker.launcher import Launcher, ProcessLauncher
from local.sagemaker.service import SageMaker
from local.sagemaker.warm_launcher import WarmLauncher


def install(cloud: Cloud) -> dict[str, Backend]:
    """The back ends `sagemaker`, `sagemaker-runtime` and `application-autoscaling`.

    They take up interrupted work when the cloud is ready, and end their containers when it stops. Raises
    InvalidConfiguration for an engine that does not answer or has no image.
    """
    launcher, first_use = _launcher(cloud.configuration)
    service = SageMaker(cloud, CloudFrontDoor(cloud.configuration.region), launcher, first_use)
    cloud.on_ready.append(service.start)
    cloud.on_stop.append(service.close)
    return service.backends


def _launcher(settings: Configuration) -> tuple[Launcher, Callable[[], None]]:
    """What runs containers, and what is done when SageMaker is first used."""
    if settings.runtime != "process":
        owner = f"embedded-cloud-{settings.port}"
        try:
            return EngineLauncher(settings.runtime, settings.container_image, owner), _nothing
        except EngineMissing as fault:
            raise InvalidConfiguration(f"RUNTIME is {settings.runtime!r}: {fault}") from fault
    launcher = WarmLauncher(settings.project_root, ProcessLauncher(settings.project_root))
    # One that goes on with what was there may never train again: then it is spared the imports.
    goes_on = settings.state_dir is not None and (settings.state_dir / "sagemaker.sqlite").exists()
    return launcher, _nothing if goes_on else launcher.warm_up


def _nothing() -> None: ...
