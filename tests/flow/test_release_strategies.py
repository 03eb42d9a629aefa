"""Each strategy under an open load of 200 requests a second: good releases lose none, bad ones are taken back."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from load.endpoint import Endpoint, Question
from load.recording import Bucket, Recording
from load.schedule import steady
from load.traffic import Traffic
from local.demo.iris import KNOWN_ROWS
from tests.flow.faults.planning import Plan
from tests.flow.product import Product, Run, until
from tests.flow.releases import lease_comes_free

pytestmark = [
    pytest.mark.full,
    pytest.mark.alone,
    pytest.mark.timeout(900),
    pytest.mark.portioned("releases under load"),
]

REQUESTS_A_SECOND = 200
QUIET_SECONDS = 3
FOR_EVER = float("inf")
ROW, RIGHT = next(iter(KNOWN_ROWS.items()))
WRONG = "9"
# Instances are those of the settings: what scaling does under load has tests of its own.
SETTINGS = """
[training.hyperparameters]
n_estimators = 5
max_depth = 4
[gate]
minimum.accuracy = 0.5
champion = 'off'
[production]
instance_count = 2
scaling = {{ minimum = 2, maximum = 2 }}
alarms = {{ latency_milliseconds = {latency} }}
strategy = {{ {strategy} }}
"""
WATCHED = "rollback = {{ server_errors = 5, latency_milliseconds = {latency} }}, termination_wait_seconds = 120"
STRATEGIES = {
    "all-at-once": "kind = 'all-at-once'",
    "watched": f"kind = 'all-at-once', {WATCHED}",
    "canary": f"kind = 'canary', canary_percent = 50, wait_seconds = 120, {WATCHED}",
    "linear": f"kind = 'linear', linear_percent = 50, wait_seconds = 120, {WATCHED}",
    "rolling": f"kind = 'rolling', batch_percent = 50, wait_seconds = 120, {WATCHED}".replace(
        ", termination_wait_seconds = 120", ""
    ),
    "ab": "kind = 'ab', weight = 0.5",
}
# In which of them alarms of the deployment look, and where the champion keeps a part of the requests until they have.
WATCHED_BY_ALARMS = {"watched", "canary", "linear", "rolling"}
IN_STEPS = {"canary", "linear", "rolling", "ab"}
# A busy machine answers late now and then, which must not take a good release back.
GENEROUS, STRICT = 10_000, 1_000

FAULTS = {
    "answers 500": {"status": 500},
    "is slow": {"delay_seconds": 1.5},
    "dies when it starts": {"crash": True},
    "answers wrongly": {"answer": WRONG},
}
# What people read: of an alarm its name, of the gate its finding, of a container that it did not start.
SAYS = {
    ("answers 500", True): "server-errors",
    ("answers 500", False): "gave no answer",
    ("is slow", True): "slow-answers",
    ("is slow", False): "is slow",
    ("dies when it starts", True): "did not pass the ping health check",
    ("dies when it starts", False): "did not pass the ping health check",
    ("answers wrongly", True): f"was answered with '{WRONG}'",
    ("answers wrongly", False): f"was answered with '{WRONG}'",
}


@dataclass
class Served:
    """A model with a release in production, and those that come after it."""

    product: Product
    strategy: str
    dataset: str
    releases: int = field(default=0)

    @property
    def model(self) -> str:
        return f"flow-{self.strategy}"

    def deploys(self, latency: int = GENEROUS) -> None:
        strategy = STRATEGIES[self.strategy].format(latency=latency)
        self.product.model(self.model, SETTINGS.format(latency=latency, strategy=strategy))

    def asks(self) -> Run:
        """A newer run than all before, which waits for a person."""
        self.releases += 1
        dropped_at = datetime(2031, 5, 1, tzinfo=UTC) + timedelta(hours=self.releases)
        run = self.product.start(self.model, self.dataset, f"{dropped_at:%Y-%m-%dT%H:%M:%SZ}")
        run.mail()
        return run

    def releases_one_more(self) -> Run:
        run = self.asks()
        run.approve()
        lease_comes_free(self.product, self.model)
        return run

    def under_load(self) -> Traffic:
        endpoint = Endpoint.of(self.product.session, f"{self.model}-production", [Question(ROW, RIGHT)])
        return Traffic(steady(REQUESTS_A_SECOND, FOR_EVER), endpoint)


@pytest.fixture(scope="module")
def served(product, iris):
    """Of each strategy one model, with its first release: nobody can be asked before."""
    made: dict[str, Served] = {}

    def of(strategy: str) -> Served:
        if strategy not in made:
            made[strategy] = Served(product, strategy, iris)
            made[strategy].deploys()
            made[strategy].releases_one_more()
        return made[strategy]

    return of


@pytest.fixture
def plan(product):
    made = Plan(product)
    yield made
    made.clear()


def whole_seconds(recording: Recording) -> list[Bucket]:
    """All but the first and the last, which may be parts of seconds, and those in which only answers came."""
    return recording.under_load[1:]


def was_an_open_load(recording: Recording) -> None:
    """What was planned was sent, whatever the endpoint did."""
    seconds = whole_seconds(recording)
    assert len(seconds) > 2 * QUIET_SECONDS
    assert {bucket.sent for bucket in seconds} == {REQUESTS_A_SECOND}


def all_is_well(traffic: Traffic) -> None:
    """Wait for a few seconds on end, from now on, in which every request has had its right answer."""
    begun = len(traffic.recording.buckets)

    def well() -> bool:
        on_end = 0
        for each in traffic.recording.buckets[begun:]:
            on_end = on_end + 1 if each.answered == REQUESTS_A_SECOND else 0
            if on_end == QUIET_SECONDS:
                return True
        return False

    until("right answers to all requests", well)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_three_good_releases_lose_no_request(served, strategy):
    model = served(strategy)
    model.deploys()
    with model.under_load() as traffic:
        runs = [model.releases_one_more() for _ in range(3)]
    recording = traffic.recording
    was_an_open_load(recording)
    assert (recording.failures, recording.failed) == ({}, [])
    assert recording.answered == recording.sent
    assert model.product.champion(model.model) == runs[-1].release()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_bad_release_is_taken_back_and_the_champion_serves(served, plan, strategy, fault):
    model = served(strategy)
    model.deploys(STRICT if fault == "is slow" else GENEROUS)
    before = model.product.release(model.model)
    bad = model.asks()
    plan.add({"artefact": bad.model_data_url(), "endpoint": "production", **FAULTS[fault]})
    with model.under_load() as traffic:
        all_is_well(traffic)
        bad.decide("approve")
        ended = bad.ends()
        lease_comes_free(model.product, model.model)
        all_is_well(traffic)
    seen = strategy in WATCHED_BY_ALARMS and fault in ("answers 500", "is slow")
    started = fault != "dies when it starts"
    state = "Deployment Failed" if seen or not started else "Production Restored"
    assert bad.states()[-1] == state, (bad.states(), ended["cause"])
    assert SAYS[fault, strategy in WATCHED_BY_ALARMS] in bad.outcome_mail().text
    assert model.product.release(model.model) == before
    assert model.product.predict(f"{model.model}-production", ROW) == [RIGHT]
    recording = traffic.recording
    was_an_open_load(recording)
    if not started:
        assert recording.failures == {}
    # Where the candidate comes in steps, a part of every second is the champion's, until alarms have seen enough. They
    # do not see wrong answers: those are found when all requests have moved.
    if strategy == "ab" or (strategy in IN_STEPS and (seen or not started)):
        assert all(bucket.answered for bucket in whole_seconds(recording))
    assert {failure.kind for failure in recording.failed} <= {"424 ModelError", "wrong answer"}
