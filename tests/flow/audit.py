"""Judges a deployment's rights by what its flows asked for: which statement decided a call, and what goes without it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core.iam_evaluator import EvalContext, ParsedStatement, evaluate, parse_policy_document

from tests.flow.product import ROOT
from tests.flow.records import VARIABLE

ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass(frozen=True)
class Right:
    """One statement of a role, named by the role's construct and its own id."""

    role: str
    sid: str


@dataclass(frozen=True)
class Call:
    """What a role asked IAM for, one of each kind."""

    role: str
    action: str
    resource: str
    allowed: bool
    evaluated: bool
    context: str

    def of(self, statements: Iterable[ParsedStatement]) -> bool:
        """Whether these statements allow it: the embedded cloud's own evaluation, without the cloud."""
        asked = EvalContext(
            principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.role}/audit",
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action=self.action,
            resource_arn=self.resource,
            region=REGION,
            service_context=json.loads(self.context),
        )
        return bool(evaluate(asked, [list(statements)]).decision == "Allow")


@dataclass(frozen=True)
class Session:
    """What one embedded cloud saw: its roles' statements by construct, the calls, and the tasks that ran."""

    policies: dict[str, list[dict[str, Any]]]
    calls: list[Call]
    root_actions: frozenset[str]
    tasks: list[dict[str, Any]]

    def rights(self) -> Iterator[tuple[Right, dict[str, Any]]]:
        for role, statements in self.policies.items():
            for statement in statements:
                yield Right(role, statement["Sid"]), statement

    def allowed(self, role: str) -> list[Call]:
        return [call for call in self.calls if call.role == role and call.allowed]


def run_flows(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run every flow test, each worker recording into `folder`."""
    command = [sys.executable, "-m", "pytest", "tests/flow", "-q", "-m", "not full and not check"]
    return subprocess.run(
        [*command, "-n", "2", "--dist", "loadfile", "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def read_sessions(folder: Path) -> list[Session]:
    """The sessions that were recorded in a folder."""
    return [_session(folder, file.stem.removeprefix("roles-")) for file in sorted(folder.glob("roles-*.json"))]


def _session(folder: Path, cloud: str) -> Session:
    roles = json.loads((folder / f"roles-{cloud}.json").read_text())
    constructs = {name: role["construct"] for name, role in roles.items()}
    decided = [json.loads(line) for line in (folder / f"decisions-{cloud}.jsonl").read_text().splitlines()]
    return Session(
        {role["construct"]: role["policy"]["Statement"] for role in roles.values()},
        [
            Call(
                constructs[each["role"]],
                each["action"],
                each["resource"],
                each["allowed"],
                each["evaluated"],
                json.dumps(each["context"], sort_keys=True),
            )
            for each in decided
            if each["role"] in constructs
        ],
        frozenset(each["action"] for each in decided if each["principal"].endswith(":root")),
        json.loads((folder / f"tasks-{cloud}.json").read_text()),
    )


def parsed(statements: Iterable[dict[str, Any]]) -> list[ParsedStatement]:
    """Statements as the evaluator takes them."""
    return parse_policy_document({"Statement": list(statements)})


def listed(value: Any) -> list[str]:
    """What a policy may write as one text or as a list."""
    return value if isinstance(value, list) else [value]


def needed(sessions: Iterable[Session]) -> dict[Right, set[str]]:
    """For each statement, the actions of calls that were allowed and are denied once the statement is left out."""
    found: dict[Right, set[str]] = {}
    for session in sessions:
        for right, statement in session.rights():
            rest = parsed(each for each in session.policies[right.role] if each is not statement)
            lost = {call.action for call in session.allowed(right.role) if not call.of(rest)}
            found[right] = found.get(right, set()) | lost
    return found


def granted_twice(sessions: Iterable[Session]) -> set[tuple[str, str, tuple[str, ...]]]:
    """(role, action, statements) of calls that more than one statement of a role allows."""
    found = set()
    for session in sessions:
        for role, statements in session.policies.items():
            alone = {each["Sid"]: parsed([each]) for each in statements}
            for call in session.allowed(role):
                by = tuple(sorted(sid for sid, one in alone.items() if call.of(one)))
                if len(by) > 1:
                    found.add((role, call.action, by))
    return found


def needed_resources(sessions: Iterable[Session]) -> dict[tuple[Right, str], bool]:
    """For each resource of each statement by its pattern, whether some call is denied once it is left out.

    Patterns that name a cloud's own keys and the like differ between sessions, and are told apart by their place.
    """
    found: dict[tuple[Right, str], bool] = {}
    for session in sessions:
        for right, statement in session.rights():
            patterns = listed(statement["Resource"])
            calls = [call for call in session.allowed(right.role) if call.of(parsed([statement]))]
            for place, pattern in enumerate(patterns):
                others = [each for each in patterns if each != pattern]
                narrowed = parsed([{**statement, "Resource": others}]) if others else []
                key = right, _stable(pattern, place)
                found[key] = found.get(key, False) or any(not call.of(narrowed) for call in calls)
    return found


def _stable(pattern: str, place: int) -> str:
    service, _, resource = pattern.removeprefix("arn:aws:").partition(":")
    own = service in ("kms", "iam")
    return f"{service} {place}" if own else f"{service}:{resource.replace(f'{REGION}:{ACCOUNT}:', '')}"


def granted_actions(sessions: Iterable[Session]) -> dict[Right, set[str]]:
    """What each statement grants."""
    return {right: set(listed(each["Action"])) for session in sessions for right, each in session.rights()}
