"""Reads a CloudFormation template as somebody who looks for a resource, a right or an address."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True)
class Statement:
    """One statement of a role, with its resources as plain texts."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, Any]
    reason: str


class Template:
    """One template; `exports` are those of all stacks."""

    def __init__(self, template: dict[str, Any], exports: dict[str, Any]) -> None:
        self.all = template
        self._exports = exports

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: each for name, each in self.all["Resources"].items() if each["Type"] == kind}

    def properties(self, kind: str, construct: str = "") -> dict[str, Any]:
        """The properties of the one resource of this type whose logical id is the construct's path and a hash."""
        return self.resource(kind, construct)["Properties"]

    def resource(self, kind: str, construct: str = "") -> dict[str, Any]:
        found = [
            each
            for name, each in self.of_type(kind).items()
            if not construct or re.fullmatch(rf"{construct}([0-9A-F]{{8}})?", name)
        ]
        assert len(found) == 1, f"{len(found)} resources {kind} {construct}"
        return found[0]

    def statements(self, construct: str = "") -> list[Statement]:
        """The statements of all roles, or of the one with this construct id."""
        return [
            statement
            for name, role in self.of_type("AWS::IAM::Role").items()
            if not construct or re.fullmatch(rf"{construct}[0-9A-F]{{8}}", name)
            for statement in self._statements(name[:-8], role)
        ]

    def _statements(self, name: str, role: dict[str, Any]) -> list[Statement]:
        reasons = role.get("Metadata", {}).get("Reasons", {})
        return [
            Statement(
                name,
                each.get("Sid", ""),
                _listed(each["Action"]),
                tuple(self.text(resource) for resource in _listed(each["Resource"])),
                each.get("Condition", {}),
                reasons.get(each.get("Sid", ""), ""),
            )
            for policy in role["Properties"].get("Policies", [])
            for each in policy["PolicyDocument"]["Statement"]
        ]

    def text(self, value: Any) -> str:
        """A value with its intrinsic functions worked out, as far as a template alone can tell."""
        match value:
            case str():
                return value
            case {"Ref": name}:
                return PSEUDO.get(name) or str(name)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.text(part) for part in parts)
            case {"Fn::Sub": str(pattern)}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: self.text({"Ref": found[1]}), pattern)
            case {"Fn::ImportValue": name}:
                return self.text(self._exports[self.text(name)])
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
        raise AssertionError(f"cannot read {value!r}")

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute != "Arn":
            return f"{name}.{attribute}"
        kind = self.all["Resources"].get(name, {}).get("Type")
        if kind is None:
            # Another stack's, by way of an export; only keys are exported.
            return f"arn:aws:kms:us-east-1:123456789012:key/{name}"
        service, resource = {
            "AWS::IAM::Role": ("iam:", f"role/{name}"),
            "AWS::SQS::Queue": ("sqs:us-east-1", name),
            "AWS::Events::Rule": ("events:us-east-1", f"rule/{name}"),
            "AWS::Logs::LogGroup": ("logs:us-east-1", f"log-group:{name}:*"),
            "AWS::S3::Bucket": ("s3:", name),
            "AWS::KMS::Key": ("kms:us-east-1", f"key/{name}"),
        }[kind]
        return f"arn:aws:{service}:123456789012:{resource}"


def read_templates(assembly: Path, deployment: str) -> dict[str, Template]:
    """Every stack's template by its concern."""
    files = sorted(assembly.glob("*.template.json"))
    found = {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in files}
    exports = {
        output["Export"]["Name"]: output["Value"]
        for template in found.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    return {name.removeprefix(f"{deployment}-"): Template(template, exports) for name, template in found.items()}


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
