"""Brings endpoints to the state that their records ask for, each deployment on a thread of its own."""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.sagemaker.endpoints import record as records
from local.sagemaker.endpoints.artefacts import ModelArtefacts
from local.sagemaker.endpoints.bookkeeping import Bookkeeping
from local.sagemaker.endpoints.faults import EndpointNotServing, FleetAbandoned, FleetClosed, FleetFault
from local.sagemaker.endpoints.fleet import Fleet, Lease
from local.sagemaker.endpoints.record import VariantState
from local.sagemaker.endpoints.serving_containers import ServingContainers
from local.sagemaker.endpoints.specification import FleetSpecification
from local.sagemaker.store import Record

log = logging.getLogger(__name__)


class Endpoints:
    """The fleets that serve, by endpoint. ``seed`` decides how variants' weights become choices."""

    def __init__(
        self, books: Bookkeeping, artefacts: ModelArtefacts, containers: ServingContainers, seed: int = 0
    ) -> None:
        self._books = books
        self._artefacts = artefacts
        self._containers = containers
        self._seed = seed
        self._lock = threading.Lock()
        self._serving: dict[str, Fleet] = {}
        self._fleets: set[Fleet] = set()
        self._deployments: set[threading.Thread] = set()
        self._closing = False

    def states(self, name: str) -> dict[str, VariantState]:
        """What runs of each variant; empty when nothing does."""
        fleet = self._serving.get(name.lower())
        return fleet.states() if fleet else {}

    @contextmanager
    def lease(self, name: str, target_variant: str | None) -> Iterator[Lease]:
        """A container for one request. Raises EndpointNotServing, NoSuchVariant, NoHealthyInstance."""
        while True:
            fleet = self._serving.get(name.lower())
            if fleet is None:
                raise EndpointNotServing(name)
            try:
                with fleet.lease(target_variant) as lease:
                    yield lease
                    return
            except FleetClosed:
                # Replaced a moment ago: the new fleet serves already. Unless there is none.
                if self._serving.get(name.lower()) is fleet:
                    raise EndpointNotServing(name) from None

    def create(self, name: str) -> None:
        """Start the pending fleet of an endpoint whose record says Creating."""
        self._in_background(name, self._create)

    def update(self, name: str) -> None:
        """Replace the serving fleet by the pending one; the record says Updating."""
        self._in_background(name, self._update)

    def resize(self, name: str) -> None:
        """Bring the serving fleet to the weights and sizes in the record, which says Updating."""
        self._in_background(name, self._resize)

    def delete(self, name: str) -> None:
        """End the fleet and forget the endpoint; the record says Deleting."""
        self._in_background(name, self._delete)

    def resume(self) -> None:
        """After a start of the server: serve what was served, finish what was begun."""
        endpoints = self._books.all()
        fleets = (fleet for each in endpoints for fleet in (records.live(each), records.pending(each)))
        self._artefacts.keep_only([fleet.fleet_id for fleet in fleets if fleet])
        for endpoint in endpoints:
            name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
            if status == "Creating":
                self.create(name)
            elif status == "Deleting":
                self.delete(name)
            elif endpoint["Live"]:
                self._in_background(name, self._serve_again)

    def close(self) -> None:
        """Kill all processes. Records stay as they are, so that `resume` continues."""
        with self._lock:
            self._closing = True
            fleets, deployments = list(self._fleets), list(self._deployments)
        for fleet in fleets:
            fleet.kill()
        for deployment in deployments:
            deployment.join()

    def _in_background(self, name: str, deploy: Callable[[str, Record], None]) -> None:
        thread = threading.Thread(target=self._deploy, args=(name, deploy), name=f"endpoint-{name}", daemon=True)
        with self._lock:
            self._deployments.add(thread)
        thread.start()

    def _deploy(self, name: str, deploy: Callable[[str, Record], None]) -> None:
        try:
            endpoint = self._books.get(name)
            if endpoint is not None:
                deploy(name, endpoint)
        except FleetAbandoned:
            log.info("endpoint %s: its deployment goes on at the next start", name)
        except Exception:
            log.exception("endpoint %s", name)
            if not self._closing:
                self._books.set_status(name, "Failed", "Request to service failed. Please try again.")
        finally:
            with self._lock:
                self._deployments.discard(threading.current_thread())

    def _create(self, name: str, endpoint: Record) -> None:
        specification = records.pending(endpoint)
        assert specification is not None  # it was given at creation
        try:
            fleet = self._start_fleet(name, specification)
        except FleetFault as fault:
            self._books.end_deployment(name, "Failed", str(fault))
            return
        self._serve(name, fleet)
        self._books.end_deployment(name, "InService", live=specification)

    def _update(self, name: str, endpoint: Record) -> None:
        specification, old = records.pending(endpoint), self._serving.get(name.lower())
        assert specification is not None  # it was given with the update
        try:
            fleet = self._start_fleet(name, specification)
        except FleetFault as fault:
            # The endpoint goes on with the configuration it had; only when that does not serve either is it in trouble.
            healthy = old is not None and old.is_healthy()
            self._books.end_deployment(name, "InService" if healthy else "UpdateRollbackFailed", str(fault))
            return
        self._serve(name, fleet)
        self._books.end_deployment(name, "InService", live=specification)
        if old is not None:
            self._end_fleet(old)

    def _resize(self, name: str, endpoint: Record) -> None:
        specification, fleet = records.live(endpoint), self._serving[name.lower()]
        assert specification is not None  # it serves
        try:
            fleet.apply(specification)
        except FleetFault as fault:
            for variant, state in fleet.states().items():
                specification = specification.resized(variant, weight=None, instance_count=state.instance_count)
            self._books.end_deployment(name, "InService", str(fault), live=specification)
            return
        self._books.end_deployment(name, "InService")

    def _delete(self, name: str, endpoint: Record) -> None:
        fleet = self._serving.pop(name.lower(), None)
        if fleet is not None:
            self._end_fleet(fleet)
        self._books.forget(endpoint)

    def _serve_again(self, name: str, endpoint: Record) -> None:
        specification = records.live(endpoint)
        assert specification is not None  # only such endpoints are resumed
        try:
            fleet = self._start_fleet(name, specification)
        except FleetFault as fault:
            self._books.set_status(name, "Failed", str(fault))  # tried again at the next start
            return
        self._serve(name, fleet)
        if endpoint["Pending"]:
            self._update(name, endpoint)
        else:
            self._books.set_status(name, "InService", endpoint.get("FailureReason"))

    def _start_fleet(self, name: str, specification: FleetSpecification) -> Fleet:
        """Raises FleetFault and leaves nothing behind, or FleetAbandoned."""
        fleet = Fleet(
            specification,
            lambda of, variant: self._containers.instance(name, of.fleet_id, variant),
            random.Random(f"{self._seed}/{specification.fleet_id}"),  # noqa: S311 - spreads requests
        )
        with self._lock:
            if self._closing:
                raise FleetAbandoned
            self._fleets.add(fleet)
        try:
            for variant in specification.variants:
                self._artefacts.fetch(specification.fleet_id, variant)
            fleet.start()
        except FleetFault:
            self._end_fleet(fleet)
            raise
        return fleet

    def _serve(self, name: str, fleet: Fleet) -> None:
        with self._lock:
            self._serving[name.lower()] = fleet

    def _end_fleet(self, fleet: Fleet) -> None:
        fleet.close()
        with self._lock:
            self._fleets.discard(fleet)
        self._artefacts.discard(fleet.specification.fleet_id)
