import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from container.schema import Column
from container.training.dataset import Dataset, Labels, Part
from container.training.faults import UnusableDataset
from container.training.split import split_dataset
from contracts.settings import DataSettings

SETTINGS = DataSettings(minimum_rows=6, minimum_rows_per_class=2, test_fraction=0.33, seed=42)


def dataset(
    labels: str, names: tuple[str, ...] | None = None, features: int = 2, validation: str | None = None
) -> Dataset:
    """One row per letter of `labels`; every feature is the row's number."""
    letters = labels + (validation or "")
    classes = tuple(sorted(set(letters)))
    positions = np.array([classes.index(letter) for letter in letters])
    rows = np.repeat(np.arange(len(letters), dtype=np.float32)[:, None], features, axis=1)
    ends = slice(0, len(labels)), slice(len(labels), len(letters))
    train, held_out = (Part(rows[part].copy(), part) for part in ends)
    told = Labels("classification", classes, "text", positions)
    return Dataset(names, {}, told, train, held_out if validation is not None else None)


def numbered(values: list[float]) -> Dataset:
    rows = np.arange(len(values), dtype=np.float32)[:, None]
    return Dataset(
        None, {}, Labels("regression", (), "number", np.array(values)), Part(rows, slice(0, len(values))), None
    )


def test_holds_out_the_rows_that_scikit_learn_would() -> None:
    data = dataset("aaaabbbbcccccccc")
    split = split_dataset(data, SETTINGS)
    train, test = train_test_split(np.arange(16), test_size=0.33, random_state=42, stratify=data.labels.values)
    assert split.train_features[:, 0].tolist() == train.tolist()
    assert split.test_features[:, 0].tolist() == test.tolist()
    assert split.test_labels.tolist() == data.labels.values[test].tolist()


def test_the_seed_chooses_the_rows() -> None:
    data = dataset("ab" * 20)
    held_out = [
        split_dataset(data, SETTINGS.model_copy(update={"seed": seed})).test_features.tolist() for seed in (1, 1, 2)
    ]
    assert held_out[0] == held_out[1] != held_out[2]


def test_a_validation_channel_is_held_out_instead() -> None:
    split = split_dataset(dataset("aaabbb", validation="ba"), SETTINGS)
    assert (len(split.train_labels), split.test_labels.tolist()) == (6, [1, 0])


@pytest.mark.parametrize("where", ["nowhere", "train", "validation"])
def test_the_schema_says_whether_values_were_missing(where: str) -> None:
    data = dataset("aaabbb", ("x", "y"), validation="ab")
    assert data.validation is not None
    holes = {"nowhere": None, "train": data.train.features, "validation": data.validation.features}[where]
    if holes is not None:
        holes[0, 0] = np.nan
    schema = split_dataset(data, SETTINGS).schema
    assert (schema.feature_count, schema.feature_names) == (2, ("x", "y"))
    assert (schema.classes, schema.label_type) == (("a", "b"), "text")
    assert schema.missing_allowed == (holes is not None)


@pytest.mark.parametrize(
    ("labels", "validation", "changes", "reason"),
    [
        ("aabb", None, {}, "4 rows, the settings ask for 6"),
        ("aaaaaa", None, {}, "one class only: a; a classifier needs at least two"),
        ("aaaaaa", "ab", {}, "one class only: a"),
        ("aaaaab", None, {}, "classes with fewer than 2 rows: b (1)"),
        ("aaaaaaaabbbb", None, {"test_fraction": 0.05}, "cannot hold out 0.05 of 12 rows"),
        ("aaabbb", "abc", {}, "classes held out without a row to fit on: c"),
        ("aaabbb", "abcdefghi", {}, "classes held out without a row to fit on: c, d, e, f, g and 2 more"),
    ],
)
def test_refuses(labels: str, validation: str | None, changes: dict[str, float], reason: str) -> None:
    with pytest.raises(UnusableDataset) as fault:
        split_dataset(dataset(labels, validation=validation), SETTINGS.model_copy(update=changes))
    assert reason in str(fault.value)


@pytest.mark.parametrize(("names", "reason"), [(None, "any value: 2"), (("x", "y"), "any value: y")])
def test_refuses_a_feature_without_values(names: tuple[str, ...] | None, reason: str) -> None:
    data = dataset("aaabbb", names)
    data.train.features[:, 1] = np.nan
    with pytest.raises(UnusableDataset, match=reason):
        split_dataset(data, SETTINGS)


def test_a_regression_holds_out_the_rows_that_scikit_learn_would() -> None:
    split = split_dataset(numbered([n / 7 for n in range(20)]), SETTINGS)
    train, test = train_test_split(np.arange(20), test_size=0.33, random_state=42)
    assert split.train_features[:, 0].tolist() == train.tolist()
    assert split.test_labels.tolist() == [row / 7 for row in test]
    assert (split.schema.task, split.schema.classes, split.schema.label_type) == ("regression", (), "number")


def test_refuses_a_regression_of_one_number() -> None:
    with pytest.raises(UnusableDataset, match=r"the label is 2\.0 in every row"):
        split_dataset(numbered([2.0] * 20), SETTINGS)


def test_texts_are_encoded_from_the_training_rows_alone() -> None:
    data = dataset("aaaabbbb", features=1, validation="abab")
    assert data.validation is not None
    data.train.features[:, 0] = [1, 1, 1, 1, 0, 0, 0, 0]
    data.validation.features[:, 0] = [0, 1, 2, np.nan]
    texts = {0: ("red", "blue", "green")}
    split = split_dataset(Dataset(("colour",), texts, data.labels, data.train, data.validation), SETTINGS)
    assert split.schema.columns == (Column("colour", "category", ("blue", "red")),)
    assert split.train_features[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(split.test_features[:, 0], [1, 0, np.nan, np.nan])
