"""Brings endpoints to the state that their records ask for, each deployment on a thread of its own."""

import logging
import random
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.clock import Clock
from local.sagemaker.container_environment import container_environment
from local.sagemaker.endpoints import record as records
from local.sagemaker.endpoints.artefacts import ModelArtefacts
from local.sagemaker.endpoints.faults import FleetAbandoned, FleetClosed, FleetFault
from local.sagemaker.endpoints.fleet import Fleet, Lease
from local.sagemaker.endpoints.instance import Instance
from local.sagemaker.endpoints.ports import Ports
from local.sagemaker.endpoints.record import VariantState
from local.sagemaker.endpoints.specification import FleetSpecification, VariantSpecification
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.json_rpc import Json
from local.sagemaker.launcher import Launcher, RunningContainer, Workload
from local.sagemaker.log_stream import LogStream
from local.sagemaker.store import Record, Store

log = logging.getLogger(__name__)

LOG_GROUP = "/aws/sagemaker/Endpoints/{endpoint}"


class EndpointNotServing(Exception):
    """There is no such endpoint, or it has never been in service."""


class Endpoints:
    """The fleets that serve. ``folder`` holds their artefacts; ``seed`` decides how weights become choices."""

    def __init__(
        self,
        store: Store,
        front_door: FrontDoor,
        launcher: Launcher,
        clock: Clock,
        region: str,
        folder: Path,
        seed: int = 0,
    ) -> None:
        self._store = store
        self._front_door = front_door
        self._launcher = launcher
        self._clock = clock
        self._region = region
        self._artefacts = ModelArtefacts(folder, front_door, region)
        self._seed = seed
        self._ports = Ports()
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
                if self._closing or self._serving.get(name.lower()) is fleet:
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

    def mark_interrupted(self) -> None:
        """Before the front door opens after a restart: nothing is served yet, and the records say so."""
        for endpoint in self._store.all(records.KIND):
            if endpoint["Live"] and endpoint["EndpointStatus"] != "Deleting":
                status = "Updating" if endpoint["Pending"] else "SystemUpdating"
                self._set_status(endpoint["EndpointName"], status, endpoint.get("FailureReason"))

    def resume(self) -> None:
        """Serve what was served, finish what was begun."""
        endpoints = self._store.all(records.KIND)
        self._artefacts.keep_only(
            [fleet for endpoint in endpoints for fleet in (records.live(endpoint), records.pending(endpoint)) if fleet]
        )
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
        def run() -> None:
            try:
                endpoint = self._store.get(records.KIND, name)
                if endpoint is not None:
                    deploy(name, endpoint)
            except FleetAbandoned:
                pass
            except Exception:
                log.exception("endpoint %s", name)
                if not self._closing:
                    self._set_status(name, "Failed", "Request to service failed. Please try again.")
            finally:
                with self._lock:
                    self._deployments.discard(thread)

        thread = threading.Thread(target=run, name=f"endpoint-{name}", daemon=True)
        with self._lock:
            self._deployments.add(thread)
        thread.start()

    def _create(self, name: str, endpoint: Record) -> None:
        specification = records.pending(endpoint)
        assert specification is not None  # it was given at creation
        try:
            fleet = self._start_fleet(name, specification)
        except FleetFault as fault:
            self._change(name, "Failed", str(fault))
            return
        self._serve(name, fleet)
        self._change(name, "InService", live=specification)

    def _update(self, name: str, endpoint: Record) -> None:
        specification, old = records.pending(endpoint), self._serving.get(name.lower())
        assert specification is not None  # it was given with the update
        try:
            fleet = self._start_fleet(name, specification)
        except FleetFault as fault:
            # The endpoint goes on with the configuration it had; only when that does not serve either is it in trouble.
            healthy = old is not None and old.is_healthy()
            self._change(name, "InService" if healthy else "UpdateRollbackFailed", str(fault))
            return
        self._serve(name, fleet)
        self._change(name, "InService", live=specification)
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
            self._change(name, "InService", str(fault), live=specification)
            return
        self._change(name, "InService")

    def _delete(self, name: str, endpoint: Record) -> None:
        fleet = self._serving.pop(name.lower(), None)
        if fleet is not None:
            self._end_fleet(fleet)
        self._store.untag(endpoint["EndpointArn"])
        self._store.delete(records.KIND, name)

    def _serve_again(self, name: str, endpoint: Record) -> None:
        specification = records.live(endpoint)
        assert specification is not None  # only such endpoints are resumed
        try:
            fleet = self._start_fleet(name, specification)
        except FleetFault as fault:
            self._set_status(name, "Failed", str(fault))  # tried again at the next start
            return
        self._serve(name, fleet)
        if endpoint["Pending"]:
            self._update(name, endpoint)
        else:
            self._set_status(name, "InService", endpoint.get("FailureReason"))

    def _start_fleet(self, name: str, specification: FleetSpecification) -> Fleet:
        """Raises FleetFault and leaves nothing behind, or FleetAbandoned."""
        fleet = Fleet(
            specification,
            lambda of, variant: self._instance(name, of.fleet_id, variant),
            random.Random(f"{self._seed}/{specification.fleet_id}"),
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

    def _instance(self, endpoint: str, fleet_id: str, variant: VariantSpecification) -> Instance:
        instance_id = f"i-{secrets.token_hex(8)}"
        base_dir = self._artefacts.instance_folder(fleet_id, variant.name, instance_id)

        def launch(port: int) -> RunningContainer:
            try:
                credentials = self._front_door.assume(variant.role_arn, "SageMaker")
            except RoleRefused as refusal:
                raise FleetFault(str(refusal)) from refusal
            logs = LogStream(
                self._front_door.client("logs", credentials),
                self._clock,
                LOG_GROUP.format(endpoint=endpoint),
                f"{variant.name}/{instance_id}",
            )
            aws = container_environment(self._front_door.url, self._region, None if variant.isolated else credentials)
            workload = Workload(
                name=f"{endpoint}-{variant.name}-{instance_id}",
                entry_point="serve",
                image=variant.image,
                base_dir=base_dir,
                own_environment=variant.environment,
                environment=aws,
                port=port,
            )
            return self._launcher.launch(workload, logs.write)

        return Instance(variant, launch, self._ports.take, self._clock)

    def _change(
        self, name: str, status: str, failure: str | None = None, live: FleetSpecification | None = None
    ) -> None:
        """Record how a deployment ended."""

        def change(endpoint: Record) -> None:
            records.set_status(endpoint, status, self._clock.now(), failure)
            # A failed creation keeps its pending fleet, so that the endpoint can still be described.
            if status != "Failed":
                endpoint["Pending"] = None
            if live is not None:
                endpoint["Live"] = live.to_json()

        self._store.update(records.KIND, name, change)

    def _set_status(self, name: str, status: str, failure: str | None = None) -> None:
        def change(endpoint: Json) -> None:
            records.set_status(endpoint, status, self._clock.now(), failure)

        self._store.update(records.KIND, name, change)
