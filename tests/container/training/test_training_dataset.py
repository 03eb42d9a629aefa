from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.training.dataset import Dataset, read_dataset
from container.training.faults import UnusableDataset
from contracts.settings import DataSettings

BARE = DataSettings()
NAMED = DataSettings(label="kind", header=True)


def read(folder: Path, text: str | bytes, settings: DataSettings = BARE) -> Dataset:
    (folder / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_dataset(folder, settings)


def test_label_first_without_header(tmp_path: Path) -> None:
    dataset = read(tmp_path, "0.000,1.500,2\n1.000,3,4e0\n")
    assert dataset.feature_names is None
    assert dataset.labels == ("0.000", "1.000")
    assert dataset.features.tolist() == [[1.5, 2], [3, 4]]


@pytest.mark.parametrize("label", ["kind", 1])
def test_label_by_name_or_position_with_header(tmp_path: Path, label: str | int) -> None:
    settings = DataSettings(label=label, header=True)
    dataset = read(tmp_path, "length, kind ,width\r\n1,a,2\r\n3, b,4\r\n", settings)
    assert dataset.feature_names == ("length", "width")
    assert dataset.labels == ("a", "b")
    assert dataset.features.tolist() == [[1, 2], [3, 4]]


def test_missing_features_are_nan(tmp_path: Path) -> None:
    dataset = read(tmp_path, "a,,2\nb,nan,\n")
    assert np.isnan(dataset.features).tolist() == [[True, False], [True, True]]


def test_quotes_blank_lines_and_byte_order_mark(tmp_path: Path) -> None:
    dataset = read(tmp_path, '\ufeff"a, b","1",2\n\n c ,3,4\n\n')
    assert dataset.labels == ("a, b", "c")
    assert dataset.features.tolist() == [[1, 2], [3, 4]]


def test_all_csv_files_in_order_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "part.CSV").write_text("kind,x\nb,2\n")
    (tmp_path / "notes.txt").write_text("?")
    dataset = read(tmp_path, "kind,x\na,1\n", NAMED)
    assert (dataset.labels, dataset.features.tolist()) == (("a", "b"), [[1], [2]])


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        ("", BARE, "no rows"),
        ("\n \n", BARE, "a.csv line 2: 1 column, expected a label and at least one feature"),
        ("", NAMED, "a.csv: empty, expected a header"),
        ("kind,x\n", NAMED, "no rows"),
        ("1,2\n3,4\n", NAMED, "only numbers, expected a header"),
        ("a,x\n", NAMED, "0 columns are named 'kind', expected one"),
        ("kind,kind,x\n", NAMED, "2 columns are named 'kind', expected one"),
        ("kind\n", NAMED, "1 column, expected a label and at least one feature"),
        ("kind,x\na,1\n", BARE, "a.csv line 1: no numbers; if it is a header, set `header = true` under [data]"),
        ("a,1,2\nb,1\n", BARE, "a.csv line 2: 2 columns, expected 3"),
        ("kind,x\na,1,2\n", NAMED, "a.csv line 2: 3 columns, expected 2"),
        ("a,1,2\nb,3,x\n", BARE, "a.csv line 2, column 3: 'x' is not a number"),
        ("kind,x\na,?\n", NAMED, "a.csv line 2, column 2 ('x'): '?' is not a number"),
        ("x,kind\n?,a\n", NAMED, "a.csv line 2, column 1 ('x'): '?' is not a number"),
        ("a,1\nb,inf\n", BARE, "a.csv line 2, column 2: 'inf' is infinite or too large"),
        ("a,1\n,2\n", BARE, "a.csv line 2, column 1: missing label"),
        ("0,1\nnan,2\n", BARE, "a.csv line 2, column 1: missing label"),
        ("a,1,2\n", DataSettings(label=3), "3 columns, but the label's position is 3"),
        ('a,1\nb,"2\n', BARE, "a.csv line 2: not CSV: unexpected end of data"),
        (b"a,1\nb,2\nc\xe9,3\n", BARE, "a.csv line 3: not UTF-8"),
        ("a,1\n".encode("utf-16"), BARE, "a.csv line 1: not UTF-8"),
    ],
)
def test_refuses_naming_line_and_column(tmp_path: Path, text: str | bytes, settings: DataSettings, reason: str) -> None:
    with pytest.raises(UnusableDataset) as fault:
        read(tmp_path, text, settings)
    assert reason in str(fault.value)


def test_names_the_first_faults_only(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataset) as fault:
        read(tmp_path, "a,1\n" + "b,x\n" * 100)
    assert str(fault.value).count("is not a number") == 5
    assert "line 6," in str(fault.value)
    assert str(fault.value).endswith("; there may be more")


def test_refuses_files_with_different_headers(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("kind,y\nb,2\n")
    with pytest.raises(UnusableDataset, match=r"b\.csv line 1: another header than in the first file"):
        read(tmp_path, "kind,x\na,1\n", NAMED)


def test_refuses_a_folder_without_csv(tmp_path: Path) -> None:
    (tmp_path / "data.parquet").write_text("")
    with pytest.raises(UnusableDataset, match=r"no \*\.csv file"):
        read_dataset(tmp_path, BARE)


@given(st.lists(st.tuples(st.integers(), st.floats(width=32, allow_infinity=False)), min_size=1))
def test_reads_every_finite_number_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]
) -> None:
    text = "".join(f"{label},0,{value!r}\n" for label, value in rows)
    dataset = read(tmp_path_factory.mktemp("data"), text)
    np.testing.assert_array_equal(dataset.features[:, 1], np.array([value for _, value in rows], dtype=np.float32))
    assert dataset.labels == tuple(str(label) for label, _ in rows)
