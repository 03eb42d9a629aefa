"""The instances of all variants of an endpoint, and which of them takes a request."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue

from local.sagemaker.endpoints.faults import (
    FleetAbandoned,
    FleetClosed,
    NoHealthyInstance,
    NoSuchVariant,
    TooManyAtOnce,
)
from local.sagemaker.endpoints.instance import Instance
from local.sagemaker.endpoints.model_connections import INVOCATION_SECONDS, ModelConnections
from local.sagemaker.endpoints.record import VariantState
from local.sagemaker.endpoints.specification import (
    CaptureSpecification,
    FleetSpecification,
    VariantSpecification,
)

MakeInstance = Callable[[FleetSpecification, VariantSpecification], Instance]


@dataclass
class _Variant:
    weight: float
    instances: list[Instance] = field(default_factory=list)
    turn: int = 0


@dataclass(frozen=True)
class Lease:
    """A healthy container that takes one request."""

    config_name: str
    variant: VariantSpecification
    capture: CaptureSpecification | None
    connections: ModelConnections


class Fleet:
    """Starts, resizes and ends instances; `lease` is called by many threads meanwhile."""

    def __init__(self, specification: FleetSpecification, make_instance: MakeInstance, choice: random.Random) -> None:
        """``choice`` spreads requests over variants by their weights."""
        self.specification = specification
        self._make_instance = make_instance
        self._choice = choice
        self._lock = threading.Lock()
        self._abandoned = False
        self._closed = False
        self._active: int | None = None
        self._variants = {variant.name: _Variant(variant.weight) for variant in specification.variants}

    def start(self) -> None:
        """Every instance the specification asks for; returns when all are healthy. Raises FleetFault, FleetAbandoned.

        After a fault the fleet still has to be closed.
        """
        self.apply(self.specification)

    def apply(self, specification: FleetSpecification) -> None:
        """Take over weights at once, then start or end instances until every variant has the size asked for.

        Raises FleetFault when an instance does not become healthy; then the fleet is not larger than before.
        """
        with self._lock:
            self.specification = specification
            for variant in specification.variants:
                self._variants[variant.name].weight = variant.weight
        try:
            self._enlarge(specification)
        finally:
            _end([instance for variant in specification.variants for instance in self._reduce(variant)])

    def activate(self, instances: int | None) -> None:
        """Let only so many instances of each variant take requests; None is all."""
        with self._lock:
            self._active = instances

    def states(self, *, active_only: bool = False) -> dict[str, VariantState]:
        """Of each variant by name; ``active_only`` leaves out instances that are not to take requests."""
        with self._lock:
            shown = self._active if active_only else None
            return {
                name: VariantState(variant.weight, sum(instance.is_up for instance in variant.instances[:shown]))
                for name, variant in self._variants.items()
            }

    @property
    def size(self) -> int:
        """How many instances it has, healthy or not."""
        with self._lock:
            return sum(len(variant.instances) for variant in self._variants.values())

    def is_healthy(self) -> bool:
        """Whether each variant has an instance that takes requests."""
        with self._lock:
            return all(
                any(instance.connections for instance in variant.instances) for variant in self._variants.values()
            )

    @contextmanager
    def lease(self, target_variant: str | None) -> Iterator[Lease]:
        """The least busy healthy instance of the variant named, or of one chosen by weight.

        Raises FleetClosed, NoSuchVariant, NoHealthyInstance, TooManyAtOnce.
        """
        with self._lock:
            if self._closed:
                raise FleetClosed
            name = target_variant or self._by_weight()
            instance, connections = self._least_busy(name)
            specification = self.specification
            variant = specification.variant(name)
            assert variant is not None  # the names are the same
            if variant.serverless and instance.in_flight >= variant.serverless["MaxConcurrency"]:
                raise TooManyAtOnce(name)
            instance.in_flight += 1
            instance.idle.clear()
        try:
            yield Lease(specification.config_name, variant, specification.capture, connections)
        finally:
            with self._lock:
                instance.in_flight -= 1
                if instance.in_flight == 0:
                    instance.idle.set()

    def close(self) -> None:
        """Take no more requests, let those in flight finish, end all instances."""
        with self._lock:
            self._closed = True
            instances = [instance for variant in self._variants.values() for instance in variant.instances]
            for variant in self._variants.values():
                variant.instances = []
        _end(instances)

    def kill(self) -> None:
        """End every process at once, because the server ends."""
        with self._lock:
            self._closed = self._abandoned = True
            instances = [instance for variant in self._variants.values() for instance in variant.instances]
        for instance in instances:
            instance.kill()

    def _by_weight(self) -> str:
        names, weights = list(self._variants), [variant.weight for variant in self._variants.values()]
        if len(names) == 1:
            return names[0]
        return self._choice.choices(names, weights if any(weights) else None)[0]

    def _least_busy(self, name: str) -> tuple[Instance, ModelConnections]:
        variant = self._variants.get(name)
        if variant is None:
            raise NoSuchVariant(name)
        instances = variant.instances[: self._active]
        count = len(instances)
        # Beginning one further each time, so that equally busy instances take turns.
        variant.turn += 1
        in_turn = (instances[(variant.turn + offset) % count] for offset in range(count))
        healthy = [(instance, instance.connections) for instance in in_turn if instance.connections is not None]
        if not healthy:
            raise NoHealthyInstance(name)
        return min(healthy, key=lambda candidate: candidate[0].in_flight)

    def _enlarge(self, specification: FleetSpecification) -> None:
        settled: SimpleQueue[Instance] = SimpleQueue()
        started = [i for variant in specification.variants for i in self._add_instances(variant, settled.put)]
        faults = (settled.get().fault for _ in started)  # in the order they settle; a supervisor keeps the time limit
        fault = next((fault for fault in faults if fault is not None), None)
        if self._abandoned:
            raise FleetAbandoned
        if fault is not None:
            self._remove(started)
            _end(started)
            raise fault

    def _add_instances(self, variant: VariantSpecification, settled: Callable[[Instance], None]) -> list[Instance]:
        started: list[Instance] = []
        while True:
            with self._lock:
                instances = self._variants[variant.name].instances
                if self._abandoned or len(instances) >= variant.instance_count:
                    return started
                instance = self._make_instance(self.specification, variant)
                instances.append(instance)
            instance.start(settled)
            started.append(instance)

    def _remove(self, instances: Sequence[Instance]) -> None:
        with self._lock:
            for variant in self._variants.values():
                variant.instances = [instance for instance in variant.instances if instance not in instances]

    def _reduce(self, variant: VariantSpecification) -> list[Instance]:
        """Take the newest out of rotation."""
        with self._lock:
            instances = self._variants[variant.name].instances
            surplus = instances[variant.instance_count :]
            del instances[variant.instance_count :]
        return surplus


def _end(instances: Sequence[Instance]) -> None:
    """Let the requests in flight finish, then end the processes, all at the same time."""
    enders = [threading.Thread(target=_end_one, args=(instance,), daemon=True) for instance in instances]
    for ender in enders:
        ender.start()
    for ender in enders:
        ender.join()


def _end_one(instance: Instance) -> None:
    instance.idle.wait(INVOCATION_SECONDS)
    instance.stop()
