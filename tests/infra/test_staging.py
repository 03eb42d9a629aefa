import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.project import PROJECT, CannotSynthesise, Project
from infra.staging import COMPILED, LAYERS, check_layers, stage_functions, stage_layers
from infra.synthesise import synthesise
from local.gateway.compiled_packages import link_packages

VERBS = sorted(handler.parent.name for handler in (PROJECT.root / "functions").glob("*/handler.py"))
# What Lambda's own Python brings along: boto3 and what it needs.
LAMBDA_BRINGS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")


@pytest.fixture(scope="session")
def project() -> Project:
    synthesise(PROJECT)
    return PROJECT


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_staging_twice_gives_the_same_bytes(tmp_path: Path, project: Project) -> None:
    again = Project(root=project.root, built=tmp_path)
    assert stage_functions(again) == VERBS
    assert contents(again.staged_functions) == contents(project.staged_functions)
    assert stage_layers(again) == list(LAYERS)
    assert contents(again.staged_layers) == contents(project.staged_layers)


def test_a_layer_is_made_once_for_a_lock(project: Project) -> None:
    assert stage_layers(project) == []
    check_layers(project)


def test_nothing_compiled_and_nothing_of_this_machine_is_published(project: Project) -> None:
    files = [file for folder in (project.staged_functions, project.staged_layer("layer")) for file in folder.rglob("*")]
    assert any(file.name == "handler.py" for file in files)
    assert any(file.name == "environment.py" and file.parent.name == "jinja2" for file in files)
    assert not [file for file in files if file.suffix in {".so", ".pyc", ".pyd", ".dylib"}]
    assert not [file for file in files if file.name in {"RECORD", "INSTALLER", "__pycache__", "bin", ".lock"}]
    here = str(PROJECT.root).encode()
    assert not [file for file in files if file.is_file() and here in file.read_bytes()]


def packages_of_layers(project: Project, folder: Path) -> list[Path]:
    """As a function finds them; what is compiled for Lambda's processor comes from this environment."""
    compiled = {
        file.relative_to(project.staged_layer(layer) / "python").parts[0]
        for layer in COMPILED
        for file in (project.staged_layer(layer) / "python").rglob("*.so")
    }
    assert link_packages(compiled, folder) == []
    return [folder / "python", *(project.staged_layer(layer) / "python" for layer in LAYERS)]


@pytest.mark.parametrize("verb", VERBS)
def test_handler_runs_from_what_is_published_and_nothing_else(verb: str, tmp_path: Path, project: Project) -> None:
    for package in LAMBDA_BRINGS:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (tmp_path / source.name).symlink_to(source)
    paths = [project.staged_functions / verb, *packages_of_layers(project, tmp_path / "stand-ins"), tmp_path]
    code = (
        f"import sys; sys.path[:0] = {[str(path) for path in paths]}; import functions.{verb}.handler as it; it.handle"
    )
    names = ("APPROVALS_TABLE", "AUDIT_TABLE", "LEDGER_TABLE", "TOKEN_KEY_ID", "MAIL_SENDER", "PAGE_URL", "OPERATORS")
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": os.environ["PATH"],
        **dict.fromkeys(names, "x@example.com"),
        "SIGNING_KEYS": "1=key",
        "HOSTING_PRICES": "{}",
        "MODELS_PREFIX": "/mlops/models/",
        "DEPLOYMENT_ROLE_ARN": "arn:aws:iam::123456789012:role/deployment",
    }
    # -I and -S: neither this folder nor this environment's packages, as on Lambda.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def some_project(folder: Path) -> Project:
    (folder / "locks").mkdir(parents=True)
    (folder / "functions").mkdir()
    return Project.at(folder)


def test_a_package_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    project = some_project(tmp_path)
    project.layer_lock("layer").write_text("jinja2==3.1.6\n")
    with pytest.raises(CannotSynthesise, match=r"locks/layer.txt: the packages cannot be installed"):
        stage_layers(project)
    assert not project.staged_layer("layer").exists()


def test_a_missing_lock_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotSynthesise, match=r"layer.txt: there is no such file"):
        stage_layers(some_project(tmp_path))


def test_a_layer_that_was_not_staged_is_told(tmp_path: Path) -> None:
    project = some_project(tmp_path)
    project.layer_lock("layer").write_text("")
    with pytest.raises(CannotSynthesise, match=r"run python3 -m infra.synthesise"):
        check_layers(project)


def test_no_function_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotSynthesise, match="no function found"):
        stage_functions(some_project(tmp_path))
