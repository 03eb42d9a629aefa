"""Step Functions: moto's interpreter of Amazon States Language, repaired, behind an API of our own.

The API, the store and the journal are ours; moto parses definitions and evaluates states. `install` puts it together.
"""

import logging
import threading
from typing import Any, Final

from local.context import Cloud
from local.journal.executions import ExecutionJournal
from local.stepfunctions.backend import StepFunctionsBackend
from local.stepfunctions.execution_api import ExecutionApi
from local.stepfunctions.executions import Execution, Executions
from local.stepfunctions.interpreter.repairs import TOUCHED as _TOUCHED_IN_MOTO
from local.stepfunctions.machine_api import MachineApi
from local.stepfunctions.machines import StateMachines
from local.stepfunctions.permissions import PRINCIPAL, Permissions
from local.stepfunctions.status_events import StatusEvents
from local.stepfunctions.tokens import TaskTokens

# Private parts of the emulators that this package relies on, as module:Class.attribute.
TOUCHED: Final = (
    *_TOUCHED_IN_MOTO,
    "ministack.services.eventbridge:_put_events",
    "ministack.core.responses:request_scope",
)
_log = logging.getLogger(__name__)


def install(cloud: Cloud) -> StepFunctionsBackend:
    """The back end, with what it remembers; what was running goes on once the front door answers."""
    from local.stepfunctions.outside import assume_role, authorize, clients_for

    status_events = StatusEvents()
    backend, suspend, resume = assemble(
        cloud,
        clients_for,
        Permissions(assume_role, authorize),
        status_events.changed,
    )

    def stop() -> None:
        suspend()
        status_events.close()

    cloud.on_ready.append(resume)
    cloud.on_stop.append(stop)
    return backend


def assemble(
    cloud: Cloud, clients_for: Any, permissions: Permissions, changed: Any
) -> tuple[StepFunctionsBackend, Any, Any]:
    """(the back end, what to call before the cloud stops, what to call when it is ready).

    ``clients_for`` gives an execution its API clients; ``changed`` is told of every change of status.
    """
    state_dir = cloud.configuration.state_dir
    journal = ExecutionJournal(state_dir / "stepfunctions" if state_dir else None)
    recovered = journal.recover(cloud.clock.now())
    tokens = TaskTokens(cloud.clock, journal)
    going_down = threading.Event()

    def world(execution: Execution) -> Any:
        from local.stepfunctions.interpreter.environment import World

        return World(
            clock=cloud.clock,
            clients=clients_for(execution.subject.machine_arn),
            tokens=tokens,
            watch=executions.watch,
            broken=lambda fault: executions.broken(execution, fault),
            going_down=going_down,
        )

    executions = Executions(cloud.clock, journal, tokens, world, changed)
    machines = StateMachines(cloud.clock, journal, permissions)
    machines.recovered(recovered.machines)
    backend = StepFunctionsBackend(
        MachineApi(cloud.clock, machines, executions),
        ExecutionApi(machines, executions, tokens),
        tokens,
        lambda arn: executions.get(arn).subject.machine_arn,
    )

    def resume() -> None:
        try:
            running = executions.resume(recovered.executions.values())
            if running:
                _log.info("%d executions go on", len(running))
        finally:
            backend.resumed.set()

    def suspend() -> None:
        going_down.set()
        executions.suspend()
        journal.close()

    if not recovered.executions:
        backend.resumed.set()
    return backend, suspend, resume


__all__ = ["PRINCIPAL", "TOUCHED", "StepFunctionsBackend", "assemble", "install"]
