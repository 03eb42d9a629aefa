"""What AWS refuses of a DeploymentConfig beyond its service model. Pure. AWS's wording is not known [unverified]."""

from local.sagemaker.endpoints.guardrails.plan import instances, make_plan
from local.sagemaker.endpoints.specification import FleetSpecification
from local.sagemaker.faults import invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json

# By traffic routing type: the size it needs. The other ones are refused.
_SIZES = {"ALL_AT_ONCE": None, "CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
# "CanarySize … less than or equal to 50%", "LinearStepSize … 10-50%" (API_TrafficRoutingConfig), "MaximumBatchSize …
# between 5% to 50%" (API_RollingUpdatePolicy), each "of the variant's total instance count".
_LEAST_PERCENT = {"CanarySize": 0, "LinearStepSize": 10, "MaximumBatchSize": 5, "RollbackMaximumBatchSize": 0}
_MOST_PERCENT = {"CanarySize": 50, "LinearStepSize": 50, "MaximumBatchSize": 50, "RollbackMaximumBatchSize": 100}


def check_form(config: Json | None) -> None:
    """What holds for every endpoint, also at its creation. Raises ServiceFault."""
    if config is None:
        return
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        # "Only one update policy should be used in the deployment configuration" (API_DeploymentConfig).
        raise invalid("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified.")
    if "BlueGreenUpdatePolicy" in config:
        routing = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
        for kind, size in _SIZES.items():
            if size and (size in routing) != (routing["Type"] == kind):
                raise invalid(f"{size} must be specified for traffic routing type {kind} and for no other.")


def check_update(config: Json | None, served: FleetSpecification, wanted: FleetSpecification) -> None:
    """What depends on the old and the new fleet. Raises ServiceFault."""
    check_form(config)
    sizes = _sizes(config or {})
    if not sizes:
        return
    _check_variants(served, wanted, rolling="MaximumBatchSize" in sizes)
    for name, size in sizes.items():
        _check_size(name, size, (served if name.startswith("Rollback") else wanted).instance_count)
    plan = make_plan(config, served.instance_count, wanted.instance_count)
    waits = sum(stage.bake_seconds for stage in plan.stages)
    # "the timeout value should be larger than the total waiting time specified in TerminationWaitInSeconds and
    # WaitIntervalInSeconds" (API_BlueGreenUpdatePolicy).
    if plan.timeout_seconds is not None and plan.timeout_seconds <= waits:
        raise invalid(
            f"MaximumExecutionTimeoutInSeconds {plan.timeout_seconds} must be larger than the deployment's total "
            f"waiting time of {waits:.0f} seconds."
        )


def _sizes(config: Json) -> dict[str, Json]:
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    rolling = config.get("RollingUpdatePolicy", {})
    return {name: size for name, size in (routing | rolling).items() if name in _LEAST_PERCENT}


def _check_variants(served: FleetSpecification, wanted: FleetSpecification, *, rolling: bool) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"""
    old, new = ([variant.name for variant in fleet.variants] for fleet in (served, wanted))
    if len(old) > 1 or len(new) > 1:
        if rolling:
            raise invalid("Rolling deployments are not supported for endpoints with multiple production variants.")
        # AWS's list of exclusions names this for rolling deployments only.
        raise not_in_embedded_cloud("canary or linear traffic shifting between several production variants")
    if old != new:
        raise invalid(
            f"The new endpoint configuration must have the same variant name as the old one: {new[0]}, not {old[0]}."
        )


def _check_size(name: str, size: Json, total: int) -> None:
    least, most = _LEAST_PERCENT[name], _MOST_PERCENT[name]
    percentage = size["Type"] == "CAPACITY_PERCENT"
    percent = size["Value"] if percentage else 100 * size["Value"] / total
    # The smallest step is an instance: of a fleet of one, every step would be all of it.
    if not least <= percent <= most or 100 * instances(size, total) > most * total:
        raise invalid(
            f"{name} of {size['Value']} ({size['Type']}) must be from {least}% to {most}% of the variant's total "
            f"instance count of {total}."
        )
