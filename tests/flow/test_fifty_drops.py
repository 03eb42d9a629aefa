"""Fifty datasets in random order: the right releases, no lease left, one endpoint each."""

import contextlib
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from commands.decide import decide
from commands.faults import CommandFailed
from commands.history import read_events
from tests.flow.product import Product, Run, until
from tests.flow.tidiness import every_mail_came_once, is_tidy
from tests.flow.turns import Policy, Turns

pytestmark = [pytest.mark.full, pytest.mark.long(4), pytest.mark.timeout(600)]

# A small forest is as good as a large one for what is tested here.
SETTINGS = '[training.hyperparameters]\nn_estimators = 5\nmax_depth = 4\n[lease]\npolicy = "{policy}"\n'
# At once; more would only wait for the processors.
MOST_AT_ONCE = 8
DEADLINE_SECONDS = 240


def times(count: int) -> list[str]:
    """When datasets were dropped, oldest first; every one another moment, as the ledger needs it to tell them apart."""
    return [f"2031-03-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(count)]


@dataclass
class Model:
    """One model, with its runs by the time of their dataset."""

    product: Product
    name: str
    policy: Policy
    runs: dict[str, Run] = field(default_factory=dict)

    def deploy(self) -> "Model":
        self.product.model(self.name, SETTINGS.format(policy=self.policy))
        return self

    def drop(self, dataset: str, dropped_at: str) -> None:
        self.runs[dropped_at] = self.product.start(self.name, dataset, dropped_at)

    def time_of(self, arn: str) -> str:
        return next(time for time, run in self.runs.items() if run.arn == arn)

    def stands_as(self, turns: Turns) -> bool:
        """Whether every run is where the model of the policies says, and at rest."""
        ledger = self.product.ledger(self.name)
        lease = ledger.get("lease")
        asks = self.time_of(lease["execution_arn"]["S"]) if lease else None
        waiting = {
            self.time_of(item["execution_arn"]["S"]) for key, item in ledger.items() if key.startswith("waiting#")
        }
        at_rest = lease is None or lease["phase"]["S"] == "approval"
        return (at_rest, asks, waiting, self.going_on()) == (
            True,
            turns.asks,
            turns.waiting,
            turns.waiting | ({turns.asks} if turns.asks else set()),
        )

    def going_on(self) -> set[str]:
        running = {run.arn for run in running_runs(self.product)}
        return {time for time, run in self.runs.items() if run.arn in running}

    def comes_to_its_end(self) -> None:
        try:
            until(f"the end of all runs of {self.name}", lambda: not self.going_on(), DEADLINE_SECONDS)
        except AssertionError as late:
            last = {time: self.runs[time].states()[-3:] for time in self.going_on()}
            raise AssertionError(f"{late}: {last}; {self.product.ledger(self.name)}") from late

    def ended_in(self) -> dict[str, str]:
        """The last state of every run, by time."""
        return {time: run.states()[-1] for time, run in self.runs.items()}

    def releases(self) -> list[str]:
        """The times of the datasets that were released, in the order of the releases."""
        manifests = [
            json.loads(item["release"]["S"])
            for key, item in self.product.ledger(self.name).items()
            if key.startswith("release#")
        ]
        return [self.time_of(manifest["run"]) for manifest in sorted(manifests, key=lambda each: each["released_at"])]


def running_runs(product: Product) -> list[Run]:
    pages = product.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=product.deployment.promote_model_arn, statusFilter="RUNNING"
    )
    return [Run(product, execution["executionArn"]) for page in pages for execution in page["executions"]]


@pytest.mark.parametrize(("policy", "count"), [("newest", 50), ("hold", 20), ("oldest", 10)])
def test_drops_in_random_order_are_released_as_the_policy_says(product, iris, policy, count):
    chance = random.Random(f"drops|{policy}")
    model = Model(product, f"fifty-{policy}", policy).deploy()
    turns, left = Turns(policy), chance.sample(times(count), count)
    began, steps = time.monotonic(), Counter()
    while left or turns.asks:
        if turns.asks and (not left or chance.random() < 0.3):
            steps["approvals"] += 1
            by_page = chance.random() < 0.5
            run = model.runs[turns.asks]
            run.decide("approve") if by_page else decide(
                product.deployment, run.id, run.release(), "approve", "as tested"
            )
            turns.approved()
        else:
            # Who comes first to a free lease is chance, and matters where nobody is superseded before a decision.
            at_once = chance.randint(1, MOST_AT_ONCE) if turns.asks or policy == "newest" else 1
            burst, left = left[:at_once], left[at_once:]
            steps["bursts"] += 1
            for dropped_at in burst:
                model.drop(iris, dropped_at)
            turns.dropped(set(burst))
        until(f"{turns}", lambda: model.stands_as(turns), DEADLINE_SECONDS)
    assert Counter(model.ended_in()) == Counter(
        dict.fromkeys(turns.released, "Model Deployed") | dict.fromkeys(turns.superseded, "Superseded")
    )
    assert model.releases() == turns.released
    assert product.champion(model.name) == model.runs[turns.released[-1]].release()
    is_tidy(product, [model.name])
    every_mail_came_once(product, model.runs.values())
    told(policy, model, steps, began)


