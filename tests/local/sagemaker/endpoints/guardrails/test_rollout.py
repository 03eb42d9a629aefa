"""Plans carried out on pretended fleets, by a clock that the test moves."""

import random
import threading
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from local.clock import Clock
from local.sagemaker.endpoints.faults import FleetAbandoned, FleetFault
from local.sagemaker.endpoints.guardrails.alarms import AlarmsUnreadable
from local.sagemaker.endpoints.guardrails.plan import make_plan
from local.sagemaker.endpoints.guardrails.progress import Progress
from local.sagemaker.endpoints.guardrails.rollout import Rollout
from local.sagemaker.endpoints.guardrails.watch import DeploymentHalted, Watch
from local.sagemaker.endpoints.traffic import Traffic
from local.sagemaker.json_rpc import Json
from tests.local.sagemaker.conftest import eventually
from tests.local.sagemaker.endpoints.guardrails.test_plan_of_update import canary, count, linear, percent, rolling
from tests.local.sagemaker.endpoints.test_fleet import Made, specification, started

START = 1_800_000_000.0


def never() -> list[str]:
    return []


class Scene:
    """An old fleet that serves, a new one, and an update from one to the other."""

    def __init__(self, config: Json | None, blue: int, green: int, sounding: Callable[[], list[str]] = never) -> None:
        self.clock = Clock(time_factor=1e-6, start=START)  # stands still but for the test
        self.stopping = threading.Event()
        self.blue, self.green = started(a=(blue, 1.0)), Made(a=(0, 1.0))
        self.traffic = Traffic(self.blue.fleet, random.Random(3))
        self.wanted = specification(a=(green, 1.0))
        self.told: list[Progress] = []
        plan = make_plan(config, blue, green)
        deadline = None if plan.timeout_seconds is None else START + plan.timeout_seconds
        watch = Watch(self.clock, sounding, deadline, self.stopping)
        self.rollout = Rollout(plan, self.traffic, self.blue.fleet.specification, watch, self.told.append)
        self.ended: list[BaseException | None] = []

    def begin(self) -> threading.Thread:
        def run() -> None:
            try:
                self.rollout.forward(self.green.fleet, self.wanted)
            except (DeploymentHalted, FleetFault, FleetAbandoned) as end:
                self.ended.append(end)
            else:
                self.ended.append(None)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def share(self, requests: int = 400) -> float:
        """Of the requests that the new fleet gets."""
        return sum(self.one() in self.green.instances for _ in range(requests)) / requests

    def one(self) -> object:
        with self.traffic.lease(None) as lease:
            return lease.connections

    def baking(self, capacity: int) -> None:
        """Wait until a step of so many active instances bakes."""
        eventually(lambda: self.told and f"enabled on {self.words(capacity)}" in self.told[-1].message)

    def pass_time(self, thread: threading.Thread) -> None:
        """Second by second until the update is over."""
        eventually(lambda: self.clock.advance(1) or not thread.is_alive())

    def words(self, capacity: int) -> str:
        full = capacity == self.wanted.instance_count
        return f"{'full' if full else 'canary'} capacity of {capacity} "


def test_a_canary_gets_its_share_until_it_has_baked() -> None:
    scene = Scene(canary(percent(25)), 4, 4)
    thread = scene.begin()
    scene.baking(1)
    assert 0.18 < scene.share() < 0.33
    assert {scene.one() for _ in range(200)} & set(scene.green.instances) == {scene.green.instances[0]}
    assert scene.traffic.pending_states()["a"].instance_count == 1
    assert scene.traffic.active_instances("a") == 4
    assert scene.traffic.serving.states()["a"].instance_count == 4
    assert len({scene.one() for _ in range(200)} & set(scene.blue.instances)) == 3
    scene.clock.advance(59)
    assert scene.share() < 0.33
    scene.clock.advance(1)
    scene.baking(4)
    assert scene.share() == 1.0
    assert not any(instance.stopped for instance in scene.blue.instances)
    scene.clock.advance(30)
    thread.join()
    assert scene.ended == [None]
    assert [step.status for step in scene.told] == ["Creating", *["ActivatingTraffic", "Baking"] * 2]


def test_a_linear_update_grows_step_by_step() -> None:
    scene = Scene(linear(percent(50)), 4, 4)
    thread = scene.begin()
    scene.baking(2)
    assert 0.4 < scene.share() < 0.6
    scene.clock.advance(60)
    thread.join()
    assert scene.share() == 1.0


def test_a_rolling_update_ends_old_instances_as_new_ones_have_baked() -> None:
    scene = Scene(rolling(count(2)), 4, 4)
    thread = scene.begin()
    scene.baking(2)
    assert len(scene.green.instances) == 2
    assert sum(instance.stopped for instance in scene.blue.instances) == 0
    scene.clock.advance(60)
    scene.baking(4)
    assert sum(instance.stopped for instance in scene.blue.instances) == 2
    scene.clock.advance(60)
    thread.join()
    assert scene.ended == [None]


