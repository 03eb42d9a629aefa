from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import DataSettings
from tables.cells import label_number
from tables.dictionary import UNKNOWN, Dictionary
from tables.findings import Finding, UnusableTable
from tables.labels import LabelColumn
from tests.tables.tabling import accepted, refused, write


def column(*blocks: list[str | None]) -> tuple[LabelColumn, list[tuple[int, Finding]]]:
    label, blamed = LabelColumn(), []
    for block in blocks:
        label.add(pl.Series(block, dtype=pl.String), lambda index, finding: blamed.append((index, finding)))
    return label, blamed


@pytest.mark.parametrize(
    ("labels", "classes", "label_type"),
    [
        (["1", "1.000", "1e0", "+1", "0"], (0, 1), "integer"),
        (["10", "9", "-1"], (-1, 9, 10), "integer"),
        (["0.5", ".50", "5e-1", "2"], ("0.5", "2"), "text"),
        (["b", "a", "B"], ("B", "a", "b"), "text"),
        (["1", "2", "x"], ("1", "2", "x"), "text"),
        # No float tells these apart.
        (
            ["100000000000000000001", "100000000000000000002"],
            ("100000000000000000001", "100000000000000000002"),
            "text",
        ),
        (["9007199254740993", "9007199254740992"], (9007199254740992, 9007199254740993), "integer"),
        (["1e400", "2e400"], ("1e400", "2e400"), "text"),
        (["9" * 400, "8" * 400], ("8" * 400, "9" * 400), "text"),
    ],
)
def test_classes_are_what_labels_mean(labels: list[str], classes: tuple[object, ...], label_type: str) -> None:
    found = column(labels)[0].classes()
    assert (found.names, found.label_type) == (classes, label_type)


@given(st.lists(st.sampled_from(["0", "1", "0.0", "2", "x", "0.5", "10"]), min_size=1, max_size=30), st.integers(1, 29))
def test_every_label_has_the_position_of_its_class(labels: list[str], cut: int) -> None:
    label = LabelColumn()
    parts = [label.add(pl.Series(block, dtype=pl.String), lambda *_: None) for block in (labels[:cut], labels[cut:])]
    classes = label.classes()
    ids = [int(each) for part in parts if part.ids is not None for each in part.ids]
    found = [classes.names[classes.positions[each]] for each in ids]
    if classes.label_type == "integer":
        assert found == [int(float(text)) for text in labels]
    elif all(label_number(text) is not None for text in labels):
        assert [float(each) for each in found] == [float(text) for text in labels]
    else:
        assert found == labels


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        ([str(n) for n in range(100)], "classification"),
        ([str(n) for n in range(101)], "regression"),
        ([f"{n}.5" for n in range(10)], "classification"),
        ([f"{n}.5" for n in range(11)], "regression"),
        ([f"{n}.0" for n in range(100)], "classification"),
        ([str(10**20 + n) for n in range(101)], "regression"),
        ([str(10**20 + n) for n in range(100)], "classification"),
        ([*[str(n) for n in range(500)], "x"], "classification"),
        ([str(n) for n in range(1001)], "regression"),
    ],
)
def test_the_task_is_seen(labels: list[str], task: str) -> None:
    assert column(labels)[0].task(None) == task
    assert column(labels[:7], labels[7:])[0].task(None) == task


def test_what_is_declared_holds_where_it_can() -> None:
    assert column(["0", "1"])[0].task("regression") == "regression"
    assert column([str(n) for n in range(1000)])[0].task("classification") == "classification"
    with pytest.raises(UnusableTable, match=r"more than 1,000 values.*\[classes\]"):
        column([str(n) for n in range(1001)])[0].task("classification")
    with pytest.raises(UnusableTable, match=r'"x" is no number.*\[label-type\]'):
        column(["1", "x"])[0].task("regression")


def test_of_many_missing_labels_the_first_are_told_and_all_counted() -> None:
    _, blamed = column([None] * 10_000, ["a", None, "b"])
    assert [index for index, _ in blamed] == [0, 1, 2, 3, 4, 1]
    assert sum(finding.count for _, finding in blamed) == 10_001
    assert {finding.rule for _, finding in blamed} == {"label-missing"}


def test_a_hundred_thousand_missing_labels_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "0,1\n1,2\n" * 20 + ",3\n" * 100_000)
    assert refused(tmp_path, DataSettings(header=False)) == [
        "rows 41, 42, 43, 44, 45 and 99995 more, column 0: the label is missing [label-missing]"
    ]


@pytest.mark.parametrize("cast", [pl.Int64, pl.Float64, pl.UInt8, pl.String])
def test_labels_of_parquet_are_what_they_are_in_csv(cast: pl.DataType, tmp_path: Path) -> None:
    frame = pl.DataFrame({"kind": pl.Series([0, 1, 2] * 20).cast(cast), "size": range(60)})
    frame.write_parquet(write(tmp_path, b"", "data.parquet") / "data.parquet")
    assert accepted(tmp_path, DataSettings()).profile.classes == {"0": 20, "1": 20, "2": 20}


def test_large_whole_labels_of_parquet_keep_their_digits(tmp_path: Path) -> None:
    large = 2**60 + 1
    frame = pl.DataFrame({"kind": [large, large + 1] * 30, "size": range(60)})
    frame.write_parquet(write(tmp_path, b"", "data.parquet") / "data.parquet")
    assert accepted(tmp_path, DataSettings()).profile.classes == {str(large): 30, str(large + 1): 30}


class TestDictionary:
    def test_numbers_texts_as_they_come_up_to_a_limit(self) -> None:
        known = Dictionary(3)
        assert known.learn(pl.Series(["b", None, "a", "b"])) == ["b", "a"]
        assert known.learn(pl.Series(["a", "c", "d"])) == ["c"]
        assert (known.names, known.full) == (("b", "a", "c"), True)
        assert known.learn(pl.Series(["e"])) == []
        assert known.ids(pl.Series(["d", "c", None, "b"])).tolist() == [UNKNOWN, 2, UNKNOWN, 0]

    def test_a_dictionary_that_is_just_filled_is_not_full(self) -> None:
        known = Dictionary(2)
        known.learn(pl.Series(["a", "b", "a"]))
        assert not known.full

    def test_long_texts_leave_less_room(self) -> None:
        known = Dictionary(100, characters=10)
        assert known.learn(pl.Series(["abcd", "efgh", "ijkl"])) == ["abcd", "efgh"]
        assert known.full
        exact = Dictionary(100, characters=10)
        assert exact.learn(pl.Series(["abcde", "fghij"])) == ["abcde", "fghij"]
        assert not exact.full

    def test_nothing_known_gives_unknown(self) -> None:
        assert Dictionary(5).ids(pl.Series(["a", None])).tolist() == [UNKNOWN, UNKNOWN]
