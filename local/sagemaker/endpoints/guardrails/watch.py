"""Waits through the bakes of an update, and ends it when an alarm sounds or its time is over."""

import threading
from collections.abc import Callable

from local.clock import Clock
from local.sagemaker.endpoints.faults import FleetAbandoned
from local.sagemaker.endpoints.guardrails.alarms import AlarmsUnreadable

# How often alarms are read: of the cloud's time, and of real time however fast the cloud's clock runs.
_POLL_CLOUD_SECONDS, _POLL_REAL_SECONDS = 1.0, 0.1


class DeploymentHalted(Exception):
    """The update is to be rolled back; the message is the endpoint's FailureReason.

    AWS does not document its wording [unverified].
    """


class Watch:
    """Of one update. ``sounding`` names the alarms in state ALARM; ``deadline`` is an epoch second of the cloud."""

    def __init__(
        self, clock: Clock, sounding: Callable[[], list[str]], deadline: float | None, stopping: threading.Event
    ) -> None:
        """``stopping`` is set when the server ends."""
        self._clock = clock
        self._sounding = sounding
        self._deadline = deadline
        self._stopping = stopping

    def after(self, seconds: float) -> float:
        """The epoch second of the cloud at which a bake that begins now is over."""
        return self._clock.now() + seconds

    def bake(self, end: float) -> None:
        """Wait; alarms are read at the beginning, meanwhile and at the end. Raises DeploymentHalted, FleetAbandoned."""
        while True:
            over = self._clock.now() >= end  # before the alarms are read, so that they are read once more afterwards
            self._check()
            if over:
                return
            poll = max(_POLL_CLOUD_SECONDS, _POLL_REAL_SECONDS * self._clock.factor)
            self._clock.wait(self._stopping, min(end - self._clock.now(), poll))

    def _check(self) -> None:
        if self._stopping.is_set():
            raise FleetAbandoned
        try:
            alarms = self._sounding()
        except AlarmsUnreadable as fault:
            raise DeploymentHalted(f"The deployment was rolled back: {fault}") from fault
        if alarms:
            raise DeploymentHalted(
                f"One or more alarms of the auto-rollback configuration are in state ALARM: {', '.join(alarms)}. "
                "The deployment was rolled back."
            )
        if self._deadline is not None and self._clock.now() > self._deadline:
            raise DeploymentHalted(
                "The deployment did not complete within MaximumExecutionTimeoutInSeconds and was rolled back."
            )
