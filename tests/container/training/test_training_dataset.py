from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.training.dataset import Dataset, read_dataset
from container.training.faults import UnusableDataset
from contracts.settings import DataSettings

BARE = DataSettings()


def read(folder: Path, text: str | bytes, settings: DataSettings = BARE, validation: str | None = None) -> Dataset:
    for channel, content in (("train", text), ("validation", validation)):
        if content is not None:
            (folder / channel).mkdir(exist_ok=True)
            (folder / channel / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_dataset(folder / "train", folder / "validation" if validation else None, settings)


def label_names(dataset: Dataset) -> list[int | str]:
    return [dataset.labels.classes[position] for position in dataset.labels.values]


def test_label_first_without_header(tmp_path: Path) -> None:
    dataset = read(tmp_path, "0.000,1.500,2\n1.000,3,4e0\n")
    assert dataset.feature_names is None
    assert (dataset.labels.task, dataset.labels.classes) == ("classification", (0, 1))
    assert label_names(dataset) == [0, 1]
    assert dataset.train.features.tolist() == [[1.5, 2], [3, 4]]
    assert dataset.train.features.dtype == np.float32


@pytest.mark.parametrize("label", ["kind", 1])
def test_label_by_name_or_position_with_header(tmp_path: Path, label: str | int) -> None:
    dataset = read(tmp_path, "length, kind ,width\r\n1,a,2\r\n3, b,4\r\n", DataSettings(label=label))
    assert dataset.feature_names == ("length", "width")
    assert label_names(dataset) == ["a", "b"]
    assert dataset.train.features.tolist() == [[1, 2], [3, 4]]


def test_texts_are_numbered_and_what_is_missing_is_nan(tmp_path: Path) -> None:
    dataset = read(tmp_path, "a,,red\nb,2,\na,3,blue\nb,4,red\n")
    assert dataset.texts == {1: ("red", "blue")}
    np.testing.assert_array_equal(dataset.train.features, [[np.nan, 0], [2, np.nan], [3, 1], [4, 0]])


def test_ignored_columns_are_no_features(tmp_path: Path) -> None:
    settings = DataSettings.model_validate({"label": "kind", "ignore": ["id", "note"]})
    dataset = read(tmp_path, "id,kind,size,note\nx1,a,1,hello\nx2,b,2,there\n", settings)
    assert (dataset.feature_names, dataset.train.features.tolist()) == (("size",), [[1], [2]])


def test_validation_rows_share_classes_and_texts(tmp_path: Path) -> None:
    dataset = read(tmp_path, "a,red\nb,blue\nb,red\n", DataSettings(header=False), validation="b,green\na,red\n")
    assert dataset.texts == {0: ("red", "blue", "green")}
    assert dataset.validation is not None
    assert dataset.validation.features.tolist() == [[2], [0]]
    assert dataset.labels.values[dataset.validation.rows].tolist() == [1, 0]
    assert dataset.labels.values[dataset.train.rows].tolist() == [0, 1, 1]


def test_a_column_of_texts_stays_one_where_validation_has_only_digits(tmp_path: Path) -> None:
    dataset = read(tmp_path, "a,x1\nb,12\nb,x1\n", DataSettings(header=False), validation="b,12\na,12\n")
    assert dataset.validation is not None
    assert dataset.texts == {0: ("x1", "12")}
    assert dataset.validation.features.tolist() == [[1], [1]]


@pytest.mark.parametrize(
    ("labels", "classes", "label_type"),
    [
        (["0.000", "2.000", "1.000"], (0, 1, 2), "integer"),
        (["0", "0.0", "0e0", "-0", "7"], (0, 7), "integer"),
        (["10", "9", "-1"], (-1, 9, 10), "integer"),
        (["123456789012345678", "123456789012345679"], (123456789012345678, 123456789012345679), "integer"),
        (["yes", "no", "yes"], ("no", "yes"), "text"),
        (["1", "2", "other"], ("1", "2", "other"), "text"),
        (["0.5", "1.50", "1.5", "2"], ("0.5", "1.5", "2"), "text"),
        (["True", "False"], ("False", "True"), "text"),
        (["inf", "1"], ("1", "inf"), "text"),
        (["1_0", "2"], ("1_0", "2"), "text"),
    ],
)
def test_classes(tmp_path: Path, labels: list[str], classes: tuple[object, ...], label_type: str) -> None:
    dataset = read(tmp_path, "".join(f"{label},1\n" for label in labels))
    assert (dataset.labels.classes, dataset.labels.label_type) == (classes, label_type)
    assert len(dataset.labels.values) == len(labels)


@pytest.mark.parametrize(
    "labels", [[f"{n}.5" for n in range(11)], [str(n) for n in range(101)], [str(n) for n in range(2000)]]
)
def test_numbers_that_are_no_classes_make_a_regression(tmp_path: Path, labels: list[str]) -> None:
    dataset = read(tmp_path, "".join(f"{label},1\n" for label in labels))
    assert (dataset.labels.task, dataset.labels.classes, dataset.labels.label_type) == ("regression", (), "number")
    assert dataset.labels.values.tolist() == [float(label) for label in labels]


def test_the_settings_may_say_the_task(tmp_path: Path) -> None:
    few, many = "1,1\n2,1\n", "".join(f"{n},1\n" for n in range(200))
    assert read(tmp_path, few, DataSettings(task="regression")).labels.values.tolist() == [1.0, 2.0]
    assert len(read(tmp_path, many, DataSettings(task="classification")).labels.classes) == 200


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        ("", BARE, "no rows"),
        ("kind,x\n", DataSettings(label="kind"), "no rows"),
        ("a,1\n,2\nb,\n", BARE, "row 2, column 0: the label is missing"),
        ("0,1\nnan,2\n", BARE, "row 2, column 0: the label is missing"),
        ('"a\nb",1\nc,2\n', BARE, "characters that cannot be printed"),
        ("a,1,2\nb,3,x\nb,3,1\n", BARE, 'row 2, column 2: "x" is not a number'),
        ("a,1,2\n", DataSettings(label=3), "the label is column 3, and the columns end with 2"),
        ("1,1\nx,1\n", DataSettings(task="regression"), 'the label "x" is no number, which a regression predicts'),
        ("".join(f"n{n},1\n" for n in range(1001)), BARE, "more than 1,000 values; is it a class?"),
        ("".join(f"{n},1\n" for n in range(1001)), DataSettings(task="classification"), "is it a class?"),
    ],
)
def test_refuses_naming_row_and_column(tmp_path: Path, text: str, settings: DataSettings, reason: str) -> None:
    with pytest.raises(UnusableDataset) as fault:
        read(tmp_path, text, settings)
    assert reason in str(fault.value)


def test_refuses_a_folder_without_a_table(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("")
    with pytest.raises(UnusableDataset, match=r"no file that ends in \.csv, \.csv\.gz or \.parquet"):
        read_dataset(tmp_path, None, BARE)


@given(st.lists(st.floats(width=32, allow_infinity=False), min_size=1))
def test_reads_every_finite_number_exactly(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    text = "0,0,1\n" + "".join(f"1,0,{value!r}\n" for value in values)
    dataset = read(tmp_path_factory.mktemp("data"), text)
    np.testing.assert_array_equal(dataset.train.features[1:, 1], np.array(values, dtype=np.float32))


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1, max_size=90))
def test_every_row_keeps_its_class(tmp_path_factory: pytest.TempPathFactory, values: list[int]) -> None:
    dataset = read(tmp_path_factory.mktemp("data"), "".join(f"{value},1\n" for value in values))
    assert label_names(dataset) == values
