"""Linters over everything that is published, and the app as the CDK's command line runs it. Run by `make check`."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.deployment import Deployment
from infra.project import PROJECT, Project
from infra.synthesise import synthesise
from tests.infra.template import Template
from tests.infra.variant import ACCOUNT, LEAST, SOURCES, compose_into, endpoints_of_every_kind, model

pytestmark = [pytest.mark.check, pytest.mark.xdist_group("cdk")]

# What cfn-lint says and why it does not count. Each must still be said, or it has to go from here.
LINT_FINDINGS = {
    r"W3005 .*Role.* dependency already enforced by a 'GetAtt'": "the CDK writes DependsOn beside the reference",
    r"E3601 '\{% .* %\}' is not of type 'number' at 'States/[^']+/TimeoutSeconds'": "JSONata may stand for a number",
}
# The same for cdk-nag's AwsSolutions pack.
NAG_FINDINGS = {
    "AwsSolutions-S1": "CloudTrail's data events tell who read what; access logs would need a second bucket",
    "AwsSolutions-IAM5": "every wildcard stands in a grant with its reason, which test_roles.py asks for",
    "AwsSolutions-L1": "Lambda runs the Python that container and layer are locked for",
    "AwsSolutions-SQS3": "this queue is a dead-letter queue, of an EventBridge rule, where the rule does not look",
    "AwsSolutions-CB4": "artefacts stay in the deployment's own bucket, which is encrypted",
}


def unexplained(findings: set[str], explained: dict[str, str]) -> tuple[set[str], set[str]]:
    """Findings that nothing explains, and explanations that nothing needs."""
    fitting = {finding: [each for each in explained if re.match(each, finding)] for finding in findings}
    needless = set(explained) - {each for names in fitting.values() for each in names}
    return {finding for finding, names in fitting.items() if not names}, needless


def linted(files: list[Path]) -> set[str]:
    """What cfn-lint finds."""
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "json", "--regions", "us-east-1", "--", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    return {f"{each['Rule']['Id']} {each['Message']}" for each in json.loads(done.stdout)}


def test_cfn_lint_finds_nothing_but_what_is_explained(templates: dict[str, Template]) -> None:
    published = [PROJECT.staged_models / "iris-model" / f"{stage}.json" for stage in ("dev", "prd")]
    files = [*PROJECT.assembly.glob("*.template.json"), *published]
    assert len(files) == len(templates) + 2
    assert unexplained(linted(files), LINT_FINDINGS) == (set(), set())


@pytest.mark.parametrize("source", ["codecommit", "github"])
def test_cfn_lint_finds_no_more_in_an_account_with_network_key_and_budget(source: str, project: Project) -> None:
    settings = {
        **ACCOUNT.model_dump(exclude_none=True),
        "image": SOURCES[source],
        "tags": {"team": "ml"},
        "budget": {"monthly_usd": 300, "tag": "team"},
    }
    assembly = compose_into(project, source, Deployment.model_validate(settings), {"iris": model("iris")})
    endpoints = (project.staged_models / "iris").glob("*.json")
    published = [file for file in endpoints if file.name != "settings.json"]
    found, _ = unexplained(linted([*assembly.glob("*.template.json"), *published]), LINT_FINDINGS)
    assert found == set()


def test_cfn_lint_finds_nothing_in_the_endpoints_of_every_kind(tmp_path: Path) -> None:
    files = []
    for kind, stages in endpoints_of_every_kind(ACCOUNT).items():
        if kind == "serverless":
            # Nothing but `models/` keeps it from a network, and the runs' parameter for captured data has no use there.
            continue
        for stage, text in stages.items():
            files.append(tmp_path / f"{kind}-{stage}.json")
            files[-1].write_text(text)
    # The template has no second model unless there is an address of one.
    pattern = r"W1030 \{'Ref': 'ModelDataUrlB'\} does not match .*"
    assert unexplained(linted(files), {pattern: "the usual value is that of no second release"}) == (set(), set())


def test_the_one_thing_cfn_lint_finds_in_a_serverless_endpoint_is_the_parameter_that_every_run_gives(
    tmp_path: Path,
) -> None:
    file = tmp_path / "dev.json"
    file.write_text(endpoints_of_every_kind(Deployment.model_validate(LEAST))["serverless"]["dev"])
    assert linted([file]) == {"W2001 Parameter CaptureBucket not used."}


def run_app(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CDK_OUTDIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT.root, env=environment, capture_output=True, text=True, check=False
    )


def test_cdk_nag_finds_nothing_but_what_is_explained(templates: dict[str, Template], tmp_path: Path) -> None:
    # In a process of its own, because the pack says by the exit status of its process that it found something.
    code = """
import os, pathlib
from infra.node import use_node
use_node()
from aws_cdk import Validations
from cdk_nag import AwsSolutionsChecks
from contracts.settings import load_all_settings
from infra.composition import compose
from infra.deployment import load_deployment
from infra.deployment import Deployment
from infra.project import PROJECT, Project
from infra.synthesise import synthesise
models = load_all_settings(PROJECT.models)
app = compose(PROJECT, load_deployment(PROJECT.deployment_file), models, pathlib.Path(os.environ["CDK_OUTDIR"]))
Validations.of(app).add_plugins(AwsSolutionsChecks(app))
app.synth()
"""
    done = run_app(code, tmp_path)
    report = tmp_path / "validation-report.json"
    assert report.exists(), done.stderr
    (nag,) = [each for each in json.loads(report.read_text())["pluginReports"] if each["pluginName"] == "AwsSolutions"]
    findings = {violation["ruleName"] for violation in nag["violations"]}
    assert unexplained(findings, NAG_FINDINGS) == (set(), set())


def test_nothing_is_acknowledged_but_in_this_list() -> None:
    code = [*(PROJECT.root / "infra").rglob("*.py"), PROJECT.root / "cdk.json"]
    words = ("acknowledge(", "NagSuppressions", "cdk_nag", "cfn-lint:", "ignore_checks")
    assert not [(file.name, word) for file in code for word in words if word in file.read_text()]
    assert not list(PROJECT.root.glob("*cfnlintrc*"))


def test_app_needs_neither_network_nor_boto3_and_gives_the_same_templates(tmp_path: Path) -> None:
    synthesise(PROJECT)
    code = """
import socket, sys
def refuse(*anything, **more):
    raise AssertionError("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
sys.modules["boto3"] = sys.modules["botocore"] = None
from infra.app import main
sys.exit(main())
"""
    done = run_app(code, tmp_path)
    assert done.returncode == 0, done.stderr
    for file in PROJECT.assembly.glob("*.template.json"):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_the_command_line_runs_the_app_and_adds_nothing_to_templates() -> None:
    settings = json.loads((PROJECT.root / "cdk.json").read_text())
    assert settings["app"] == ".venv/bin/python -m infra.app"
    assert PROJECT.root / settings["output"] == PROJECT.assembly
    assert not any(settings[each] for each in ("versionReporting", "pathMetadata", "assetMetadata"))


def test_the_command_line_is_pinned_and_its_lock_names_no_registry() -> None:
    pinned = json.loads((PROJECT.root / "package.json").read_text())["devDependencies"]
    assert pinned.keys() == {"aws-cdk", "axe-core"}
    lock = (PROJECT.root / "package-lock.json").read_text()
    for name, version in pinned.items():
        assert json.loads(lock)["packages"][f"node_modules/{name}"]["version"] == version
    assert "http" not in lock
