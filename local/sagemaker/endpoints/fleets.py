"""All fleets there are, and the traffic of each endpoint that serves."""

import random
import threading

from local.sagemaker.endpoints.artefacts import ModelArtefacts
from local.sagemaker.endpoints.faults import FleetAbandoned, FleetFault
from local.sagemaker.endpoints.fleet import Fleet
from local.sagemaker.endpoints.serving_containers import ServingContainers
from local.sagemaker.endpoints.specification import FleetSpecification
from local.sagemaker.endpoints.traffic import Traffic


class Fleets:
    """Makes and ends them. ``seed`` decides how shares and variants' weights become choices."""

    def __init__(self, artefacts: ModelArtefacts, containers: ServingContainers, seed: int = 0) -> None:
        self._artefacts = artefacts
        self._containers = containers
        self._seed = seed
        self._lock = threading.Lock()
        self._serving: dict[str, Traffic] = {}
        self._fleets: set[Fleet] = set()
        self.closing = threading.Event()
        """Set when the server ends."""

    def traffic(self, name: str) -> Traffic | None:
        """Of an endpoint; None while nothing of it serves."""
        return self._serving.get(name.lower())

    def serve(self, name: str, fleet: Fleet) -> None:
        """Begin to give requests to the endpoint's first fleet."""
        with self._lock:
            self._serving[name.lower()] = Traffic(fleet, self._random(f"{name.lower()}/traffic"))

    def forget(self, name: str) -> Traffic | None:
        """Give no more requests to an endpoint."""
        with self._lock:
            return self._serving.pop(name.lower(), None)

    def make(self, name: str, specification: FleetSpecification) -> Fleet:
        """A fleet with its artefacts and no instance. Raises FleetFault and leaves nothing, or FleetAbandoned."""
        fleet = Fleet(
            specification,
            lambda of, variant: self._containers.instance(name, of.fleet_id, variant),
            self._random(specification.fleet_id),
        )
        with self._lock:
            if self.closing.is_set():
                raise FleetAbandoned
            self._fleets.add(fleet)
        try:
            for variant in specification.variants:
                self._artefacts.fetch(specification.fleet_id, variant)
        except FleetFault:
            self.end(fleet)
            raise
        return fleet

    def start(self, name: str, specification: FleetSpecification) -> Fleet:
        """A fleet with all of its instances. Raises as `make`."""
        fleet = self.make(name, specification)
        try:
            fleet.start()
        except FleetFault:
            self.end(fleet)
            raise
        return fleet

    def end(self, fleet: Fleet) -> None:
        """Let its requests finish and end it."""
        fleet.close()
        with self._lock:
            self._fleets.discard(fleet)
        self._artefacts.discard(fleet.specification.fleet_id)

    def keep_artefacts(self, specifications: list[FleetSpecification]) -> None:
        """After a restart: remove what other fleets have left."""
        self._artefacts.keep_only([specification.fleet_id for specification in specifications])

    def kill(self) -> None:
        """End every process at once, because the server ends."""
        with self._lock:
            self.closing.set()
            fleets = list(self._fleets)
        for fleet in fleets:
            fleet.kill()

    def _random(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")  # noqa: S311 - spreads requests
