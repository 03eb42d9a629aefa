"""Takes the endpoints down: their scaling, their stacks, their logs."""

from collections.abc import Callable, Iterable

from commands.account import Account
from commands.destroy.stack_removal import remove_stack
from commands.destroy.strays import delete_stray, deregister_targets
from commands.stacks import list_stacks

_STAGES = ("development", "production")


def remove_endpoints(account: Account, models: Iterable[str], say: Callable[[str], None]) -> None:
    """Every endpoint stack, whatever state it is in, then endpoints of these models that no stack holds."""
    endpoints = {f"{model}-{stage}" for model in models for stage in _STAGES}
    if number := deregister_targets(account, endpoints):
        say(f"Took the scaling off {number} variants")
    for stack in list_stacks(account):
        if stack.name.startswith(account.names.endpoint_stack_prefix):
            remove_stack(account, stack, say)
    for endpoint in sorted(endpoints):
        _remove_stray(account, endpoint)


def _remove_stray(account: Account, endpoint: str) -> None:
    """An endpoint that a stack has let go of, with its configuration and models."""
    sagemaker = account.client("sagemaker")
    listed = sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"]
    if endpoint not in [each["EndpointName"] for each in listed]:
        return
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    delete_stray(account, "AWS::SageMaker::Endpoint", endpoint)
    delete_stray(account, "AWS::SageMaker::EndpointConfig", config)
    for variant in variants:
        delete_stray(account, "AWS::SageMaker::Model", variant["ModelName"])
