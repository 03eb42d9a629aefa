"""Keeps the records of endpoints in step with what is deployed."""

from local.clock import Clock
from local.sagemaker.endpoints import record as records
from local.sagemaker.endpoints.guardrails.progress import Progress
from local.sagemaker.endpoints.specification import FleetSpecification
from local.sagemaker.store import Record, Store


class Bookkeeping:
    """The records of endpoints, changed only here once they exist."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def get(self, name: str) -> Record | None:
        """A copy of the record; None when there is no such endpoint."""
        return self._store.get(records.KIND, name)

    def all(self) -> list[Record]:
        """Copies of all records, oldest first."""
        return self._store.all(records.KIND)

    def set_status(self, name: str, status: str, failure: str | None = None) -> None:
        """The status alone; a failure reason that is not given again is forgotten."""
        self._store.update(
            records.KIND, name, lambda endpoint: records.set_status(endpoint, status, self._clock.now(), failure)
        )

    def end_deployment(
        self, name: str, status: str, failure: str | None = None, live: FleetSpecification | None = None
    ) -> None:
        """Record how a deployment ended; ``live`` is the fleet that serves now, if that is another one."""

        def change(endpoint: Record) -> None:
            records.set_status(endpoint, status, self._clock.now(), failure)
            # A failed creation keeps its pending fleet, so that the endpoint can still be described.
            if status != "Failed":
                endpoint["Pending"] = None
            endpoint.pop("Rollout", None)
            if live is not None:
                endpoint["Live"] = live.to_json()

        self._store.update(records.KIND, name, change)

    def set_progress(self, name: str, step: Progress) -> None:
        """How far an update is."""
        self._store.update(records.KIND, name, lambda endpoint: records.set_progress(endpoint, step, self._clock.now()))

    def begin_roll_back(self, name: str, reason: str) -> None:
        """From now on an update ends with the old fleet, also over a restart."""
        self._store.update(records.KIND, name, lambda endpoint: records.begin_roll_back(endpoint, reason))

    def mark_interrupted(self) -> None:
        """After the server was stopped nothing is served, until it is deployed again."""
        for endpoint in self.all():
            if endpoint["Live"] and endpoint["EndpointStatus"] != "Deleting":
                status = "Updating" if endpoint["Pending"] else records.RETURNING
                self.set_status(endpoint["EndpointName"], status, endpoint.get("FailureReason"))

    def forget(self, endpoint: Record) -> None:
        """Remove the record and its tags."""
        with self._store.transaction():
            self._store.untag(endpoint["EndpointArn"])
            self._store.delete(records.KIND, endpoint["EndpointName"])
