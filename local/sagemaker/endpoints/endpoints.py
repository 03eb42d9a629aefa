"""Brings endpoints to the state that their records ask for, each deployment on a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.sagemaker.endpoints import record as records
from local.sagemaker.endpoints.bookkeeping import Bookkeeping
from local.sagemaker.endpoints.deployments import Deployments
from local.sagemaker.endpoints.faults import EndpointNotServing, FleetAbandoned, FleetClosed
from local.sagemaker.endpoints.fleet import Lease
from local.sagemaker.endpoints.fleets import Fleets
from local.sagemaker.endpoints.record import VariantState
from local.sagemaker.store import Record

log = logging.getLogger(__name__)


class Endpoints:
    """Gives requests to the fleets that serve, and changes them in the background."""

    def __init__(self, books: Bookkeeping, fleets: Fleets, deployments: Deployments) -> None:
        self._books = books
        self._fleets = fleets
        self._deployments = deployments
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def states(self, name: str) -> dict[str, VariantState]:
        """What runs of each variant; empty when nothing does. During an update, of the old fleet."""
        traffic = self._fleets.traffic(name)
        return traffic.serving.states() if traffic else {}

    def pending_states(self, name: str) -> dict[str, VariantState]:
        """What takes traffic of the new fleet's variants; empty without an update, and before it has begun."""
        traffic = self._fleets.traffic(name)
        return traffic.pending_states() if traffic else {}

    def active_instances(self, name: str, variant: str) -> int:
        """How many instances of a variant take requests now."""
        traffic = self._fleets.traffic(name)
        return traffic.active_instances(variant) if traffic else 0

    @contextmanager
    def lease(self, name: str, target_variant: str | None) -> Iterator[Lease]:
        """A container for one request. Raises EndpointNotServing, NoSuchVariant, NoHealthyInstance, TooManyAtOnce."""
        traffic = self._fleets.traffic(name)
        if traffic is None:
            raise EndpointNotServing(name)
        try:
            with traffic.lease(target_variant) as lease:
                yield lease
        except FleetClosed:
            raise EndpointNotServing(name) from None

    def create(self, name: str) -> None:
        """Start the pending fleet of an endpoint whose record says Creating."""
        self._in_background(name, self._deployments.create)

    def update(self, name: str) -> None:
        """Replace the serving fleet by the pending one; the record says Updating."""
        self._in_background(name, self._deployments.update)

    def resize(self, name: str) -> None:
        """Bring the serving fleet to the weights and sizes in the record, which says Updating."""
        self._in_background(name, self._deployments.resize)

    def delete(self, name: str) -> None:
        """End the fleet and forget the endpoint; the record says Deleting."""
        self._in_background(name, self._deployments.delete)

    def resume(self) -> None:
        """After a start of the server: serve what was served, finish what was begun."""
        endpoints = self._books.all()
        fleets = (fleet for each in endpoints for fleet in (records.live(each), records.pending(each)))
        self._fleets.keep_artefacts([fleet for fleet in fleets if fleet])
        for endpoint in endpoints:
            name, status = endpoint["EndpointName"], endpoint["EndpointStatus"]
            if status == "Creating":
                self.create(name)
            elif status == "Deleting":
                self.delete(name)
            elif endpoint["Live"]:
                self._in_background(name, self._deployments.serve_again)

    def close(self) -> None:
        """Kill all processes. Records stay as they are, so that `resume` continues."""
        self._fleets.kill()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _in_background(self, name: str, deploy: Callable[[str, Record], None]) -> None:
        thread = threading.Thread(target=self._deploy, args=(name, deploy), name=f"endpoint-{name}", daemon=True)
        with self._lock:
            self._threads.add(thread)
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
            if not self._fleets.closing.is_set():
                self._books.set_status(name, "Failed", "Request to service failed. Please try again.")
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
