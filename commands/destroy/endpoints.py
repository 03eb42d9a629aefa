"""Takes the endpoints down: their scaling, their logs, their stacks."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from commands.account import Account
from commands.destroy.logs import remove_endpoint_log
from commands.destroy.stack_removal import remove_stack
from commands.destroy.strays import delete_stray, deregister_targets, description
from commands.ownership import left_alone, owns_in_sagemaker
from commands.stacks import list_resources, list_stacks, physical_names

_STAGES = ("development", "production")
_ENDPOINT = "AWS::SageMaker::Endpoint"


def remove_endpoints(account: Account, models: Iterable[str], say: Callable[[str], None]) -> None:
    """Every endpoint stack, whatever state it is in, then endpoints of these models that no stack holds.

    Endpoints that only are called like a model's, and are not this deployment's, are left alone.
    """
    stacks = [stack for stack in list_stacks(account) if stack.name.startswith(account.names.endpoint_stack_prefix)]
    held = {name for stack in stacks for name in physical_names(list_resources(account, stack.arn), _ENDPOINT)}
    named = {f"{model}-{stage}" for model in models for stage in _STAGES}
    ours = set(_ours(account, sorted(held | named), say))
    if number := deregister_targets(account, ours):
        say(f"Took the scaling off {number} variants")
    # While the endpoint is there its log can be nobody else's; what its last lines make again goes with the others.
    for endpoint in sorted(ours):
        remove_endpoint_log(account, endpoint)
    for stack in stacks:
        remove_stack(account, stack, say)
    for endpoint in sorted(ours):
        _remove_stray(account, endpoint)


def _ours(account: Account, endpoints: Iterable[str], say: Callable[[str], None]) -> Iterator[str]:
    for endpoint in endpoints:
        found = _endpoint(account, endpoint)
        if found is None:
            continue
        if owns_in_sagemaker(account, found["EndpointArn"]):
            yield endpoint
        else:
            say(left_alone(account, f"endpoint {endpoint}"))


def _endpoint(account: Account, endpoint: str) -> dict[str, Any] | None:
    return description(account.client("sagemaker").describe_endpoint, EndpointName=endpoint)


def _remove_stray(account: Account, endpoint: str) -> None:
    """An endpoint of ours that a stack has let go of, with its configuration and models."""
    found = _endpoint(account, endpoint)
    if found is None:
        return
    sagemaker, config = account.client("sagemaker"), found["EndpointConfigName"]
    described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    delete_stray(account, _ENDPOINT, endpoint)
    if not owns_in_sagemaker(account, described["EndpointConfigArn"]):
        return
    models = [sagemaker.describe_model(ModelName=variant["ModelName"]) for variant in described["ProductionVariants"]]
    delete_stray(account, "AWS::SageMaker::EndpointConfig", config)
    for model in models:
        if owns_in_sagemaker(account, model["ModelArn"]):
            delete_stray(account, "AWS::SageMaker::Model", model["ModelName"])
