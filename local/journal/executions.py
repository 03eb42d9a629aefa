"""What Step Functions remembers over a restart, also after `kill -9`.

One append-only log holds everything; finished executions keep their history in a file of their own, written once.

What is recorded, and keyed by what:

``machine``     a state machine as it is now, by ARN; null when it was deleted
``definition``  a definition's text by its SHA-256: executions name the one they started with
``start``       what StartExecution fixed, by execution ARN: machine, role, input, time, and the seed that every
                random choice and task token of the execution is derived from
``effect``      what an execution learnt from outside itself, by (execution ARN, scope), in order. A scope is one line
                of execution: the program, one branch of a Parallel state, one iteration of a Map state. Kinds of
                effects: ``event`` [id, time, previous id] of a history event, ``time`` that an expression asked,
                ``calling`` before and ``called`` after an API call, ``outcome`` of waiting for a job or a token
``answer``      what SendTaskSuccess or SendTaskFailure said, by task token: acknowledged means recorded
``heartbeat``   when a task token was last seen alive, by task token
``end``         the final status, by execution ARN, and where a redrive would go on; its history is in ``histories/``
``told``        the final status has been handed to the event bus
``redriven``    an execution that had ended goes on; the effects that follow are those since then
``forgotten``   an execution that went with its state machine

An execution that was running is *replayed*: its program runs again from the start (or from where it was redriven) with
the definition, input and seed of its start, and every effect is taken from the log instead of the world, until the log
has no more; from there it runs on. Waits and timeouts need no records: their deadlines are counted from recorded
events, in the cloud's time, which goes on while the cloud is down. Finished executions are not replayed.

A call that was under way when the process died has a ``calling`` without a ``called`` and is made again, as AWS may do;
integrations that can tell whether it had arrived (jobs, child executions) adopt what it started.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.journal.append_log import AppendLog

Json = dict[str, Any]
Effect = tuple[str, Any]
"""Its kind and its value."""

# AWS keeps the executions of standard workflows for 90 days.
RETENTION_SECONDS = 90 * 86_400


@dataclass
class Unfinished:
    """An execution to replay."""

    start: Json
    definition: str
    effects: dict[str, list[Effect]] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    heartbeats: dict[str, float] = field(default_factory=dict)
    redrive: Json | None = None


@dataclass(frozen=True)
class Finished:
    """An execution that ended: its history is read from the journal when somebody asks."""

    start: Json
    definition: str
    end: Json
    redrive: Json | None = None
    told: bool = False


@dataclass
class Recovered:
    """What the log held, executions in order of their start."""

    machines: dict[str, Json] = field(default_factory=dict)
    executions: dict[str, Unfinished | Finished] = field(default_factory=dict)


class ExecutionJournal:
    """The log of one cloud. With no folder nothing survives, and histories are kept in memory."""

    def __init__(self, folder: Path | None) -> None:
        """Raises BlockingIOError when another process uses the folder."""
        self._folder = folder
        self._log = AppendLog(folder / "executions.jsonl") if folder else None
        self._definitions: set[str] = set()
        self._histories: dict[str, bytes] = {}

    def recover(self, now: float) -> Recovered:
        """Read the log and shorten it: effects of finished executions go, and what is older than RETENTION_SECONDS."""
        if self._log is None:
            return Recovered()
        recovered, definitions = _read(self._log.records())
        for arn, execution in list(recovered.executions.items()):
            if isinstance(execution, Finished) and execution.end["stopped_at"] < now - RETENTION_SECONDS:
                del recovered.executions[arn]
                self._history_path(arn).unlink(missing_ok=True)
        self._definitions = {digest(execution.definition) for execution in recovered.executions.values()}
        self._log.replace(_written(recovered, {key: definitions[key] for key in self._definitions}))
        return recovered

    def machine(self, arn: str, record: Json | None) -> None:
        self._append({"t": "machine", "arn": arn, "record": record})

    def started(self, arn: str, start: Json, definition: str) -> None:
        key = digest(definition)
        if key not in self._definitions:
            self._append({"t": "definition", "key": key, "text": definition})
            self._definitions.add(key)
        self._append({"t": "start", "arn": arn, "start": start, "definition": key})

    def effect(self, arn: str, scope: str, kind: str, value: Any) -> None:
        self._append({"t": "effect", "arn": arn, "scope": scope, "kind": kind, "value": value})

    def answered(self, arn: str, token: str, answer: Json) -> None:
        self._append({"t": "answer", "arn": arn, "token": token, "answer": answer})

    def heartbeat(self, arn: str, token: str, at: float) -> None:
        self._append({"t": "heartbeat", "arn": arn, "token": token, "at": at})

    def finished(self, arn: str, end: Json, history: list[Json]) -> None:
        """The history goes first: an end without one would be an execution that can never be read again."""
        content = gzip.compress(json.dumps(history, separators=(",", ":")).encode(), compresslevel=1)
        if self._folder is None:
            self._histories[arn] = content
            return
        path = self._history_path(arn)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_bytes(content)
        beside.replace(path)
        self._append({"t": "end", "arn": arn, "end": end})

    def told(self, arn: str) -> None:
        self._append({"t": "told", "arn": arn})

    def redriven(self, arn: str, redrive: Json) -> None:
        self._append({"t": "redriven", "arn": arn, "redrive": redrive})

    def history(self, arn: str) -> list[Json]:
        """The events up to an execution's last end. Raises KeyError when there is none."""
        if self._folder is None:
            content = self._histories[arn]
        else:
            try:
                content = self._history_path(arn).read_bytes()
            except FileNotFoundError as fault:
                raise KeyError(arn) from fault
        events: list[Json] = json.loads(gzip.decompress(content))
        return events

    def forgotten(self, arn: str) -> None:
        self._histories.pop(arn, None)
        self._append({"t": "forgotten", "arn": arn})
        if self._folder is not None:
            self._history_path(arn).unlink(missing_ok=True)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _append(self, record: Json) -> None:
        if self._log is not None:
            self._log.append(record)

    def _history_path(self, arn: str) -> Path:
        assert self._folder is not None
        return self._folder / "histories" / f"{digest(arn)[:40]}.json.gz"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(records: Iterable[Json]) -> tuple[Recovered, dict[str, str]]:
    recovered, definitions = Recovered(), {}
    for record in records:
        kind, arn = record["t"], record.get("arn", "")
        if kind == "definition":
            definitions[record["key"]] = record["text"]
        elif kind == "machine" and record["record"] is None:
            recovered.machines.pop(arn, None)
        elif kind == "machine":
            recovered.machines[arn] = record["record"]
        elif kind == "start":
            recovered.executions[arn] = Unfinished(record["start"], definitions[record["definition"]])
        elif kind == "forgotten":
            recovered.executions.pop(arn, None)
        elif (execution := recovered.executions.get(arn)) is not None:
            recovered.executions[arn] = _after(execution, record)
    return recovered, definitions


