"""Reads the champion: the artefact that production serves, as the optional channel `champion`."""

import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.fields import quoted
from container.predictor import MODEL_FILE, Predictor, Rows, UnreadableModel
from container.schema import SCHEMA_FILE, Column, Schema, UnreadableSchema
from container.training.faults import UnreadableChampion

ARCHIVE_FILE: Final = "model.tar.gz"
# A file is read as a whole; an artefact of a larger one was made by somebody else.
_MAXIMUM_BYTES: Final = 2 * 1024**3
_ADVICE: Final = 'so they cannot be compared; `champion = "off"` under [gate] releases without a comparison'


@dataclass(frozen=True)
class Champion:
    """The model, and how it reads the candidate's rows.

    `sources[i]` is the candidate's column that feeds the champion's column i. Of a column of categories `codes[i]`
    holds the champion's code for each of the candidate's, NaN for a category that the champion has not seen; of any
    other it is None. Without `missing_values` in the candidate's rows NaN can only be a category that is new, which no
    model refuses.
    """

    predictor: Predictor
    sources: tuple[int, ...]
    codes: tuple[NDArray[np.float32] | None, ...]
    missing_values: bool

    def translate(self, rows: Rows) -> Rows:
        """The candidate's rows as the champion takes them: its own columns in its own order, with its own codes."""
        translated = np.ascontiguousarray(rows[:, self.sources])
        for place, codes in enumerate(self.codes):
            if codes is not None:
                column = translated[:, place]
                known = ~np.isnan(column)
                column[known] = codes[column[known].astype(np.int64)]
        return translated

    def refuses(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of the candidate's rows it would not answer as it serves, shape (rows,).

        Those with a missing value, when it was trained without any, and those with a number that is neither 0 nor 1
        where it takes a boolean.
        """
        taken = rows[:, self.sources]
        refused = np.zeros(len(rows), dtype=bool)
        if self.missing_values and not self.predictor.schema.missing_allowed:
            refused |= np.isnan(taken).any(axis=1)
        booleans = [place for place, column in enumerate(self.predictor.schema.columns) if column.kind == "boolean"]
        numbers = taken[:, booleans]
        refused |= (~np.isnan(numbers) & (numbers != 0) & (numbers != 1)).any(axis=1)
        return refused


def load_champion(folder: Path, schema: Schema) -> Champion | None:
    """The model in `folder`'s `model.tar.gz`; None when there is none. Nothing is unpacked to disk.

    Raises:
        UnreadableChampion: not a model of ours, or one that cannot answer rows of the candidate's `schema`.
    """
    archive = folder / ARCHIVE_FILE
    if not archive.is_file():
        return None
    try:
        with tarfile.open(archive, "r:gz") as tar:
            files = {name: _read_member(tar, name) for name in (SCHEMA_FILE, MODEL_FILE)}
        predictor = Predictor(files[MODEL_FILE], Schema.from_json(files[SCHEMA_FILE]))
    except (tarfile.TarError, zlib.error, EOFError, OSError, UnreadableSchema, UnreadableModel) as fault:
        raise UnreadableChampion(f"the champion's {ARCHIVE_FILE} cannot be read: {fault}") from fault
    return match_columns(predictor, schema)


def match_columns(predictor: Predictor, schema: Schema) -> Champion:
    """By name where both have names, as a request with a header would; else by position.

    Raises:
        UnreadableChampion: another task, a column that the dataset has no more, or one of another kind.
    """
    theirs = predictor.schema
    if theirs.task != schema.task:
        raise UnreadableChampion(f"the champion is a {theirs.task} and the candidate a {schema.task}, {_ADVICE}")
    sources = (
        _by_name(theirs, schema) if theirs.feature_names and schema.feature_names else _by_position(theirs, schema)
    )
    columns = [schema.columns[source] for source in sources]
    codes = tuple(_codes(ours, column) for ours, column in zip(columns, theirs.columns, strict=True))
    return Champion(predictor, sources, codes, schema.missing_allowed)


def _by_position(theirs: Schema, ours: Schema) -> tuple[int, ...]:
    if theirs.feature_count != ours.feature_count:
        raise UnreadableChampion(
            f"the champion takes {theirs.feature_count} features, the dataset has {ours.feature_count}, {_ADVICE}"
        )
    return tuple(range(ours.feature_count))


def _by_name(theirs: Schema, ours: Schema) -> tuple[int, ...]:
    places = {column.name: place for place, column in enumerate(ours.columns)}
    gone = [column.name or "" for column in theirs.columns if column.name not in places]
    if gone:
        raise UnreadableChampion(f"the champion takes {_listed(gone)}, which the dataset does not have, {_ADVICE}")
    return tuple(places[column.name] for column in theirs.columns)


def _codes(ours: Column, theirs: Column) -> NDArray[np.float32] | None:
    if (ours.kind == "category") != (theirs.kind == "category"):
        title = f"column {quoted(theirs.name)}" if theirs.name else "a column"
        raise UnreadableChampion(f"{title} is a {theirs.kind} to the champion and a {ours.kind} now, {_ADVICE}")
    if theirs.kind != "category":
        return None
    known = {category: float(code) for code, category in enumerate(theirs.categories)}
    return np.array([known.get(category, np.nan) for category in ours.categories], dtype=np.float32)


def _listed(names: Sequence[str], shown: int = 5) -> str:
    return ", ".join(map(quoted, names[:shown])) + (f" and {len(names) - shown} more" if len(names) > shown else "")


def _read_member(tar: tarfile.TarFile, name: str) -> bytes:
    for member in tar:
        wanted = member.isfile() and member.name.removeprefix("./") == name
        if wanted and member.size > _MAXIMUM_BYTES:
            raise UnreadableModel(f"{name} has {member.size} bytes")
        content = tar.extractfile(member) if wanted else None
        if content is not None:
            return content.read()
    raise UnreadableModel(f"no {name} in it")
