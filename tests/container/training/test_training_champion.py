import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from container.predictor import MODEL_FILE
from container.schema import SCHEMA_FILE
from container.training.champion import ARCHIVE_FILE, load_champion
from container.training.faults import UnreadableChampion
from tests.container.fits import exported


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
    champion = load_champion(archive(tmp_path, files), feature_count=4)
    assert champion is not None
    assert champion.schema == complete.predictor.schema
    assert champion.answer(complete.rows).tolist() == complete.predictor.answer(complete.rows).tolist()


def test_there_may_be_none(tmp_path: Path) -> None:
    assert load_champion(tmp_path, 4) is None
    assert load_champion(tmp_path / "absent", 4) is None


@pytest.mark.parametrize("name", [MODEL_FILE, SCHEMA_FILE])
def test_names_the_file_that_is_missing(tmp_path: Path, files: dict[str, bytes], name: str) -> None:
    del files[f"./{name}"]
    with pytest.raises(UnreadableChampion, match=f"no {name} in it"):
        load_champion(archive(tmp_path, files), 4)


def test_refuses_damaged_archives(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = archive(tmp_path, files) / ARCHIVE_FILE
    whole = path.read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], whole[:-200] + b"\0" * 200):
        path.write_bytes(damaged)
        with pytest.raises(UnreadableChampion):
            load_champion(tmp_path, 4)


def test_refuses_files_that_are_no_model(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableChampion, match="does not have the expected form"):
        load_champion(archive(tmp_path, {**files, f"./{SCHEMA_FILE}": b"{}"}), 4)


def test_a_link_is_no_model(tmp_path: Path, files: dict[str, bytes]) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(files[f"./{SCHEMA_FILE}"])
    with tarfile.open(tmp_path / ARCHIVE_FILE, "w:gz") as tar:
        link = tarfile.TarInfo(SCHEMA_FILE)
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        tar.addfile(link)
    with pytest.raises(UnreadableChampion, match=f"no {SCHEMA_FILE} in it"):
        load_champion(tmp_path, 4)


def test_says_what_to_do_when_the_features_changed(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableChampion, match=r'takes 4 features, the dataset has 5.*champion = "off"'):
        load_champion(archive(tmp_path, files), 5)
