"""Faults that pass by themselves, at every Task state: the result is what it would be without them.

Every state gets its faults in the scenario that reaches it, all states of a scenario in one run: refused once for each
kind of reason and once without an answer; carried out and the reply lost; not answered until the time limit.
"""

import random
from typing import Any

import pytest

from tests.flow.faults.planning import Order, Plan
from tests.flow.faults.scenarios import REACHED_BY, TWICE, Scenario, Stage
from tests.transient_faults import BROKEN, OF_OPERATION, THROTTLING, Fault, TaskState, task_states

SEED = 20_261_124
TASKS = {task.id: task for task in task_states()}
KINDS = ("refused", "lost reply", "unanswered")

pytestmark = [
    pytest.mark.full,
    pytest.mark.long(6),
    pytest.mark.timeout(600),
    pytest.mark.portioned("scenarios with passing faults"),
]


def at(task: TaskState, effect: str, visit: int = 0, error: Fault | None = None) -> Order:
    """A fault at a task's call; what has happened at earlier visits lets that many calls pass."""
    where = {"action": task.action, "state_machine": task.machine, "state": task.name, "pass_first": visit}
    told = {"code": error.code, "status": error.status, "message": error.message} if error else None
    return {**where, "effect": effect, **({"error": told} if told else {})}


def faults(task: TaskState, kind: str, chance: random.Random) -> list[Order]:
    """The faults of a kind that a task meets, one after another, at each of its visits."""
    visits = range(2 if task.id in TWICE else 1)
    if kind == "lost reply":
        return [at(task, "lost-reply", visit) for visit in visits]
    if kind == "unanswered":
        # A call that hangs for as long as a job, a child or a person may take is their end, not a passing fault.
        return [] if task.waits else [at(task, "hang", visit) for visit in visits]
    throttled = chance.choice(THROTTLING[task.service])
    broken = chance.choice(BROKEN[task.service] + OF_OPERATION.get(task.operation, ()))
    return [
        order
        for visit in visits
        for order in (
            at(task, "error", visit, throttled),
            at(task, "error", visit, broken),
            at(task, "lost-call", visit),
        )
    ]


def play(scenario: Scenario, states: tuple[str, ...], kind: str, product: Any, plan: Plan, iris: str, name: str) -> int:
    """One run of a scenario with faults at these states; how many happened."""
    chance = random.Random(f"{SEED} {scenario.__name__} {kind}")
    orders = [order for state in states for order in faults(TASKS[state], kind, chance)]
    patience = {TASKS[state].name: patience_seconds(TASKS[state]) for state in states}
    plan.clear()
    with plan.passing_time(patience):
        scenario(Stage(product, plan, name, iris), lambda: plan.add(*orders))
    assert plan.missed() == []
    return plan.met()


def patience_seconds(task: TaskState) -> float:
    seconds = task.definition["TimeoutSeconds"]
    return float(seconds) if isinstance(seconds, int) else 0.0


def plays() -> list[Any]:
    """Every scenario with every kind of fault that one of its tasks can meet."""
    return [
        pytest.param(scenario, kind, id=f"{scenario.__name__}-{kind}")
        for scenario, states in REACHED_BY.items()
        for kind in KINDS
        if kind != "unanswered" or not all(TASKS[state].waits for state in states)
    ]


@pytest.mark.parametrize(("scenario", "kind"), plays())
def test_the_result_is_the_same(product, iris, plan, scenario, kind):
    states = REACHED_BY[scenario]
    name = f"fault-{scenario.__name__}-{kind}".replace("_", "-").replace(" ", "-")
    try:
        happened = play(scenario, states, kind, product, plan, iris, name)
    except AssertionError as fault:
        if len(states) == 1:
            raise
        each = [alone(scenario, state, kind, product, plan, iris, name) for state in states]
        culprits = [found for found in each if found] or ["no single state"]
        raise AssertionError("\n".join([f"{kind}: {fault}", "Faults at one state at a time:", *culprits])) from fault
    print(f"{scenario.__name__}: {kind}: {happened} faults at {len(states)} states (seed {SEED})")


def alone(scenario: Scenario, state: str, kind: str, product: Any, plan: Plan, iris: str, name: str) -> str:
    """How faults at this state alone make the scenario fail; "" when they do not."""
    number = REACHED_BY[scenario].index(state)
    try:
        play(scenario, (state,), kind, product, plan, iris, f"alone-{number}-{name}"[:40].strip("-"))
    except AssertionError as fault:
        return f"{state}: {fault}"
    return ""