def _after(execution: Unfinished | Finished, record: Json) -> Unfinished | Finished:
    """The execution with what one record tells about it; what comes too late changes nothing."""
    match execution, record["t"]:
        case Unfinished(), "effect":
            execution.effects.setdefault(record["scope"], []).append((record["kind"], record["value"]))
        case Unfinished(), "answer":
            execution.answers[record["token"]] = record["answer"]
        case Unfinished(), "heartbeat":
            execution.heartbeats[record["token"]] = record["at"]
        case Unfinished(), "end":
            return Finished(execution.start, execution.definition, record["end"], execution.redrive)
        case Finished(), "told":
            return replace(execution, told=True)
        case Finished(), "redriven":
            return Unfinished(execution.start, execution.definition, redrive=record["redrive"])
        case Unfinished(), "redriven":
            execution.redrive = record["redrive"]
    return execution


def _written(recovered: Recovered, definitions: dict[str, str]) -> Iterator[Json]:
    for arn, machine in recovered.machines.items():
        yield {"t": "machine", "arn": arn, "record": machine}
    for key, text in definitions.items():
        yield {"t": "definition", "key": key, "text": text}
    for arn, execution in recovered.executions.items():
        yield {"t": "start", "arn": arn, "start": execution.start, "definition": digest(execution.definition)}
        if execution.redrive is not None:
            yield {"t": "redriven", "arn": arn, "redrive": execution.redrive}
        yield from _written_end(arn, execution) if isinstance(execution, Finished) else _written_life(arn, execution)


def _written_end(arn: str, execution: Finished) -> Iterator[Json]:
    yield {"t": "end", "arn": arn, "end": execution.end}
    if execution.told:
        yield {"t": "told", "arn": arn}


def _written_life(arn: str, execution: Unfinished) -> Iterator[Json]:
    for scope, effects in execution.effects.items():
        for kind, value in effects:
            yield {"t": "effect", "arn": arn, "scope": scope, "kind": kind, "value": value}
    for token, answer in execution.answers.items():
        yield {"t": "answer", "arn": arn, "token": token, "answer": answer}
    for token, at in execution.heartbeats.items():
        yield {"t": "heartbeat", "arn": arn, "token": token, "at": at}
