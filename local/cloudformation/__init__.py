"""CloudFormation: the emulator's engine with our resource types, principals and template URLs."""

import importlib
import threading

from local.cloudformation import interrupted
from local.context import Cloud
from local.gateway.loading import after_import


def install(cloud: Cloud) -> None:
    """Complete the emulator's CloudFormation when it is loaded: that imports many services, which takes a second."""
    after_import("ministack.services.cloudformation", lambda _: _complete(cloud))
    cloud.on_ready.append(lambda: interrupted.resume(cloud))
    cloud.on_ready.append(_load_in_background)


def _load_in_background() -> None:
    threading.Thread(
        target=importlib.import_module,
        args=("ministack.services.cloudformation",),
        name="load-cloudformation",
        daemon=True,
    ).start()


def _complete(cloud: Cloud) -> None:
    from local.cloudformation import (
        acting,
        autoscaling,
        bucket_tags,
        budgets,
        conditions,
        permissions,
        pipelines,
        repeated,
        sagemaker,
        state_machines,
        taken_over,
        templates,
        times,
    )
    from local.cloudformation.registry import register

    single = (state_machines, pipelines, budgets)
    register(
        [
            *(module.resource_type() for module in single),
            *sagemaker.resource_types(cloud.clock),
            *autoscaling.resource_types(),
        ]
    )
    acting.install()
    bucket_tags.install()
    conditions.install()
    interrupted.install()
    permissions.install()
    repeated.install()
    taken_over.install()
    templates.install()
    times.install(cloud.clock)
