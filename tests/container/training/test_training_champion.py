import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from container.predictor import MODEL_FILE
from container.schema import SCHEMA_FILE, Column, Schema
from container.training.champion import ARCHIVE_FILE, load_champion, match_columns
from container.training.faults import UnreadableChampion
from tests.container.fits import exported
from tests.container.schemas import classifier
from tests.container.training.evaluation.answered import LinearPredictor, regression_schema

FOUR = classifier(4)


@pytest.fixture
def files(complete: Any) -> dict[str, bytes]:
    schema = complete.predictor.schema.to_json().encode()
    return {f"./{MODEL_FILE}": exported(complete.forest), f"./{SCHEMA_FILE}": schema}


def archive(folder: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(folder / ARCHIVE_FILE, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return folder


def test_reads_the_archive_as_sagemaker_packs_it(tmp_path: Path, files: dict[str, bytes], complete: Any) -> None:
    champion = load_champion(archive(tmp_path, files), FOUR)
    assert champion is not None
    assert champion.predictor.schema == complete.predictor.schema
    assert (
        champion.predictor.answer(champion.translate(complete.rows)).tolist()
        == complete.predictor.answer(complete.rows).tolist()
    )


def test_there_may_be_none(tmp_path: Path) -> None:
    assert load_champion(tmp_path, FOUR) is None
    assert load_champion(tmp_path / "absent", FOUR) is None


@pytest.mark.parametrize("name", [MODEL_FILE, SCHEMA_FILE])
def test_names_the_file_that_is_missing(tmp_path: Path, files: dict[str, bytes], name: str) -> None:
    del files[f"./{name}"]
    with pytest.raises(UnreadableChampion, match=f"no {name} in it"):
        load_champion(archive(tmp_path, files), FOUR)


def test_refuses_damaged_archives(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = archive(tmp_path, files) / ARCHIVE_FILE
    whole = path.read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], whole[:-200] + b"\0" * 200):
        path.write_bytes(damaged)
        with pytest.raises(UnreadableChampion):
            load_champion(tmp_path, FOUR)


def test_refuses_files_that_are_no_model(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableChampion, match="does not have the expected form"):
        load_champion(archive(tmp_path, {**files, f"./{SCHEMA_FILE}": b"{}"}), FOUR)


def test_a_link_is_no_model(tmp_path: Path, files: dict[str, bytes]) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(files[f"./{SCHEMA_FILE}"])
    with tarfile.open(tmp_path / ARCHIVE_FILE, "w:gz") as tar:
        link = tarfile.TarInfo(SCHEMA_FILE)
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        tar.addfile(link)
    with pytest.raises(UnreadableChampion, match=f"no {SCHEMA_FILE} in it"):
        load_champion(tmp_path, FOUR)


def test_says_what_to_do_when_the_features_changed(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableChampion, match=r'takes 4 features, the dataset has 5.*champion = "off"'):
        load_champion(archive(tmp_path, files), classifier(5))


def columns(**kinds: str) -> Schema:
    categories = {"category": ("a", "b")}
    return regression_schema(
        columns=tuple(Column(name, kind, categories.get(kind, ())) for name, kind in kinds.items())
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        (
            columns(a="number", b="number"),
            columns(a="number"),
            "the champion takes 'b', which the dataset does not have",
        ),
        (columns(a="category"), columns(a="number"), "column 'a' is a category to the champion and a number now"),
        (columns(a="number"), columns(a="category"), "column 'a' is a number to the champion and a category now"),
        (columns(a="number"), classifier(("a",)), "the champion is a regression and the candidate a classification"),
        (regression_schema(2), columns(a="number"), "the champion takes 2 features, the dataset has 1"),
    ],
)
def test_what_cannot_be_compared_is_named(theirs: Schema, ours: Schema, said: str) -> None:
    with pytest.raises(UnreadableChampion) as caught:
        match_columns(LinearPredictor([1.0], theirs), ours)
    assert said in str(caught.value)
    assert 'champion = "off"' in str(caught.value)


def test_columns_that_are_new_to_the_champion_are_left_out() -> None:
    champion = match_columns(
        LinearPredictor([1.0], columns(b="number")), columns(a="category", b="number", c="boolean")
    )
    assert champion.sources == (1,)
