"""CodePipeline of the embedded cloud, as far as the image pipeline needs it: an S3 source and a build."""

from local.codepipeline.executions import Executions
from local.codepipeline.pipelines import PipelineOperations
from local.context import Cloud
from local.gateway.protocol import Backend
from local.sagemaker.json_rpc import JsonService
from local.sagemaker.store import Store


def install(cloud: Cloud) -> dict[str, Backend]:
    """The back end `codepipeline`. Executions that a crash interrupted run again once the cloud is ready."""
    settings = cloud.configuration
    store = Store(settings.state_dir / "codepipeline.sqlite" if settings.state_dir else None)
    executions = Executions(store, cloud.clock, settings.region)
    cloud.on_ready.append(executions.resume)
    cloud.on_stop.append(store.close)
    operations = PipelineOperations(store, executions, cloud.clock, settings.region, settings.account)
    return {"codepipeline": JsonService("codepipeline", operations.operations())}