def test_an_alarm_halts_the_update_and_traffic_goes_back() -> None:
    alarms: list[str] = []
    scene = Scene(canary(count(2)), 4, 4, lambda: list(alarms))
    thread = scene.begin()
    scene.baking(2)
    alarms.append("errors")
    scene.pass_time(thread)
    assert isinstance(scene.ended[0], DeploymentHalted)
    assert "in state ALARM: errors" in str(scene.ended[0])
    scene.rollout.back(scene.green.fleet)
    assert scene.share() == 0.0
    assert not any(instance.stopped for instance in scene.blue.instances)


def test_an_alarm_that_sounds_at_the_very_end_of_a_bake_counts() -> None:
    alarms: list[str] = []
    scene = Scene(canary(count(2)), 4, 4, lambda: list(alarms))
    thread = scene.begin()
    scene.baking(2)
    alarms.append("errors")
    scene.clock.advance(1000)
    thread.join()
    assert isinstance(scene.ended[0], DeploymentHalted)


def test_alarms_are_heard_while_the_old_fleet_waits_for_its_end() -> None:
    alarms: list[str] = []
    scene = Scene(canary(count(2)), 4, 4, lambda: list(alarms))
    thread = scene.begin()
    scene.baking(2)
    scene.clock.advance(60)
    scene.baking(4)
    alarms.append("latency")
    scene.pass_time(thread)
    assert isinstance(scene.ended[0], DeploymentHalted)
    scene.rollout.back(scene.green.fleet)
    assert scene.share() == 0.0
    assert not any(instance.stopped for instance in scene.blue.instances)


def test_alarms_that_cannot_be_read_halt_the_update() -> None:
    def unreadable() -> list[str]:
        raise AlarmsUnreadable("Could not find CloudWatch alarm(s) errors.")

    scene = Scene(canary(count(1)), 2, 2, unreadable)
    scene.begin().join()
    assert "Could not find CloudWatch alarm" in str(scene.ended[0])


def test_an_update_that_takes_too_long_is_halted() -> None:
    config = canary(count(1), wait=600, termination=0)
    config["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 700
    scene = Scene(config, 2, 2)
    thread = scene.begin()
    scene.baking(1)
    scene.clock.advance(701)
    thread.join()
    assert "MaximumExecutionTimeoutInSeconds" in str(scene.ended[0])


def test_the_end_of_the_server_abandons_a_bake() -> None:
    scene = Scene(canary(count(1)), 2, 2)
    thread = scene.begin()
    scene.baking(1)
    scene.stopping.set()
    thread.join()
    assert isinstance(scene.ended[0], FleetAbandoned)


def test_a_batch_that_does_not_start_halts_a_rolling_update() -> None:
    scene = Scene(rolling(count(1)), 2, 2)
    scene.green.faults = [None, FleetFault("no capacity")]
    thread = scene.begin()
    scene.baking(1)
    scene.clock.advance(60)
    thread.join()
    assert "no capacity" in str(scene.ended[0])
    scene.rollout.back(scene.green.fleet)
    assert scene.share() == 0.0
    assert sum(not instance.stopped for instance in scene.blue.instances) == 2


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 6), st.integers(2, 6), st.integers(1, 3), st.integers(1, 6), st.integers(1, 5), st.integers(1, 20)
)
def test_a_rolling_update_that_is_rolled_back_anywhere_is_whole_again(
    blue: int, green: int, batch: int, back: int, halted_at: int, requests: int
) -> None:
    checks = 0

    def sounding() -> list[str]:
        nonlocal checks
        checks += 1
        return ["errors"] if checks == halted_at else []

    config = rolling(count(batch), WaitIntervalInSeconds=0, RollbackMaximumBatchSize=count(min(back, blue)))
    scene = Scene(config, blue, green, sounding)
    scene.begin().join()
    if isinstance(scene.ended[0], DeploymentHalted):
        scene.rollout.back(scene.green.fleet)
        assert scene.share(requests) == 0.0
        assert sum(not instance.stopped for instance in scene.blue.instances) == blue
    else:
        assert scene.share(requests) == 1.0


def test_requests_under_way_finish_where_they_are() -> None:
    scene = Scene(rolling(count(2)), 4, 4)
    with scene.traffic.lease(None) as held:
        thread = scene.begin()
        scene.baking(2)
        scene.clock.advance(60)
        eventually(lambda: sum(instance.stopped for instance in scene.blue.instances) >= 1)
        assert not held.connections.stopped
    scene.baking(4)
    scene.clock.advance(60)
    thread.join()
