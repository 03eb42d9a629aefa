"""The operations on executions and task tokens."""

from collections.abc import Callable
from typing import Any, Final

from local.gateway.protocol import Request
from local.stepfunctions.executions import RUNNING, Execution, Executions
from local.stepfunctions.machines import StateMachines
from local.stepfunctions.paging import page
from local.stepfunctions.run import Subject
from local.stepfunctions.tokens import TaskTokens

Json = dict[str, Any]
Operation = Callable[[Json, Request], Json]

_SHOWN_CONFIGURATIONS: Final = ("loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
_DATA: Final = ("input", "inputDetails", "output", "outputDetails", "parameters")


class ExecutionApi:
    """One method per operation; times are epoch seconds."""

    def __init__(self, machines: StateMachines, executions: Executions, tokens: TaskTokens) -> None:
        self._machines = machines
        self._executions = executions
        self._tokens = tokens

    def operations(self) -> dict[str, Operation]:
        return {
            "StartExecution": self._start,
            "StopExecution": self._stop,
            "DescribeExecution": self._describe,
            "DescribeStateMachineForExecution": self._describe_machine,
            "ListExecutions": self._list,
            "GetExecutionHistory": self._history,
            "RedriveExecution": self._redrive,
            "SendTaskSuccess": self._succeed,
            "SendTaskFailure": self._fail,
            "SendTaskHeartbeat": self._heartbeat,
        }

    def _start(self, given: Json, request: Request) -> Json:
        record, version = self._machines.qualified(given["stateMachineArn"])
        source = record | (version or {})
        machine: Json = {key: source[key] for key in ("name", "revisionId", *_SHOWN_CONFIGURATIONS) if key in source}
        machine |= {
            "stateMachineArn": record["stateMachineArn"],
            "updateDate": record["updateDate"],
            "name": record["name"],
        }
        if version is not None:
            machine["stateMachineVersionArn"] = version["stateMachineVersionArn"]
            if given["stateMachineArn"] != version["stateMachineVersionArn"]:
                machine["stateMachineAliasArn"] = given["stateMachineArn"]
        subject = Subject(
            arn="",
            name=given.get("name") or "",
            machine_arn=record["stateMachineArn"],
            machine_name=record["name"],
            role_arn=source["roleArn"],
            definition=source["definition"],
            input="{}" if given.get("input") is None else given["input"],
            started_at=0.0,
            seed="",
            account=request.account,
            region=request.region,
        )
        execution = self._executions.start(subject, machine, given.get("traceHeader"))
        return {"executionArn": execution.subject.arn, "startDate": execution.subject.started_at}

    def _stop(self, given: Json, _: Request) -> Json:
        execution = self._executions.get(given["executionArn"])
        self._executions.stop(execution, given.get("error"), given.get("cause"))
        return {"stopDate": execution.stopped_at}

    def _describe(self, given: Json, _: Request) -> Json:
        execution = self._executions.get(given["executionArn"])
        subject, outcome = execution.subject, execution.outcome
        hindrance = self._executions.hindrance(execution)
        told: Json = _listed(execution) | {
            "input": subject.input,
            "inputDetails": {"included": True},
            "redriveStatus": "REDRIVABLE" if hindrance is None else "NOT_REDRIVABLE",
        }
        if hindrance is not None:
            told["redriveStatusReason"] = hindrance
        if execution.trace_header:
            told["traceHeader"] = execution.trace_header
        if outcome is not None:
            told |= {
                key: value for key, value in (("error", outcome.error), ("cause", outcome.cause)) if value is not None
            }
            if outcome.output is not None:
                told |= {"output": outcome.output, "outputDetails": {"included": True}}
        return told

    def _describe_machine(self, given: Json, _: Request) -> Json:
        execution = self._executions.get(given["executionArn"])
        machine = execution.machine
        return {key: value for key, value in machine.items() if key not in _QUALIFIERS} | {
            "definition": execution.subject.definition,
            "roleArn": execution.subject.role_arn,
        }

    def _list(self, given: Json, _: Request) -> Json:
        record, version = self._machines.qualified(given["stateMachineArn"])
        found = self._executions.of_machine(record["stateMachineArn"])
        if version is not None:
            arn = given["stateMachineArn"]
            found = [each for each in found if arn in (each.machine.get(key) for key in _QUALIFIERS)]
        status = given.get("statusFilter")
        if status is not None:
            found = [each for each in found if each.status == status]
        redriven = given.get("redriveFilter")
        if redriven is not None:
            found = [each for each in found if (each.redrive is not None) == (redriven == "REDRIVEN")]
        return page(found, given, "executions", _listed)

    def _history(self, given: Json, _: Request) -> Json:
        execution = self._executions.get(given["executionArn"])
        events = self._executions.history(execution)
        if given.get("reverseOrder"):
            events = events[::-1]
        shown = (lambda event: event) if given.get("includeExecutionData", True) else _without_data
        return page(events, given, "events", shown)

    def _redrive(self, given: Json, _: Request) -> Json:
        execution = self._executions.get(given["executionArn"])
        return {"redriveDate": self._executions.redrive(execution, given.get("clientToken"))}

    def _settled(self, given: Json) -> None:
        self._executions.settle(self._executions.get(self._tokens.execution_of(given["taskToken"])))

    def _succeed(self, given: Json, _: Request) -> Json:
        self._settled(given)
        self._tokens.succeed(given["taskToken"], given["output"])
        return {}

    def _fail(self, given: Json, _: Request) -> Json:
        self._settled(given)
        self._tokens.fail(given["taskToken"], given.get("error"), given.get("cause"))
        return {}

    def _heartbeat(self, given: Json, _: Request) -> Json:
        self._settled(given)
        self._tokens.heartbeat(given["taskToken"])
        return {}


_QUALIFIERS: Final = ("stateMachineVersionArn", "stateMachineAliasArn")


def _listed(execution: Execution) -> Json:
    subject, machine = execution.subject, execution.machine
    told: Json = {
        "executionArn": subject.arn,
        "stateMachineArn": machine["stateMachineArn"],
        "name": subject.name,
        "status": execution.status,
        "startDate": subject.started_at,
        "redriveCount": execution.redrive.count if execution.redrive else 0,
    }
    if execution.redrive is not None:
        told["redriveDate"] = execution.redrive.at
    if execution.status != RUNNING:
        told["stopDate"] = execution.stopped_at
    return told | {key: machine[key] for key in _QUALIFIERS if key in machine}


def _without_data(event: Json) -> Json:
    return {
        key: {name: item for name, item in value.items() if name not in _DATA} if isinstance(value, dict) else value
        for key, value in event.items()
    }
