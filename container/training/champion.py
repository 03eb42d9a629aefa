"""Reads the champion: the artefact that production serves, as the optional channel `champion`."""

import tarfile
from pathlib import Path
from typing import Final

from container.predictor import MODEL_FILE, Predictor, UnreadableModel
from container.schema import SCHEMA_FILE, Schema, UnreadableSchema
from container.training.faults import UnreadableChampion

ARCHIVE_FILE: Final = "model.tar.gz"
# A graph larger than this is no ONNX model: protobuf ends at 2 GiB.
_MAXIMUM_BYTES: Final = 2 * 1024**3


def load_champion(folder: Path, feature_count: int) -> Predictor | None:
    """The model in `folder`'s `model.tar.gz`; None when there is none. Nothing is unpacked to disk.

    Raises:
        UnreadableChampion: not a model of ours, or one that takes another number of features.
    """
    archive = folder / ARCHIVE_FILE
    if not archive.is_file():
        return None
    try:
        with tarfile.open(archive, "r:gz") as tar:
            files = {name: _read_member(tar, name) for name in (SCHEMA_FILE, MODEL_FILE)}
        champion = Predictor(files[MODEL_FILE], Schema.from_json(files[SCHEMA_FILE]))
    except (tarfile.TarError, EOFError, OSError, UnreadableSchema, UnreadableModel) as fault:
        raise UnreadableChampion(f"the champion's {ARCHIVE_FILE} cannot be read: {fault}") from fault
    if champion.schema.feature_count != feature_count:
        raise UnreadableChampion(
            f"the champion takes {champion.schema.feature_count} features, the dataset has {feature_count}, so they "
            'cannot be compared; `champion = "off"` under [gate] releases without a comparison'
        )
    return champion


def _read_member(tar: tarfile.TarFile, name: str) -> bytes:
    for member in tar:
        wanted = member.isfile() and member.name.removeprefix("./") == name
        if wanted and member.size > _MAXIMUM_BYTES:
            raise UnreadableModel(f"{name} has {member.size} bytes")
        content = tar.extractfile(member) if wanted else None
        if content is not None:
            return content.read()
    raise UnreadableModel(f"no {name} in it")
