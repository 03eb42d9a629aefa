"""What every part of the embedded cloud is handed when it is installed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.clock import Clock
from local.cloudwatch.ports import AlarmPorts
from local.configuration import Configuration
from local.faults.plan import FaultPlan


@dataclass(frozen=True)
class Cloud:
    """One running embedded cloud: its settings, its time, and what to do when it has started and when it stops.

    ``on_ready`` run in order on one thread once the front door answers (resume what a crash interrupted); ``on_stop``
    run in reverse order before the front door closes (end child processes, flush). Neither may block for long.
    ``pages`` are what parts show of their inside under ``/_cloud/<name>``. ``faults`` is what
    is to go wrong on purpose. ``alarms`` joins CloudWatch's alarms to what they are about.
    """

    configuration: Configuration
    clock: Clock
    on_ready: list[Callable[[], None]] = field(default_factory=list)
    on_stop: list[Callable[[], None]] = field(default_factory=list)
    pages: dict[str, Callable[[], dict[str, Any]]] = field(default_factory=dict)
    faults: FaultPlan = field(default_factory=FaultPlan)
    alarms: AlarmPorts = field(default_factory=AlarmPorts)
