"""Passing faults of every AWS call that the functions and CloudFormation's handlers make: the same result.

Which calls those are is observed, not listed: a run without faults shows which role calls what, another one counts how
often. Then every single one of them meets one fault of a kind, all in one run.
"""

import json
import random
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from tests.flow.faults.planning import Order, Plan
from tests.flow.faults.scenarios import Scenario, Stage, approved, champion_changed, rolled_back, superseded
from tests.flow.product import Product
from tests.portioning import in_turn
from tests.transient_faults import BROKEN, THROTTLING

SEED = 20_261_125
KINDS = ("refused", "lost call", "lost reply")
# Whose calls are looked at in which scenario. Between them every function is called, and every handler that creates,
# updates and deletes. Runs that meet do so in one way in each of these: which of two comes first is not left to chance.
SCENARIOS: dict[Scenario, tuple[str, ...]] = {
    approved: ("",),
    superseded: ("DecideRelease",),
    champion_changed: ("PassLease",),
    rolled_back: ("ExplainFailure", "DeploymentRole"),
}
NEVER = 1_000_000

pytestmark = [pytest.mark.full, pytest.mark.long(4), pytest.mark.timeout(600)]


def name_of(scenario: Scenario) -> str:
    return str(scenario.__name__)


@dataclass(frozen=True)
class Caller:
    """A role and an IAM action that it uses."""

    role: str
    action: str

    @property
    def waits(self) -> bool:
        """Whether it asks again until something is done, as often as that takes."""
        return "DeploymentRole" in self.role and ":Describe" in self.action

    def order(self, **what: Any) -> Order:
        return {"action": self.action, "principal": f"/{self.role}/", **what}


def callers(product: Product, since: int) -> set[Caller]:
    """Who called what since then, of the functions' roles and CloudFormation's."""
    functions = product.client("lambda").list_functions()["Functions"]
    roles = {function["Role"].rsplit("/", 1)[-1] for function in functions}
    found = decisions(product)
    recent = found["decisions"][since - found["total"] :] if found["total"] > since else []
    mine = [each for each in recent if each["role"] in roles or "DeploymentRole" in each["role"]]
    return {Caller(each["role"], action) for each in mine for action in calls_of(each["action"])}


def calls_of(action: str) -> tuple[str, ...]:
    """What may have been called: IAM decides about each part of a transaction as if it came alone."""
    return (action, "dynamodb:TransactWriteItems") if action.startswith("dynamodb:") else (action,)


def decisions(product: Product) -> Any:
    with urllib.request.urlopen(f"{product.cloud.endpoint}/_cloud/decisions") as answer:
        return json.load(answer)


def play(scenario: Scenario, product: Product, plan: Plan, iris: str, name: str, orders: list[Order]) -> None:
    plan.clear()
    scenario(Stage(product, plan, name, iris), lambda: plan.add(*orders))


# By scenarios, each of which is played twice before the first fault.
@pytest.fixture(scope="module", params=in_turn("scenarios with faults at every call", SCENARIOS, name_of))
def observed(request, product, iris) -> tuple[Scenario, dict[Caller, int]]:
    """A scenario, and how often each caller calls in it."""
    scenario, plan = request.param, Plan(product)
    name = f"calls-{scenario.__name__}".replace("_", "-")
    since = decisions(product)["total"]
    play(scenario, product, plan, iris, f"{name}-seen", [])
    wanted = SCENARIOS[scenario]
    found = [each for each in callers(product, since) if any(part in each.role for part in wanted)]
    seen = sorted(found, key=lambda each: (each.role, each.action))
    play(
        scenario, product, plan, iris, f"{name}-counted", [each.order(effect="hang", pass_first=NEVER) for each in seen]
    )
    # What IAM decided about something else than a call of its own, such as iam:PassRole or a part of a transaction, is
    # counted never.
    counts = {caller: fault["seen"] for caller, fault in zip(seen, plan.faults(), strict=True) if fault["seen"]}
    plan.clear()
    return scenario, counts


def fault(caller: Caller, kind: str, chance: random.Random) -> Order:
    service = caller.action.split(":")[0]
    if kind == "refused":
        error = chance.choice(THROTTLING[service] + BROKEN[service])
        return {"effect": "error", "error": {"code": error.code, "status": error.status, "message": error.message}}
    return {"effect": kind.replace(" ", "-")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_single_call_may_meet_a_passing_fault(product, iris, plan, observed, kind):
    scenario, counts = observed
    chance = random.Random(f"{SEED} {kind}")
    orders = [
        caller.order(**fault(caller, kind, chance), pass_first=number)
        for caller, times in counts.items()
        for number in range(1 if caller.waits else times)
    ]
    name = f"calls-{scenario.__name__}-{kind}".replace("_", "-").replace(" ", "-")
    play(scenario, product, plan, iris, name, orders)
    assert plan.missed() == []
    print(f"{scenario.__name__}: {kind}: {plan.met()} calls of {len(counts)} kinds (seed {SEED})")