def test_fifty_drops_of_five_models_at_once_with_an_approver_who_approves_all(product, iris):
    chance = random.Random("five models")
    policies: list[Policy] = ["newest", "newest", "newest", "hold", "oldest"]
    models = [Model(product, f"five-{number}-{policy}", policy).deploy() for number, policy in enumerate(policies)]
    drops = [(model, dropped_at) for model in models for dropped_at in times(10)]
    chance.shuffle(drops)
    began = time.monotonic()
    with approver(product, models) as approvals:
        for model, dropped_at in drops:
            # As many as the machine can train in the time that people take to decide.
            until("room for another run", lambda: len(running_runs(product)) < 2 * MOST_AT_ONCE, DEADLINE_SECONDS)
            model.drop(iris, dropped_at)
        for model in models:
            model.comes_to_its_end()
    for model in models:
        released = keeps_its_policy(model)
        assert product.champion(model.name) == model.runs[released[-1]].release()
    is_tidy(product, [model.name for model in models])
    every_mail_came_once(product, [run for model in models for run in model.runs.values()])
    for model in models:
        told(model.policy, model, Counter(approvals=len(model.releases())), began)
    assert len(approvals) == sum(len(model.releases()) for model in models)


@contextlib.contextmanager
def approver(product: Product, models: list[Model]) -> Iterator[set[str]]:
    """Approves from the terminal whatever run of the models asks, until left; the ids of the runs that were told so."""
    done, approved = threading.Event(), set[str]()

    def approve_all() -> None:
        while not done.wait(0.1):
            for model in models:
                lease = product.ledger(model.name).get("lease")
                if lease is not None and lease["phase"]["S"] == "approval":
                    run = Run(product, lease["execution_arn"]["S"])
                    with contextlib.suppress(CommandFailed):  # withdrawn meanwhile, or approved a moment ago
                        decide(product.deployment, run.id, run.release(), "approve", "as tested")
                        approved.add(run.id)

    with ThreadPoolExecutor(1) as person:
        work = person.submit(approve_all)
        try:
            yield approved
        finally:
            done.set()
            work.result()


def keeps_its_policy(model: Model) -> list[str]:
    """What the policy promises however runs meet; the releases in their order."""
    released, ends = model.releases(), model.ended_in()
    unlooked_for = [time for time, end in ends.items() if end not in ("Model Deployed", "Superseded")]
    assert not unlooked_for, [model.runs[time].describe().get("cause") for time in unlooked_for]
    assert set(released) == {time for time, end in ends.items() if end == "Model Deployed"}
    if model.policy == "oldest":
        assert set(released) == set(ends)
        waits = {time: stay(run) for time, run in model.runs.items()}
        for former, latter in itertools.pairwise(released):
            passed = ended_at(model.runs[former])
            overtaken = [time for time, (since, until) in waits.items() if time < latter and since < passed < until]
            assert not overtaken, f"{latter} was released before {overtaken}, which waited"
        return released
    # Nothing older ever replaces what is newer, and the newest dataset of all is what serves.
    assert released == sorted(released)
    assert released[-1] == max(ends)
    for superseded in set(ends) - set(released):
        end = ended_at(model.runs[superseded])
        newer = [run for other, run in model.runs.items() if other > superseded]
        assert any(run.describe()["startDate"].timestamp() < end for run in newer), superseded
    return released


def stay(run: Run) -> tuple[float, float]:
    """From when to when the run was registered as waiting, last; of no length when it never was."""
    since = until = 0.0
    for event in read_events(run.product.stepfunctions, run.arn):
        if event.get("taskSubmittedEventDetails", {}).get("resource") == "transactWriteItems.waitForTaskToken":
            since = event["timestamp"].timestamp()
        if event.get("stateExitedEventDetails", {}).get("name") == "Wait For Release Lease":
            until = event["timestamp"].timestamp()
    return since, until


def ended_at(run: Run) -> float:
    return float(run.describe()["stopDate"].timestamp())


def told(policy: Policy, model: Model, steps: Counter[str], began: float) -> None:
    ends = Counter(model.ended_in().values())
    print(
        f"{model.name} ({policy}): {len(model.runs)} drops, {dict(ends)}, {dict(steps)}; {time.monotonic() - began:.0f} s"
    )
