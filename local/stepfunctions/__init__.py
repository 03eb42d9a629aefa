"""Step Functions: moto's interpreter of Amazon States Language, repaired, behind an API of our own.

The API, the store and the journal are ours; moto parses definitions and evaluates states. `install` puts it together.
"""

import logging
import threading
from typing import Any, Final

from local.context import Cloud
from local.faults.plan import FaultPlan
from local.faults.process import kill_cloud
from local.journal.executions import ExecutionJournal
from local.stepfunctions import repairs
from local.stepfunctions.backend import StepFunctionsBackend
from local.stepfunctions.execution_api import ExecutionApi
from local.stepfunctions.executions import Execution, Executions
from local.stepfunctions.machine_api import MachineApi
from local.stepfunctions.machines import StateMachines
from local.stepfunctions.permissions import PRINCIPAL, Permissions
from local.stepfunctions.tokens import TaskTokens

# Private parts of the emulators that this package relies on, as module:Class.attribute.
TOUCHED: Final = (
    *repairs.TOUCHED,
    "ministack.app:_MAIN_LOOP",
    "ministack.services.eventbridge:_put_events",
    "ministack.core.responses:request_scope",
)
# The same by module, for the check at every start.
TOUCHED_SYMBOLS: Final = repairs.by_module(TOUCHED)
_log = logging.getLogger(__name__)


def install(cloud: Cloud) -> StepFunctionsBackend:
    """The back end, with what it remembers; what was running goes on once the front door answers."""
    from local.stepfunctions import status_events
    from local.stepfunctions.outside import assume_role, authorize, clients_for

    permissions = Permissions(assume_role, authorize)
    backend, suspend, resume = assemble(cloud, clients_for, permissions, status_events.changed)
    cloud.on_ready.append(resume)
    # The first definition would wait for it; meanwhile others have time to start.
    cloud.on_ready.append(lambda: threading.Thread(target=repairs.apply, name="interpreter", daemon=True).start())
    cloud.on_stop.append(suspend)
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
            entered=lambda state: _meet_fault(cloud.faults, execution.subject.machine_name, state),
            going_down=going_down,
            most_events=cloud.configuration.history_events,
        )

    executions = Executions(cloud.clock, journal, tokens, world, changed)
    executions.remember(recovered.executions.values())
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
            if count := executions.resume():
                _log.info("%d executions go on", count)
        finally:
            backend.resumed.set()

    def suspend() -> None:
        going_down.set()
        executions.suspend()
        journal.close()

    return backend, suspend, resume


def _meet_fault(plan: FaultPlan, machine: str, state: str) -> None:
    fault = plan.of_entry(machine, state)
    if fault is not None:
        kill_cloud(fault)


__all__ = ["PRINCIPAL", "TOUCHED", "StepFunctionsBackend", "assemble", "install"]
