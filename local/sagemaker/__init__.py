"""SageMaker of the embedded cloud: training and serving really run, as processes of the container's entry points."""

from local.configuration import InvalidConfiguration
from local.context import Cloud
from local.gateway.protocol import Backend
from local.sagemaker.front_door import CloudFrontDoor
from local.sagemaker.launcher import ProcessLauncher
from local.sagemaker.service import SageMaker
from local.sagemaker.warm_launcher import WarmLauncher


def install(cloud: Cloud) -> dict[str, Backend]:
    """The back ends `sagemaker`, `sagemaker-runtime` and `application-autoscaling`.

    They take up interrupted work when the cloud is ready, and end their containers when it stops. Raises
    InvalidConfiguration for a runtime that is not built yet.
    """
    settings = cloud.configuration
    if settings.runtime != "process":
        raise InvalidConfiguration(
            f"RUNTIME is {settings.runtime!r}: training and serving run as processes only, set RUNTIME=process"
        )
    launcher = WarmLauncher(settings.project_root, ProcessLauncher(settings.project_root))
    # One that goes on with what was there may never train again: then it is spared the imports.
    goes_on = settings.state_dir is not None and (settings.state_dir / "sagemaker.sqlite").exists()
    first_use = _nothing if goes_on else launcher.warm_up
    service = SageMaker(cloud, CloudFrontDoor(settings.region), launcher, first_use)
    cloud.on_ready.append(service.start)
    cloud.on_stop.append(service.close)
    return service.backends


def _nothing() -> None: ...
