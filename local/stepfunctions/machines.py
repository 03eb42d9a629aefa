"""State machines, their versions and aliases: created, changed, described; every change is in the journal first."""

import hashlib
import json
import re
import threading
import uuid
from typing import Any, Final

from local.clock import Clock
from local.journal.executions import ExecutionJournal
from local.stepfunctions.definition import InvalidDefinition, program
from local.stepfunctions.faults import (
    StatesFault,
    invalid_arn,
    invalid_definition,
    invalid_name,
    no_state_machine,
    not_in_embedded_cloud,
    validation,
)
from local.stepfunctions.permissions import Permissions

Json = dict[str, Any]

_NAME: Final = re.compile(r"[A-Za-z0-9_\-]{1,80}")
_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:stateMachine:(?P<name>[^:]+)(?::(?P<qualifier>[^:]+))?"
)
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_CONFIGURATIONS: Final = {
    "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
    "tracingConfiguration": {"enabled": False},
    "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
}


class StateMachines:
    """By ARN. Records are JSON in the API's names, with versions, aliases and tags beside; copies are handed out."""

    def __init__(self, clock: Clock, journal: ExecutionJournal, permissions: Permissions) -> None:
        self._clock = clock
        self._journal = journal
        self._permissions = permissions
        self._lock = threading.RLock()
        self._records: dict[str, Json] = {}

    def recovered(self, records: dict[str, Json]) -> None:
        self._records = records

    def create(self, request: Json, account: str, region: str) -> Json:
        """The same request again is the same machine. Raises StatesFault."""
        name, definition, role = request["name"], request["definition"], request["roleArn"]
        if not _NAME.fullmatch(name):
            raise invalid_name(name)
        if request.get("type", "STANDARD") != "STANDARD":
            raise not_in_embedded_cloud("express workflows")
        if request.get("versionDescription") and not request.get("publish"):
            raise validation("Version description can only be set when publish is true")
        arn = f"arn:aws:states:{region}:{account}:stateMachine:{name}"
        self._check(definition, role, arn, region)
        with self._lock:
            if (known := self._records.get(arn)) is not None:
                return self._same(known, request)
            now = self._now()
            record = {
                "stateMachineArn": arn,
                "name": name,
                "definition": definition,
                "roleArn": role,
                "type": "STANDARD",
                "status": "ACTIVE",
                "creationDate": now,
                "updateDate": now,
                "revisionId": str(uuid.uuid4()),
                **{key: request.get(key) or default for key, default in _CONFIGURATIONS.items()},
                "tags": {tag["key"]: tag["value"] for tag in request.get("tags", ())},
                "versions": {},
                "next_version": 1,
                "aliases": {},
            }
            if request.get("publish"):
                _publish(record, request.get("versionDescription", ""), now)
            self._save(record)
            return dict(record)

    def update(self, request: Json, region: str) -> Json:
        """Executions that run keep what they started with. Raises StatesFault."""
        changes = {
            key: request[key] for key in ("definition", "roleArn", *_CONFIGURATIONS) if request.get(key) is not None
        }
        if not changes and not request.get("publish"):
            raise StatesFault(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, the EncryptionConfiguration or the "
                "TracingConfiguration must be specified",
            )
        record = self.get(request["stateMachineArn"])
        definition: str = changes.get("definition", record["definition"])
        role: str = changes.get("roleArn", record["roleArn"])
        if "definition" in changes or "roleArn" in changes:
            self._check(definition, role, record["stateMachineArn"], region)
        with self._lock:
            record = self._stored(record["stateMachineArn"])
            now = self._now()
            if any(record[key] != value for key, value in changes.items()):
                record |= changes | {"updateDate": now, "revisionId": str(uuid.uuid4())}
            if request.get("publish"):
                _publish(record, request.get("versionDescription", ""), now)
            self._save(record)
            return dict(record)

    def get(self, arn: object) -> Json:
        """The machine that an ARN names, with or without version or alias. Raises StatesFault."""
        base, _ = split_arn(arn)
        with self._lock:
            return dict(self._stored(base))

    def qualified(self, arn: object) -> tuple[Json, Json | None]:
        """The machine and the version that an ARN names or an alias leads to: None for the machine itself."""
        base, qualifier = split_arn(arn)
        with self._lock:
            record = dict(self._stored(base))
        if qualifier is None:
            return record, None
        version = record["versions"].get(qualifier) if qualifier.isdigit() else self._routed(record, qualifier)
        if version is None:
            raise no_state_machine(str(arn))
        return record, version

    def all(self) -> list[Json]:
        """In order of their names, as AWS lists them."""
        with self._lock:
            return sorted((dict(record) for record in self._records.values()), key=lambda record: str(record["name"]))

    def delete(self, arn: object) -> str | None:
        """The ARN of what is gone, None when there was none: AWS accepts both."""
        base, _ = split_arn(arn)
        with self._lock:
            if self._records.pop(base, None) is None:
                return None
            self._journal.machine(base, None)
            return base

    def change(self, arn: str, changed: Json) -> None:
        """Replace parts of the record: tags, versions, aliases."""
        with self._lock:
            record = self._stored(arn)
            record |= changed
            self._save(record)

    def _check(self, definition: str, role: str, arn: str, region: str) -> None:
        if not _ROLE.fullmatch(role):
            raise invalid_arn(role)
        try:
            program(definition)
        except InvalidDefinition as fault:
            raise invalid_definition(fault.diagnostics) from fault
        self._permissions.check_role(role, definition, arn, region)

    def _same(self, known: Json, request: Json) -> Json:
        differing = (
            known["definition"] != request["definition"]
            or known["roleArn"] != request["roleArn"]
            or any(request.get(key) not in (None, known[key]) for key in _CONFIGURATIONS)
        )
        if differing:
            arn = known["stateMachineArn"]
            raise StatesFault("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
        return dict(known)

    def _routed(self, record: Json, alias_name: str) -> Json | None:
        alias = record["aliases"].get(alias_name)
        if alias is None:
            return None
        # Which version an execution gets need not be guessed: spread by the time of the start.
        digest = hashlib.sha256(f"{record['stateMachineArn']}|{self._clock.now()}".encode()).digest()
        point = int.from_bytes(digest[:4]) % 100
        for route in alias["routingConfiguration"]:
            point -= route["weight"]
            if point < 0:
                break
        number = route["stateMachineVersionArn"].rpartition(":")[2]
        version: Json | None = record["versions"].get(number)
        return version

    def _stored(self, arn: str) -> Json:
        record = self._records.get(arn)
        if record is None:
            raise no_state_machine(arn)
        return record

    def _save(self, record: Json) -> None:
        self._journal.machine(record["stateMachineArn"], record)
        self._records[record["stateMachineArn"]] = json.loads(json.dumps(record))

    def _now(self) -> float:
        return round(self._clock.now(), 3)


def split_arn(arn: object) -> tuple[str, str | None]:
    """(the machine's ARN, version or alias). Raises StatesFault InvalidArn."""
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise invalid_arn(arn)
    qualifier = match["qualifier"]
    return (match[0].removesuffix(f":{qualifier}"), qualifier) if qualifier else (match[0], None)


def _publish(record: Json, description: str, now: float) -> None:
    latest = max(record["versions"].values(), key=lambda version: int(version["number"]), default=None)
    if latest is not None and latest["revisionId"] == record["revisionId"]:
        record["latest_version"] = latest["number"]
        return  # an unchanged machine is published once
    number = str(record["next_version"])
    record["versions"][number] = {
        "number": number,
        "stateMachineVersionArn": f"{record['stateMachineArn']}:{number}",
        "description": description,
        "creationDate": now,
        **{key: record[key] for key in ("definition", "roleArn", "revisionId", *_CONFIGURATIONS)},
    }
    record["next_version"] += 1
    record["latest_version"] = number


publish = _publish
