"""How requests are spread and drained, with instances that only pretend."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from local.sagemaker.endpoints.faults import FleetClosed, FleetFault, NoHealthyInstance, NoSuchVariant
from local.sagemaker.endpoints.fleet import Fleet
from local.sagemaker.endpoints.specification import FleetSpecification, VariantSpecification
from tests.local.sagemaker.conftest import eventually


class PretendedInstance:
    """Healthy at once, or never; `connections` is itself, so that a lease tells which instance it is."""

    def __init__(self, fault: FleetFault | None = None) -> None:
        self.fault = fault
        self.is_up = False
        self.connections: PretendedInstance | None = None
        self.in_flight = 0
        self.idle = threading.Event()
        self.idle.set()
        self.stopped = False

    def start(self, settled: Callable[["PretendedInstance"], None]) -> None:
        self.is_up = self.fault is None
        self.connections = self if self.is_up else None
        settled(self)

    def stop(self) -> None:
        self.stopped = True
        self.connections = None


def specification(**variants: tuple[int, float]) -> FleetSpecification:
    """From instance counts and weights."""
    return FleetSpecification(
        fleet_id="f",
        config_name="c",
        deployed_at=0.0,
        variants=tuple(
            VariantSpecification(name, "ml.m5.large", count, weight, "image", None, "role", {}, False, 480)
            for name, (count, weight) in variants.items()
        ),
        capture=None,
    )


class Made:
    """A fleet and the instances it has made."""

    def __init__(self, faults: list[FleetFault] | None = None, **variants: tuple[int, float]) -> None:
        self.instances: list[PretendedInstance] = []
        self.faults = faults or []
        self.fleet = Fleet(specification(**variants), self._make, random.Random(7))

    def _make(self, *_: object) -> PretendedInstance:
        self.instances.append(PretendedInstance(self.faults.pop(0) if self.faults else None))
        return self.instances[-1]


def started(**variants: tuple[int, float]) -> Made:
    made = Made(**variants)
    made.fleet.start()
    return made


def test_equally_busy_instances_take_turns() -> None:
    made = started(a=(3, 1.0))
    taken: Counter[int] = Counter()
    for _ in range(30):
        with made.fleet.lease(None) as lease:
            taken[id(lease.connections)] += 1
    assert list(taken.values()) == [10, 10, 10]


def test_the_least_busy_instance_is_taken() -> None:
    made = started(a=(3, 1.0))
    with ExitStack() as held:
        busy = [held.enter_context(made.fleet.lease(None)).connections for _ in range(2)]
        for _ in range(5):
            with made.fleet.lease(None) as lease:
                assert lease.connections not in busy


def test_variants_are_chosen_by_weight_or_by_name() -> None:
    made = started(a=(1, 3.0), b=(1, 1.0), c=(1, 0.0))

    def chosen(target: str | None) -> str:
        with made.fleet.lease(target) as lease:
            return lease.variant.name

    counts = Counter(chosen(None) for _ in range(2000))
    assert counts["c"] == 0
    assert 2.5 < counts["a"] / counts["b"] < 3.5
    assert chosen("c") == "c"
    with pytest.raises(NoSuchVariant):
        chosen("d")


def test_weights_of_zero_everywhere_are_equal() -> None:
    made = started(a=(1, 0.0), b=(1, 0.0))
    for _ in range(10):
        with made.fleet.lease(None):
            pass
    assert made.fleet.is_healthy()


def test_a_closed_fleet_takes_no_request_and_finishes_those_it_has() -> None:
    made = started(a=(2, 1.0))
    with made.fleet.lease(None) as lease:
        closing = threading.Thread(target=made.fleet.close)
        closing.start()
        idle = next(instance for instance in made.instances if instance is not lease.connections)
        eventually(lambda: idle.stopped)
        with pytest.raises(FleetClosed), made.fleet.lease(None):
            pass
        assert not lease.connections.stopped
    closing.join()
    assert lease.connections.stopped


def test_reducing_drains_what_it_removes() -> None:
    made = started(a=(2, 1.0))
    first, second = made.instances
    with ExitStack() as held:
        leases = [held.enter_context(made.fleet.lease(None)).connections for _ in range(2)]
        assert set(leases) == {first, second}
        reducing = threading.Thread(target=made.fleet.apply, args=(specification(a=(1, 1.0)),))
        reducing.start()
        eventually(lambda: made.fleet.states()["a"].instance_count == 1)
        assert not second.stopped
        with made.fleet.lease(None) as lease:
            assert lease.connections is first
    reducing.join()
    assert (first.stopped, second.stopped) == (False, True)


def test_an_instance_that_does_not_start_undoes_the_enlargement() -> None:
    made = started(a=(1, 1.0))
    made.faults = [None, FleetFault("no"), None]
    with pytest.raises(FleetFault, match="no"):
        made.fleet.apply(specification(a=(4, 1.0)))
    assert made.fleet.states()["a"].instance_count == 1
    assert [instance.stopped for instance in made.instances] == [False, True, True, True]


def test_a_variant_without_a_healthy_instance_says_so() -> None:
    made = started(a=(1, 1.0))
    made.instances[0].connections = None
    assert not made.fleet.is_healthy()
    with pytest.raises(NoHealthyInstance), made.fleet.lease(None):
        pass
