"""S10: the image pipeline's own buildspec, run here. Only the registry and the AWS CLI are stand-ins."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.container.conftest import PROJECT
from tests.container.engine import COMMAND_SECONDS, TOOLS, Engine
from tests.container.registry import Registry, digest_of, running_registry

# The first test waits for two downloads: the base and the packages.
pytestmark = [pytest.mark.full, pytest.mark.long(4), pytest.mark.timeout(2 * COMMAND_SECONDS)]

AWS = """#!/bin/sh
echo "$*" >> "$CALLS"
[ "$1 $2" != "ecr get-login-password" ] || echo secret-password
"""
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Pipeline:
    """What a run of all phases left."""

    engine: Engine
    repository: str
    registry: Registry
    calls: list[str]
    artefact: str


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    missing = [tool for tool in (*TOOLS, "openssl") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    engine = Engine()
    try:
        engine.import_base()
        yield engine
    finally:
        engine.remove()


def make_certificate(file: Path) -> Path:
    """Of localhost, with its key in the same file."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", file, "-out", file, *subject],
        capture_output=True,
        check=True,
    )
    return file


def environment(folder: Path, engine: Engine, registry: Registry, spec: dict) -> dict[str, str]:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "aws").write_text(AWS)
    (tools / "aws").chmod(0o755)
    return {
        **os.environ,
        **spec["env"]["variables"],
        "PATH": f"{tools}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "SSL_CERT_FILE": str(folder / "localhost.pem"),
        "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        **engine.build_environment,
        "IMAGE_PARAMETER": "/mlops/image",
        "IMAGE_REPOSITORY": f"localhost:{registry.port}/{engine.name}",
    }


@pytest.fixture(scope="module")
def pipeline(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The commands of all phases in order, each in the source's folder, ending at the first that fails."""
    folder = tmp_path_factory.mktemp("pipeline")
    source = folder / "source"
    source.mkdir()
    for part in ("container", "contracts", "tables", "locks"):
        shutil.copytree(PROJECT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    spec = yaml.safe_load((source / "container" / "buildspec.yml").read_text())
    with running_registry(make_certificate(folder / "localhost.pem")) as registry:
        variables = environment(folder, engine, registry, spec)
        for phase in ("install", "pre_build", "build", "post_build"):
            for command in spec["phases"].get(phase, {}).get("commands", []):
                done = subprocess.run(
                    ["bash", "-c", command],
                    cwd=source,
                    env=variables,
                    capture_output=True,
                    text=True,
                    timeout=COMMAND_SECONDS,
                    check=False,
                )
                assert done.returncode == 0, f"{phase}: {command}: {done.stderr[-3_000:]}"
        (artefact,) = spec["artifacts"]["files"]
        calls = (folder / "calls").read_text().splitlines()
        try:
            yield Pipeline(
                engine, variables["IMAGE_REPOSITORY"], registry, calls, (source / artefact).read_text().strip()
            )
        finally:
            engine.remove_named(f"{variables['IMAGE_REPOSITORY']}:latest")


def test_the_registry_gets_a_whole_image_in_the_form_that_sagemaker_takes(pipeline: Pipeline) -> None:
    media_type, manifest = pipeline.registry.manifests[f"{pipeline.engine.name}:latest"]
    assert media_type == DOCKER_MANIFEST
    described = json.loads(manifest)
    parts = [described["config"], *described["layers"]]
    assert len(described["layers"]) >= 2  # the base's and the image's own
    assert {part["digest"] for part in parts} == pipeline.registry.blobs.keys()
    configuration = json.loads(pipeline.registry.blobs[described["config"]["digest"]])
    assert (configuration["os"], configuration["architecture"]) == ("linux", "amd64")
    assert configuration["config"]["Entrypoint"] == ["python", "-m", "container"]


def test_the_artefact_is_the_address_of_what_the_registry_has(pipeline: Pipeline) -> None:
    _, manifest = pipeline.registry.manifests[f"{pipeline.engine.name}:latest"]
    assert pipeline.artefact == f"{pipeline.repository}@{digest_of(manifest)}"


def test_the_parameter_is_written_last_and_the_password_nowhere(pipeline: Pipeline) -> None:
    assert pipeline.calls == [
        "ecr get-login-password",
        f"ssm put-parameter --name /mlops/image --type String --overwrite --value {pipeline.artefact}",
    ]
