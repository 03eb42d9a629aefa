"""However a table is written, it is accepted, described alike, and gives the model the same numbers."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from container.training.dataset import Dataset, read_dataset
from contracts.settings import DataSettings
from tables import blocks
from tables.profiles import NumberSpread, Profile
from tests.tables.real import Table, csv_of, tables
from tests.tables.tabling import accepted, write
from tests.tables.variations import Variation, variations

VARIATIONS = variations()


def without_mean(spread: NumberSpread | None) -> NumberSpread | None:
    return replace(spread, mean=0.0) if spread else None


def means(profile: Profile) -> dict[int | str, float]:
    return {column.title: column.numbers.mean for column in profile.columns if column.numbers}


def described(profile: Profile, *, positions: bool) -> tuple[object, ...]:
    """All that is said, but for means, which depend on the order in which numbers are added."""
    columns = [replace(column, numbers=without_mean(column.numbers)) for column in profile.columns]
    if not positions:
        columns = sorted((replace(column, position=0) for column in columns), key=lambda column: str(column.name))
    return replace(profile, columns=(), target=without_mean(profile.target)), columns


def settings_of(table: Table, variation: Variation) -> DataSettings:
    # Where the rows are others, there may be fewer of them.
    return table.settings({"minimum_rows": 30, "minimum_rows_per_class": 5} if not variation.same else {})


def shown(dataset: Dataset) -> tuple[object, ...]:
    """What the model is fitted on, texts as texts."""
    texts = dataset.texts
    features = dataset.train.features
    names = dataset.feature_names or tuple(map(str, range(features.shape[1])))
    columns = {
        name: [texts[i][int(x)] if i in texts and not np.isnan(x) else float(x) for x in features[:, i]]
        for i, name in enumerate(names)
    }
    return columns, dataset.labels.classes, dataset.labels.values.tolist()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[object, ...]]:
    """What each table is fitted on as it comes."""
    expected = {}
    for name, table in tables().items():
        folder = write(tmp_path_factory.mktemp(name), csv_of(table.copy(), table.names))
        expected[name] = shown(read_dataset(folder, None, table.settings()))
    return expected


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda each: f"{each.table}: {each.name}")
def test_a_table_is_accepted_however_it_is_written(
    variation: Variation, clean: dict[str, tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, content in variation.files.items():
        write((tmp_path / "train" / path).parent, content, Path(path).name)
    table = tables()[variation.table]
    if variation.block_bytes:
        monkeypatch.setattr(blocks, "BLOCK_BYTES", variation.block_bytes)
    settings = settings_of(table, variation)
    profile = accepted(tmp_path, settings).profile
    if not variation.same:
        return
    ordered = not variation.reordered
    assert described(profile, positions=ordered) == described(table.profile, positions=ordered)
    assert means(profile) == pytest.approx(means(table.profile))
    if ordered:
        dataset = read_dataset(tmp_path / "train", None, settings)
        np.testing.assert_equal(shown(dataset), clean[variation.table])


def test_there_are_many() -> None:
    print(len(VARIATIONS), "variations,", sum(each.same for each in VARIATIONS), "of them with the same profile")
    assert len(VARIATIONS) >= 200
    assert {each.table for each in VARIATIONS} == set(tables())


@pytest.mark.parametrize("seed", range(5))
def test_words_of_truth_are_the_same_in_every_spelling(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    truth = [chance.random() < 0.4 for _ in range(100)]
    settings = DataSettings.model_validate({"columns": {"1": {"type": "boolean"}}, "header": False})
    profiles = []
    for number, (yes, no) in enumerate(
        [(["true"], ["false"]), (["True", "YES", "t", "y"], ["FALSE", "no", "F", " n"])]
    ):
        rows = [[str(row % 2), chance.choice(yes if true else no), str(row)] for row, true in enumerate(truth)]
        profiles.append(accepted(write(tmp_path / str(number), csv_of(rows)), settings).profile)
    assert profiles[0].columns == profiles[1].columns
    assert profiles[0].columns[0].kind == "boolean"
    assert dict(profiles[0].columns[0].categories) == {"true": sum(truth), "false": 100 - sum(truth)}
