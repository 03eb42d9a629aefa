"""The operations on state machines, versions, aliases and tags."""

import re
from collections.abc import Callable
from typing import Any, Final

from local.clock import Clock
from local.gateway.protocol import Request
from local.stepfunctions.definition import InvalidDefinition, program
from local.stepfunctions.executions import Executions
from local.stepfunctions.faults import StatesFault, no_resource, validation
from local.stepfunctions.machines import StateMachines, publish, split_arn
from local.stepfunctions.paging import page

Json = dict[str, Any]
Operation = Callable[[Json, Request], Json]

_INTERNAL: Final = ("tags", "versions", "next_version", "latest_version", "aliases", "updateDate")
_ALIAS: Final = re.compile(r"(?=.*[a-zA-Z_\-.])[a-zA-Z0-9_\-.]{1,80}")


class MachineApi:
    """One method per operation; times are epoch seconds."""

    def __init__(self, clock: Clock, machines: StateMachines, executions: Executions) -> None:
        self._clock = clock
        self._machines = machines
        self._executions = executions

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateStateMachine": self._create,
            "UpdateStateMachine": self._update,
            "DescribeStateMachine": self._describe,
            "ListStateMachines": self._list,
            "DeleteStateMachine": self._delete,
            "ValidateStateMachineDefinition": self._validate,
            "PublishStateMachineVersion": self._publish,
            "ListStateMachineVersions": self._list_versions,
            "DeleteStateMachineVersion": self._delete_version,
            "CreateStateMachineAlias": self._create_alias,
            "UpdateStateMachineAlias": self._update_alias,
            "DescribeStateMachineAlias": self._describe_alias,
            "ListStateMachineAliases": self._list_aliases,
            "DeleteStateMachineAlias": self._delete_alias,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    def _create(self, given: Json, request: Request) -> Json:
        record = self._machines.create(given, request.account, request.region)
        answer = {"stateMachineArn": record["stateMachineArn"], "creationDate": record["creationDate"]}
        if given.get("publish"):
            answer["stateMachineVersionArn"] = f"{record['stateMachineArn']}:{record['latest_version']}"
        return answer

    def _update(self, given: Json, request: Request) -> Json:
        record = self._machines.update(given, request.region)
        answer = {"updateDate": record["updateDate"], "revisionId": record["revisionId"]}
        if given.get("publish"):
            answer["stateMachineVersionArn"] = f"{record['stateMachineArn']}:{record['latest_version']}"
        return answer

    def _describe(self, given: Json, _: Request) -> Json:
        record, version = self._machines.qualified(given["stateMachineArn"])
        shown = {key: value for key, value in record.items() if key not in _INTERNAL}
        if version is None:
            return shown
        copied = {key: value for key, value in version.items() if key not in ("number", "stateMachineVersionArn")}
        return shown | copied | {"stateMachineArn": version["stateMachineVersionArn"]}

    def _list(self, given: Json, _: Request) -> Json:
        shown = ("stateMachineArn", "name", "type", "creationDate")
        return page(self._machines.all(), given, "stateMachines", lambda record: {key: record[key] for key in shown})

    def _delete(self, given: Json, _: Request) -> Json:
        gone = self._machines.delete(given["stateMachineArn"])
        if gone is not None:
            # AWS ends the executions at their next transition and forgets them with the machine.
            self._executions.forget(gone)
        return {}

    def _validate(self, given: Json, _: Request) -> Json:
        try:
            program(given["definition"])
        except InvalidDefinition as fault:
            return {
                "result": "FAIL",
                "diagnostics": [_diagnostic(text) for text in fault.diagnostics],
                "truncated": False,
            }
        return {"result": "OK", "diagnostics": [], "truncated": False}

    def _publish(self, given: Json, _: Request) -> Json:
        record = self._machines.get(given["stateMachineArn"])
        if given.get("revisionId") not in (None, record["revisionId"]):
            raise StatesFault("ConflictException", "Failed to publish the State Machine version for revision.")
        publish(record, given.get("description", ""), round(self._clock.now(), 3))
        self._machines.change(record["stateMachineArn"], record)
        version = record["versions"][record["latest_version"]]
        return {"creationDate": version["creationDate"], "stateMachineVersionArn": version["stateMachineVersionArn"]}

    def _list_versions(self, given: Json, _: Request) -> Json:
        versions = self._machines.get(given["stateMachineArn"])["versions"].values()
        newest = sorted(versions, key=lambda version: int(version["number"]), reverse=True)
        shown = ("stateMachineVersionArn", "creationDate")
        return page(newest, given, "stateMachineVersions", lambda version: {key: version[key] for key in shown})

    def _delete_version(self, given: Json, _: Request) -> Json:
        arn = given["stateMachineVersionArn"]
        base, number = split_arn(arn)
        record = self._machines.get(base)
        routes = [route for alias in record["aliases"].values() for route in alias["routingConfiguration"]]
        if any(route["stateMachineVersionArn"] == arn for route in routes):
            raise StatesFault("ConflictException", "Version to be deleted must not be referenced by an alias.")
        versions = {key: version for key, version in record["versions"].items() if key != number}
        self._machines.change(base, {"versions": versions})
        return {}

    def _create_alias(self, given: Json, _: Request) -> Json:
        routes = given["routingConfiguration"]
        record = self._routed(routes)
        name = given["name"]
        if not _ALIAS.fullmatch(name):
            raise StatesFault("InvalidName", f"Invalid Name: '{name}'")
        if name in record["aliases"]:
            raise StatesFault("ConflictException", "Failed to create alias because an alias with the same name exists.")
        now = round(self._clock.now(), 3)
        alias = {
            "stateMachineAliasArn": f"{record['stateMachineArn']}:{name}",
            "name": name,
            "description": given.get("description", ""),
            "routingConfiguration": routes,
            "creationDate": now,
            "updateDate": now,
        }
        self._machines.change(record["stateMachineArn"], {"aliases": record["aliases"] | {name: alias}})
        return {key: alias[key] for key in ("stateMachineAliasArn", "creationDate")}

    def _update_alias(self, given: Json, _: Request) -> Json:
        record, alias = self._alias(given)
        changes = {key: given[key] for key in ("description", "routingConfiguration") if given.get(key) is not None}
        if not changes:
            raise validation("You must provide at least one of routingConfiguration or description")
        if "routingConfiguration" in changes:
            self._routed(changes["routingConfiguration"])
        alias = alias | changes | {"updateDate": round(self._clock.now(), 3)}
        self._machines.change(record["stateMachineArn"], {"aliases": record["aliases"] | {alias["name"]: alias}})
        return {"updateDate": alias["updateDate"]}

    def _describe_alias(self, given: Json, _: Request) -> Json:
        return self._alias(given)[1]

    def _list_aliases(self, given: Json, _: Request) -> Json:
        aliases = list(self._machines.get(given["stateMachineArn"])["aliases"].values())
        shown = ("stateMachineAliasArn", "creationDate")
        return page(aliases, given, "stateMachineAliases", lambda alias: {key: alias[key] for key in shown})

    def _delete_alias(self, given: Json, _: Request) -> Json:
        record, alias = self._alias(given)
        aliases = {name: each for name, each in record["aliases"].items() if name != alias["name"]}
        self._machines.change(record["stateMachineArn"], {"aliases": aliases})
        return {}

    def _alias(self, given: Json) -> tuple[Json, Json]:
        base, name = split_arn(given["stateMachineAliasArn"])
        record = self._machines.get(base)
        alias = record["aliases"].get(name)
        if alias is None:
            raise no_resource(given["stateMachineAliasArn"])
        return record, alias

    def _routed(self, routes: list[Json]) -> Json:
        if len(routes) not in (1, 2) or sum(route["weight"] for route in routes) != 100:
            raise validation(
                "Routing configuration must contain 1 or 2 state machine versions whose weights are 100 in sum"
            )
        records = [self._machines.qualified(route["stateMachineVersionArn"])[0] for route in routes]
        if len({record["stateMachineArn"] for record in records}) != 1:
            raise validation("Both stateMachineVersionArn values must belong to the same state machine.")
        return records[0]

    def _tag(self, given: Json, _: Request) -> Json:
        record = self._tagged(given)
        added = {tag["key"]: tag["value"] for tag in given["tags"]}
        self._machines.change(record["stateMachineArn"], {"tags": record["tags"] | added})
        return {}

    def _untag(self, given: Json, _: Request) -> Json:
        record = self._tagged(given)
        kept = {key: value for key, value in record["tags"].items() if key not in given["tagKeys"]}
        self._machines.change(record["stateMachineArn"], {"tags": kept})
        return {}

    def _list_tags(self, given: Json, _: Request) -> Json:
        return {"tags": [{"key": key, "value": value} for key, value in self._tagged(given)["tags"].items()]}

    def _tagged(self, given: Json) -> Json:
        try:
            return self._machines.get(given["resourceArn"])
        except StatesFault as fault:
            if fault.code == "StateMachineDoesNotExist":
                raise no_resource(given["resourceArn"]) from fault
            raise


def _diagnostic(text: str) -> Json:
    code, _, rest = text.partition(": ")
    message, _, location = rest.rpartition(" at /")
    return {
        "severity": "ERROR",
        "code": code,
        "message": message or rest,
        **({"location": f"/{location}"} if message else {}),
    }
