import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import app, fingerprint, synthesise
from infra.project import PROJECT, CannotSynthesise, Project

IRIS = (PROJECT.models / "iris-model.toml").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with every kind of source, built into a folder of its own."""
    for folder in (
        "infra",
        "statemachine",
        "functions/greet/__pycache__",
        "approvals",
        "contracts",
        "mails",
        "tables",
        "models",
        "container",
        "locks",
    ):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(PROJECT.deployment_file, tmp_path / "infra" / "deployment.toml")
    (tmp_path / "models" / "iris-model.toml").write_text(IRIS)
    (tmp_path / "functions" / "greet" / "handler.py").write_text("")
    (tmp_path / "locks" / "layer.txt").write_text("")
    return Project.at(tmp_path)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every folder that an assembly was written to; the CDK itself stands aside."""
    folders: list[Path] = []

    def write(project: Project, outdir: Path, ready_layers: Callable[[Project], object]) -> None:
        outdir.mkdir()
        (outdir / "manifest.json").write_text(json.dumps({"made": len(folders)}))
        folders.append(outdir)

    monkeypatch.setattr(synthesise, "synthesise_app", write)
    return folders


def test_templates_are_made_once(project: Project, made: list[Path]) -> None:
    assert "models/iris-model.toml" in synthesise.synthesise(project)
    assert synthesise.synthesise(project) == []
    assert len(made) == 1
    assert project.assembly.is_dir()
    assert not made[0].exists()


def test_templates_that_tell_another_commit_are_made_again(
    project: Project, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesise.synthesise(project)
    monkeypatch.setattr(synthesise, "commit", lambda _project: "another")
    assert synthesise.synthesise(project) == ["commit"]
    assert len(made) == 2


@pytest.mark.parametrize(
    "source",
    [
        "infra/storage.py",
        "infra/deployment.toml",
        "statemachine/promote-model.asl.yaml",
        "functions/greet/templates/page.html",
        "mails/layouts/mail.html",
        "approvals/desk.py",
        "models/other.toml",
        "container/buildspec.yml",
        "locks/layer.txt",
    ],
)
def test_a_changed_source_makes_them_anew_and_is_named(source: str, project: Project, made: list[Path]) -> None:
    synthesise.synthesise(project)
    (project.root / source).parent.mkdir(exist_ok=True)
    (project.root / source).write_text("changed")
    assert synthesise.synthesise(project) == [source]
    (project.root / source).unlink()
    assert synthesise.synthesise(project) == [source]


def test_a_new_cdk_makes_them_anew(project: Project, made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    synthesise.synthesise(project)
    monkeypatch.setattr(fingerprint, "version", lambda _name: "3.0.0")
    assert synthesise.synthesise(project) == ["aws-cdk-lib"]


def test_compiled_files_count_for_nothing(project: Project, made: list[Path]) -> None:
    synthesise.synthesise(project)
    (project.root / "functions/greet/__pycache__/handler.pyc").write_text("x")
    assert synthesise.synthesise(project) == []


def test_force_makes_them_anew(project: Project, made: list[Path]) -> None:
    synthesise.synthesise(project)
    assert synthesise.synthesise(project, force=True)
    assert len(made) == 2


def test_what_was_made_stays_when_the_next_try_fails(
    project: Project, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesise.synthesise(project)

    def fail(*_anything: object, **_more: object) -> None:
        raise CannotSynthesise("no")

    monkeypatch.setattr(synthesise, "synthesise_app", fail)
    (project.root / "models" / "other.toml").write_text("x")
    for _ in range(2):
        with pytest.raises(CannotSynthesise):
            synthesise.synthesise(project)
    assert json.loads((project.assembly / "manifest.json").read_text()) == {"made": 0}


def test_command_says_what_changed(project: Project, made: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert synthesise.main([], project) == 0
    assert "Templates made in 0 s in build/cloud-assembly; changed: " in capsys.readouterr().out
    assert synthesise.main([], project) == 0
    assert capsys.readouterr().out == "Templates in build/cloud-assembly are up to date\n"


COMMANDS = {
    "python3 -m infra.synthesise": lambda project: synthesise.main([], project),
    "python3 -m infra.app": app.main,
}


FAULTS = {
    "models/iris-model.toml: data.test_fraction: Input should": IRIS.replace("0.33", "1.5"),
    "models/iris-model.toml: date: Extra inputs": IRIS.replace("[data]", "[date]"),
    "models/iris-model.toml: not valid TOML": "owners = [",
    "models/Iris.toml: name: String should match pattern": IRIS,
    "infra/deployment.toml: sender: Field required": "name = 'mlops'",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("told", FAULTS)
def test_invalid_settings_are_told_by_file_key_and_rule(
    command: str, told: str, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / told.partition(":")[0]).write_text(FAULTS[told])
    assert COMMANDS[command](project) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(told)
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert not project.assembly.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_without_node_one_line_is_told(
    command: str, project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none() -> None:
        raise CannotSynthesise("The CDK needs Node.js, and there is none")

    monkeypatch.setattr(app, "use_node", none)
    assert COMMANDS[command](project) == 1
    assert capsys.readouterr().err == "The CDK needs Node.js, and there is none\n"
