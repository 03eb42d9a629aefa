"""The image's recipe, and the commands of the image pipeline against stand-ins of `aws` and `docker`."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from container.native.build import library_path

CONTAINER = Path(__file__).parents[2] / "container"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/iris-model"
DIGEST = "sha256:" + "ab" * 32

STAND_IN = """#!/bin/sh
printf '%s %s\\n' "$(basename "$0")" "$*" >> "$CALLS"
case "$(basename "$0") $1 $2" in
  "$FAILS"*) exit 1 ;;
  "aws ecr get-login-password") echo secret-password ;;
  "docker login "*) cat > /dev/null ;;
  "docker create "*) echo container ;;
  "docker image inspect") printf 'elsewhere.example.com/x@sha256:00\\n%s@%s\\n\\n' "$IMAGE_REPOSITORY" "$DIGEST" ;;
esac
"""


def instructions() -> list[str]:
    text = (CONTAINER / "Dockerfile").read_text()
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return [line for line in lines if line]


def test_the_image_says_what_sagemaker_may_do() -> None:
    (label,) = [line for line in instructions() if line.startswith("LABEL")]
    assert label.split()[1:] == [
        "com.amazonaws.sagemaker.capabilities.multi-models=false",
        "com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true",
    ]


def test_the_image_carries_only_what_it_runs() -> None:
    copied = [line.split()[1:-1] for line in instructions() if line.startswith("COPY") and "--from" not in line]
    assert copied == [
        *(["locks/container.txt"], ["locks/compiler.txt"], ["container/__init__.py"], ["container/native"]),
        *(["locks/sbom.txt"], ["container/bill_of_materials.py"], ["contracts"], ["tables"], ["container"]),
    ]
    allowed = (CONTAINER / "Dockerfile.dockerignore").read_text()
    assert all(f"!{source}" in allowed or f"!{source.split('/')[0]}\n" in allowed for (source,) in copied)


def test_the_native_library_is_compiled_for_the_image_and_the_compiler_left_behind() -> None:
    last = instructions()[max(place for place, line in enumerate(instructions()) if line.startswith("FROM")) :]
    copied = [line.split()[1:] for line in last if line.startswith("COPY --from")]
    library = f"/opt/program/container/native/{library_path().name.split('-')[0]}-*.so"
    assert copied == [
        ["--from=packages", "/opt/venv", "/opt/venv"],
        ["--from=library", library, "/opt/program/container/native/"],
        ["--from=bill", "/opt/sbom.cdx.json", "/opt/program/sbom.cdx.json"],
    ]
    # One that was built here, for another system and Python, stays here.
    assert f"**/{library_path().name.split('-')[0]}-*" in (CONTAINER / "Dockerfile.dockerignore").read_text()


def test_packages_are_installed_by_hash() -> None:
    installs = [line for line in instructions() if "pip install" in line]
    assert len(installs) == 3
    assert all({"--require-hashes", "--only-binary"} <= set(install.split()) for install in installs)


def test_base_image_is_an_argument_that_all_stages_use() -> None:
    assert instructions()[0].startswith("ARG BASE_IMAGE=public.ecr.aws/")
    assert [line.split()[1] for line in instructions() if line.startswith("FROM")] == ["${BASE_IMAGE}"] * 4


def run_buildspec(folder: Path, fails: str = "nothing") -> "tuple[subprocess.CompletedProcess[str], list[str]]":
    """Run the phases as CodeBuild does: in one shell, ending at the first command that fails."""
    for name in ("aws", "docker"):
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
    (folder / "container").symlink_to(CONTAINER)
    spec = yaml.safe_load((CONTAINER / "buildspec.yml").read_text())
    commands = [command for phase in ("pre_build", "build") for command in spec["phases"][phase]["commands"]]
    assert all(phase["on-failure"] == "ABORT" for phase in spec["phases"].values())
    environment = {
        **spec["env"]["variables"],
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "FAILS": fails,
        "DIGEST": DIGEST,
        "IMAGE_PARAMETER": "/mlops/image",
        "IMAGE_REPOSITORY": REPOSITORY,
    }
    run = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run, (folder / "calls").read_text().splitlines()


def test_the_pipeline_publishes_what_it_pushed_by_digest(tmp_path: Path) -> None:
    run, calls = run_buildspec(tmp_path)
    assert run.returncode == 0, run.stderr
    pinned = f"{REPOSITORY}@{DIGEST}"
    assert calls[-1] == f"aws ssm put-parameter --name /mlops/image --type String --overwrite --value {pinned}"
    assert (tmp_path / "image.url").read_text().split() == [pinned]
    (build,) = [call for call in calls if call.startswith("docker build")]
    for option in ("--platform linux/amd64", "--provenance=false", f"--tag {REPOSITORY}:latest"):
        assert f" {option} " in build
    assert calls.index(f"docker push {REPOSITORY}:latest") > calls.index(build)
    assert not [call for call in calls if "secret-password" in call]


def run_build(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the build alone, with these engines' stand-ins in the way of real ones: name → exit status of `info`."""
    return subprocess.run(
        ["bash", CONTAINER / "build-image.sh", "build"],
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(folder / "calls"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in_engines(folder: Path, answering: str) -> None:
    for name in ("docker", "podman", "buildah"):
        status = 0 if name == answering else 1
        script = f'#!/bin/sh\necho "{name} $*" >> "$CALLS"\n[ "$1" != info ] || exit {status}\n'
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)


@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_make_image_builds_with_the_engine_that_answers(tmp_path: Path, engine: str) -> None:
    stand_in_engines(tmp_path, engine)
    done = run_build(tmp_path, BASE_IMAGE="localhost/base")
    assert done.returncode == 0, done.stderr
    (build,) = [call for call in (tmp_path / "calls").read_text().splitlines() if " build " in call]
    assert build.startswith(
        f"{engine} build --platform linux/amd64 --file container/Dockerfile --tag mlops-image:latest"
    )
    assert "--build-arg BASE_IMAGE=localhost/base" in build
    calls = (tmp_path / "calls").read_text()
    assert f"{engine} {'run' if engine == 'buildah' else 'cp'} " in calls  # the bill of materials
    # Either says in its own words that no OCI manifest or index must come out.
    assert ("--provenance=false" in build) is (engine == "docker")
    assert ("--format docker" in build) is (engine != "docker")


def test_without_an_engine_make_image_says_what_to_install(tmp_path: Path) -> None:
    stand_in_engines(tmp_path, "none")
    done = run_build(tmp_path)
    assert done.returncode != 0
    assert "apt-get install buildah" in done.stderr
    assert not [call for call in (tmp_path / "calls").read_text().splitlines() if " build " in call]


def test_a_build_that_fails_says_how_to_give_another_base(tmp_path: Path) -> None:
    (tmp_path / "buildah").write_text('#!/bin/sh\n[ "$1" = info ]\n')
    (tmp_path / "buildah").chmod(0o755)
    done = run_build(tmp_path, IMAGE_ENGINE="buildah")
    assert done.returncode == 1
    assert "BASE_IMAGE=" in done.stderr


@pytest.mark.parametrize("fails", ["docker login", "docker build", "docker push", "docker image inspect"])
def test_the_pipeline_publishes_nothing_when_a_step_fails(tmp_path: Path, fails: str) -> None:
    run, calls = run_buildspec(tmp_path, fails)
    assert run.returncode != 0
    assert not [call for call in calls if call.startswith("aws ssm")]
