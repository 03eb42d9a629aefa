"""Which fleet of an endpoint takes a request: the one that serves, or while an update shifts traffic one of two."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from local.sagemaker.endpoints.faults import FleetClosed
from local.sagemaker.endpoints.fleet import Fleet, Lease
from local.sagemaker.endpoints.record import VariantState


@dataclass(frozen=True)
class _Split:
    blue: Fleet
    green: Fleet | None = None
    share: float = 0.0


class Traffic:
    """Of one endpoint. Requests under way stay with the instance that has them, whatever is changed meanwhile."""

    def __init__(self, serving: Fleet, choice: random.Random) -> None:
        """``choice`` spreads requests over two fleets."""
        self._choice = choice
        self._split = _Split(serving)  # replaced as a whole: requests read it without a lock

    @property
    def serving(self) -> Fleet:
        """The fleet of the endpoint's configuration; during an update the old one."""
        return self._split.blue

    def shift(self, green: Fleet, green_active: int, blue_active: int, share: float) -> None:
        """Give ``share`` (0 to 1) of the requests to so many instances of the new fleet, the others to the old one."""
        blue = self._split.blue
        green.activate(green_active)
        self._split = _Split(blue, green, share)
        if blue_active:  # without, a request that is just choosing an instance may still choose one
            blue.activate(blue_active)

    def settle(self, fleet: Fleet) -> None:
        """Give all requests to one fleet, and all of its instances."""
        fleet.activate(None)
        self._split = _Split(fleet)

    @contextmanager
    def lease(self, target_variant: str | None) -> Iterator[Lease]:
        """A container for one request. Raises FleetClosed, NoSuchVariant, NoHealthyInstance, TooManyAtOnce."""
        with ExitStack() as held:
            yield self._take(held, target_variant)

    def pending_states(self) -> dict[str, VariantState]:
        """Of the new fleet's variants, with the instances that take traffic; empty while it takes none.

        In AWS's example of a canary of one instance of three, CurrentInstanceCount is 1 and CurrentWeight the full one:
        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        green = self._split.green
        return green.states(active_only=True) if green else {}

    def active_instances(self, variant: str) -> int:
        """How many instances of the variant take requests, of both fleets."""
        split = self._split
        fleets = [fleet for fleet, share in ((split.blue, 1 - split.share), (split.green, split.share)) if share > 0]
        states = (fleet.states(active_only=True).get(variant) for fleet in fleets if fleet)
        return sum(state.instance_count for state in states if state)

    def _take(self, held: ExitStack, target_variant: str | None) -> Lease:
        while True:
            split = self._split
            to_green = split.green is not None and self._choice.random() < split.share
            fleet = split.green if to_green and split.green else split.blue
            try:
                return held.enter_context(fleet.lease(target_variant))
            except FleetClosed:
                if self._split is split:
                    raise  # otherwise traffic was shifted a moment ago
