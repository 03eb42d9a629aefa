import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from container.training.dataset import Dataset
from container.training.faults import UnusableDataset
from container.training.split import split_dataset
from contracts.settings import DataSettings

SETTINGS = DataSettings(minimum_rows=6, minimum_rows_per_class=2, test_fraction=0.33, seed=42)


def dataset(labels: str, names: tuple[str, ...] | None = None, features: int = 2) -> Dataset:
    """One row per letter of `labels`; every feature is the row's number."""
    rows = np.repeat(np.arange(len(labels), dtype=np.float32)[:, None], features, axis=1)
    return Dataset(names, rows, tuple(labels))


def test_holds_out_the_rows_that_scikit_learn_would() -> None:
    data = dataset("aaaabbbbcccccccc")
    split = split_dataset(data, None, SETTINGS)
    train, test = train_test_split(np.arange(16), test_size=0.33, random_state=42, stratify=data.labels)
    assert split.train_features[:, 0].tolist() == train.tolist()
    assert split.test_features[:, 0].tolist() == test.tolist()
    assert [split.schema.classes[position] for position in split.test_labels] == [data.labels[row] for row in test]


def test_the_seed_chooses_the_rows() -> None:
    data = dataset("ab" * 20)
    held_out = [
        split_dataset(data, None, SETTINGS.model_copy(update={"seed": seed})).test_features.tolist()
        for seed in (1, 1, 2)
    ]
    assert held_out[0] == held_out[1] != held_out[2]


def test_a_validation_channel_is_held_out_instead() -> None:
    split = split_dataset(dataset("aaabbb"), dataset("ba"), SETTINGS)
    assert (len(split.train_labels), split.test_labels.tolist()) == (6, [1, 0])


@pytest.mark.parametrize("where", ["nowhere", "train", "validation"])
def test_the_schema_says_whether_values_were_missing(where: str) -> None:
    data, validation = dataset("aaabbb", ("x", "y")), dataset("ab", ("x", "y"))
    holes = {"nowhere": None, "train": data.features, "validation": validation.features}[where]
    if holes is not None:
        holes[0, 0] = np.nan
    schema = split_dataset(data, validation, SETTINGS).schema
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
    held_out = None if validation is None else dataset(validation)
    with pytest.raises(UnusableDataset) as fault:
        split_dataset(dataset(labels), held_out, SETTINGS.model_copy(update=changes))
    assert reason in str(fault.value)


@pytest.mark.parametrize(("names", "reason"), [(None, "any value: 2"), (("x", "y"), "any value: y")])
def test_refuses_a_feature_without_values(names: tuple[str, ...] | None, reason: str) -> None:
    data = dataset("aaabbb", names)
    data.features[:, 1] = np.nan
    with pytest.raises(UnusableDataset, match=reason):
        split_dataset(data, None, SETTINGS)


def test_refuses_a_validation_channel_with_other_columns() -> None:
    with pytest.raises(UnusableDataset, match="validation has 3 features, channel train 2"):
        split_dataset(dataset("aaabbb"), dataset("ab", features=3), SETTINGS)
    with pytest.raises(UnusableDataset, match="different headers"):
        split_dataset(dataset("aaabbb", ("x", "y")), dataset("ab", ("y", "x")), SETTINGS)
