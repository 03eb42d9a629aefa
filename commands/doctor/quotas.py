"""Does the account allow as much as the settings ask for?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from commands.account import Account
from commands.doctor.finding import Finding, Patient, fault, ok, warning
from contracts.settings import ModelSettings

_TRAINING = "for training job usage"
_ENDPOINT = "for endpoint usage"
# A blue/green update starts the new fleet beside the old one.
_FLEETS = 2
# Every function of ours may answer at once, with a few people on the approval page.
_ENOUGH_CONCURRENCY = 50
_LEAST_CONCURRENCY = 10


def check_concurrency(patient: Patient) -> Iterator[Finding]:
    """How many Lambda functions of the account may run at once; new accounts start with 10."""
    limits = patient.account.client("lambda").get_account_settings()["AccountLimit"]
    free = int(limits["UnreservedConcurrentExecutions"])
    remedy = "Ask for more at Service Quotas: AWS Lambda, Concurrent executions."
    if free < _LEAST_CONCURRENCY:
        yield fault(f"only {free} Lambda functions may run at once in this account", remedy)
    elif free < _ENOUGH_CONCURRENCY:
        yield warning(f"{free} Lambda functions may run at once; runs wait for each other when many are on", remedy)
    else:
        yield ok(f"{free} Lambda functions may run at once")


def check_instances(patient: Patient) -> Iterator[Finding]:
    """Instances for training and for endpoints, by type; the quotas are found by their names."""
    models = patient.models.values()
    granted = _quotas(patient.account)
    yield from _compare(_training(models), _training(models), granted, _TRAINING)
    yield from _compare(_endpoints(models, _started), _endpoints(models, _scaled_out), granted, _ENDPOINT)


def _compare(least: Counter[str], most: Counter[str], granted: dict[str, float], use: str) -> Iterator[Finding]:
    for kind, needed in sorted(most.items()):
        name = f"{kind} {use}"
        remedy = f"Ask for {needed} at Service Quotas: Amazon SageMaker, {name}."
        if name not in granted:
            yield warning(f"there is no quota named {name!r}", f"Is {kind} a type of instance in this region? {remedy}")
        elif granted[name] < least[kind]:
            yield fault(f"{name}: {granted[name]:.0f} granted, {least[kind]} needed", remedy)
        elif granted[name] < needed:
            yield warning(
                f"{name}: {granted[name]:.0f} granted, {needed} needed to update a fleet that has scaled out", remedy
            )
        else:
            yield ok(f"{name}: {granted[name]:.0f} granted, {needed} needed")


def _training(models: Iterable[ModelSettings]) -> Counter[str]:
    """One job of each model at once, on the type that is tried first."""
    needed: Counter[str] = Counter()
    for model in models:
        needed[model.training.instance_type] += model.training.instance_count
    return needed


def _started(model: ModelSettings) -> int:
    return _updating(model, model.production.instance_count)


def _scaled_out(model: ModelSettings) -> int:
    return _updating(model, model.production.scaling.most)


def _updating(model: ModelSettings, fleet: int) -> int:
    """The most instances at once while a fleet of so many is updated."""
    strategy = model.production.strategy
    if strategy.kind != "rolling":
        return _FLEETS * model.production.variants * fleet
    batch = strategy.step_instances or -(-fleet * (strategy.step_percent or 0) // 100)
    return fleet + batch


def _endpoints(models: Iterable[ModelSettings], fleet: Callable[[ModelSettings], int]) -> Counter[str]:
    needed: Counter[str] = Counter()
    for model in models:
        if model.development.serverless is None:
            needed[model.development.instance_type] += _FLEETS * model.development.instance_count
        needed[model.production.instance_type] += fleet(model)
    return needed


def _quotas(account: Account) -> dict[str, float]:
    """SageMaker's quotas of instances by name: the account's own where it has any, else AWS's defaults."""
    quotas = account.client("service-quotas")
    found: dict[str, float] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in quotas.get_paginator(operation).paginate(ServiceCode="sagemaker"):
            found |= {each["QuotaName"]: each["Value"] for each in page["Quotas"] if "Value" in each}
    return found
