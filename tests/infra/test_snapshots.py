"""One snapshot per stack and endpoint: what a change does to the templates, to be read in review.

Hashes of code and the state machines' definitions stand in their own files' diffs, so they are left out here.
"""

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from statemachine.loader import placeholders
from tests.infra.template import Template


def settled(template: Template) -> Any:
    """The template with everything left out that changes with the functions' code or the definitions' text."""
    text = json.dumps(template.all)
    text = re.sub(r"\b[0-9a-f]{64}\b", "<content>", text)
    text = re.sub(r"(commit[^0-9a-f]{1,8})[0-9a-f]{40}(-dirty)?", r"\1<commit>", text)
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<content>", text)
    text = re.sub(r"(Libraries)[0-9A-F]{8}", r"\1", text)
    made = json.loads(text)
    for resource in made["Resources"].values():
        properties = resource.get("Properties", {})
        if "DefinitionString" in properties:
            properties["DefinitionString"] = sorted(placeholders(properties["DefinitionString"]))
    return made


@pytest.mark.parametrize("stack", ["storage", "workflow", "models", "image", "operations"])
def test_stack_is_as_reviewed(stack: str, templates: dict[str, Template], snapshot: SnapshotAssertion) -> None:
    assert settled(templates[stack]) == snapshot(extension_class=JSONSnapshotExtension)


@pytest.mark.parametrize("stage", ["dev", "prd"])
def test_endpoint_is_as_reviewed(stage: str, endpoints: dict[str, Template], snapshot: SnapshotAssertion) -> None:
    assert settled(endpoints[stage]) == snapshot(extension_class=JSONSnapshotExtension)
