"""`make infer`: a proposal that can be committed, in the words of the file that is there."""

import shutil
import tomllib
from pathlib import Path

import pytest

from commands.__main__ import main
from commands.faults import CommandFailed
from commands.infer import infer
from contracts.settings import load_settings
from infra.project import PROJECT, Project
from tables.files import table_files
from tables.judge import judge
from tests.tables.real import Row, csv_of, tables


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """With the one model that is there."""
    (tmp_path / "models").mkdir()
    shutil.copy(PROJECT.models / "iris-model.toml", tmp_path / "models")
    return Project.at(tmp_path)


def penguins(folder: Path) -> Path:
    table = tables()["penguins"]
    folder.mkdir(exist_ok=True)
    (folder / "penguins.csv").write_bytes(csv_of(table.copy(), table.names))
    return folder / "penguins.csv"


def proposed(project: Project, model: str) -> str:
    return (project.built / "proposed" / f"{model}.toml").read_text(encoding="utf-8")


def test_a_new_model_gets_a_whole_file(project: Project, tmp_path: Path) -> None:
    told = infer(project, "penguins", penguins(tmp_path / "data"), "species")
    settings = load_settings(project.built / "proposed" / "penguins.toml")
    assert settings.owners == load_settings(project.models / "iris-model.toml").owners
    assert (settings.data.label, settings.data.header, settings.data.task) == ("species", True, "classification")
    assert settings.data.columns["island"].allowed == ("Biscoe", "Dream", "Torgersen")
    assert settings.data.columns["species"].missing == 0.0
    assert told.startswith("--- (nothing yet)\n+++ build/proposed/penguins.toml\n")
    assert "344 rows, 7 features, 3 classes.\n" in told
    assert told.endswith("take it over: cp build/proposed/penguins.toml models/penguins.toml")
    judge(table_files(tmp_path / "data"), [], settings.data)


def test_taken_over_it_is_proposed_again_as_it_is(project: Project, tmp_path: Path) -> None:
    dataset = penguins(tmp_path / "data")
    infer(project, "penguins", dataset, "species")
    first = proposed(project, "penguins")
    for _ in range(2):
        (project.models / "penguins.toml").write_text(proposed(project, "penguins"), encoding="utf-8")
        told = infer(project, "penguins", dataset)
        assert proposed(project, "penguins") == first
        assert "+++" not in told


KEPT = """# About penguins.
owners = ["a@example.com"]  # who hears

[data]                      # what comes
label = "species"           # the kind
ignore = ["year"]           # says nothing
other_columns = "refused"
minimum_rows = 3            # by hand

[data.drift]
warn_psi = 0.3              # ours

[data.columns.year]
minimum = 1900              # of an ignored column

[data.columns.sex]
unique = false
missing = 0.9

[data.columns.flipper_length_mm]
unique = true

[approval]                  # the end
approvers = ["b@example.com"]
"""


def test_what_people_wrote_stays(project: Project, tmp_path: Path) -> None:
    (project.models / "penguins.toml").write_text(KEPT, encoding="utf-8")
    told = infer(project, "penguins", penguins(tmp_path / "data"))
    text = proposed(project, "penguins")
    comments = [line.partition("#")[2] for line in KEPT.splitlines() if "#" in line]
    assert [line.partition("#")[2] for line in text.splitlines() if "#" in line] == comments
    data = tomllib.loads(text)["data"]
    assert (data["other_columns"], data["drift"], data["ignore"]) == ("refused", {"warn_psi": 0.3}, ["year"])
    assert data["minimum_rows"] == 172
    assert data["columns"]["year"] == {"minimum": 1900}
    assert data["columns"]["sex"]["missing"] == 0.07
    assert data["columns"]["flipper_length_mm"]["unique"] is True
    assert "unique" not in data["columns"]["sex"]
    assert "-minimum_rows = 3            # by hand\n+minimum_rows = 172            # by hand\n" in told


def test_a_table_without_header_is_proposed_by_position(project: Project, tmp_path: Path) -> None:
    wine = tables()["wine"]
    (tmp_path / "wine.csv").write_bytes(csv_of(wine.copy()))
    told = infer(project, "wine", tmp_path / "wine.csv", "0")
    settings = load_settings(project.built / "proposed" / "wine.toml").data
    assert (settings.label, settings.header) == (0, False)
    assert list(settings.columns) == [str(position) for position in (*range(1, 14), 0)]
    assert "178 rows, 13 features, 3 classes." in told


def test_another_label_is_taken_by_name_or_position(project: Project, tmp_path: Path) -> None:
    dataset = penguins(tmp_path / "data")
    for label, told in (("body_mass_g", None), ("7", "year"), ("1", "island")):
        if told is None:  # two penguins were not weighed
            with pytest.raises(CommandFailed, match="the label is missing"):
                infer(project, "penguins", dataset, label)
            continue
        infer(project, "penguins", dataset, label)
        assert load_settings(project.built / "proposed" / "penguins.toml").data.label == told


def test_a_regression_is_told_as_one(project: Project, tmp_path: Path) -> None:
    table = tables()["diabetes"]
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.csv").write_bytes(csv_of(table.copy(), table.names))
    assert "442 rows, 10 features, a number to predict." in infer(project, "diabetes", tmp_path, "progress")


def test_a_column_may_have_any_name(project: Project, tmp_path: Path) -> None:
    names = ["kind", "a.b", 'say "x"', "größe [cm]", "#1"]
    rows: list[Row] = [["ab"[n % 2], *(str(n + each) for each in range(4))] for n in range(40)]
    (tmp_path / "odd.csv").write_bytes(csv_of(rows, names))
    infer(project, "odd", tmp_path / "odd.csv", "kind")
    settings = load_settings(project.built / "proposed" / "odd.toml").data
    assert set(settings.columns) == set(names)
    judge(table_files(tmp_path)[:1], [], settings)


@pytest.mark.parametrize("model", ["", "Penguins", "a b", "../x", "a--b", "-a", "x" * 42, "a\n"])
def test_a_name_that_no_model_can_have_is_refused(project: Project, tmp_path: Path, model: str) -> None:
    with pytest.raises(CommandFailed, match="MODEL is a name of small letters"):
        infer(project, model, penguins(tmp_path / "data"))
    assert not project.built.exists()


def test_where_there_is_no_table_it_is_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("0,1\n")
    (tmp_path / "nothing").mkdir()
    for dataset in ("notes.txt", "nothing", "missing.csv"):
        with pytest.raises(CommandFailed, match=rf"no table at .*{dataset}.*\.csv, \.csv\.gz or \.parquet"):
            infer(project, "penguins", tmp_path / dataset)


def test_a_dataset_that_nothing_can_be_learnt_from_is_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("kind,size\n" + "a,1\n" * 40)
    with pytest.raises(CommandFailed, match=r"Nothing can be learnt from this dataset as it is:\n- .*\[classes\]"):
        infer(project, "bad", tmp_path / "bad.csv")


def test_settings_that_cannot_be_read_are_told(project: Project, tmp_path: Path) -> None:
    (project.models / "penguins.toml").write_text("owners = 3\n")
    with pytest.raises(CommandFailed, match="settings are invalid"):
        infer(project, "penguins", penguins(tmp_path / "data"))


def test_the_command_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", "--model", "Iris", "--dataset", "x.csv"]) == 1
    assert "MODEL is a name of small letters" in capsys.readouterr().err
