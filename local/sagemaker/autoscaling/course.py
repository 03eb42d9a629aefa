"""What a variant's capacity was and when it changed: a metric per instance speaks of the instances of its time."""

from local.sagemaker.autoscaling.records import COURSE, ScaledVariant
from local.sagemaker.store import Record, Store
from scaling.datapoints import Datapoint
from scaling.targets import Cooldowns
from scaling.tracking import Measured

# More than any window of a target-tracking alarm holds changes.
_MOST_CHANGES = 40


class Course:
    """Kept in the store, with the cooldowns that run."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def seen(self, scaled: ScaledVariant, capacity: int, now: float) -> None:
        """The capacity that runs now; unknown to this course when somebody else has changed it."""
        record = self._record(scaled)
        if not record["Changes"] or record["Changes"][-1][1] != capacity:
            record["Changes"] = [*record["Changes"], [now, capacity]][-_MOST_CHANGES:]
            self._store.put(COURSE, scaled.resource_id, record)

    def measured(self, scaled: ScaledVariant, points: list[Datapoint], capacity: int) -> list[Measured]:
        """Each datapoint with the capacity at the beginning of its period; ``capacity`` where that is not known."""
        changes = self._record(scaled)["Changes"]
        return [
            Measured(point.value, _at(changes, point.time, capacity)) for point in points if point.value is not None
        ]

    def cooldowns(self, scaled: ScaledVariant) -> Cooldowns:
        """None runs until an activity of a policy was fulfilled."""
        return Cooldowns(**self._record(scaled)["Cooldowns"])

    def cool(self, scaled: ScaledVariant, cooldowns: Cooldowns) -> None:
        """From now on these run."""
        record = self._record(scaled)
        record["Cooldowns"] = {
            "out_until": cooldowns.out_until,
            "out_base": cooldowns.out_base,
            "in_until": cooldowns.in_until,
        }
        self._store.put(COURSE, scaled.resource_id, record)

    def _record(self, scaled: ScaledVariant) -> Record:
        return self._store.get(COURSE, scaled.resource_id) or {"Changes": [], "Cooldowns": {}}


def _at(changes: list[list[float]], time: float, otherwise: int) -> int:
    before = [int(capacity) for since, capacity in changes if since <= time]
    if before:
        return before[-1]
    return int(changes[0][1]) if changes else otherwise
