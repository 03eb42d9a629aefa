import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.validate_dataset.findings import MAXIMUM_FINDINGS, Finding, explain
from functions.validate_dataset.rules import Rules
from functions.validate_dataset.table import MAXIMUM_CLASSES
from functions.validate_dataset.verdict import MAXIMUM_WARNINGS, Profile, judge, size_finding


def rules(**changed):
    return Rules(
        **{
            "label": 0,
            "header": False,
            "maximum_bytes": 10_000,
            "minimum_rows": 6,
            "minimum_rows_per_class": 2,
            **changed,
        }
    )


def rows(count=12, classes=3):
    return [f"{number % classes},{number}.5,{-number}" for number in range(count)]


def with_row(number, line, lines=None):
    lines = list(lines or rows())
    lines[number - 1] = line
    return lines


def refused(lines, **changed):
    verdict = judge(iter(lines), rules(**changed))
    assert isinstance(verdict, tuple), verdict
    return [str(finding) for finding in verdict]


def test_a_good_dataset_is_described():
    assert judge(iter(rows()), rules()) == Profile(
        rows=12, columns=(0, 1, 2), classes={"0": 4, "1": 4, "2": 4}, warnings=()
    )


def test_a_header_names_the_columns_and_the_label():
    lines = ["a,species,b", *(f"{n},{'setosa' if n % 2 else 'virginica'},{n}" for n in range(10))]
    verdict = judge(iter(lines), rules(header=True, label="species"))
    assert isinstance(verdict, Profile)
    assert verdict.columns == ("a", "species", "b")
    assert verdict.classes == {"virginica": 5, "setosa": 5}


def test_numbers_name_the_same_class_however_they_are_written():
    verdict = judge(iter(["0,1", "0.000,1", "0e0,1", "1,1", "1.0,1", "1.000,1"]), rules())
    assert isinstance(verdict, Profile)
    assert verdict.classes == {"0": 3, "1": 3}


def test_missing_features_are_counted_and_allowed():
    lines = with_row(2, "1,,nan", with_row(5, "1, NaN ,3"))
    verdict = judge(iter(lines), rules())
    assert isinstance(verdict, Profile)
    assert verdict.warnings == (
        "column 1 has no value in 2 of 12 rows (16.7%)",
        "column 2 has no value in 1 of 12 rows (8.3%)",
    )


def test_blank_lines_are_no_rows_but_count_as_lines():
    assert refused([*rows(3), "", *rows(6), "0,x,1"]) == [
        'row 11, column 1: "x" is not a number (leave a cell empty where a value is missing)'
    ]


@pytest.mark.parametrize(
    ("lines", "changed", "said"),
    [
        ([], {}, ["the file is empty"]),
        (["", ""], {}, ["the file is empty"]),
        (["label,a"], {"header": True}, ["there is a header with no rows below it"]),
        (rows(classes=1), {}, ['all rows are of one class, "0"']),
        (rows(5), {}, ["5 rows; at least 6 are asked for (minimum_rows)", 'class "2" has 1 row']),
        (with_row(7, "0,1"), {}, ["row 7: 2 cells instead of 3"]),
        (with_row(7, "0,1,2,3"), {}, ["row 7: 4 cells instead of 3"]),
        (with_row(7, "   "), {}, ["row 7: 1 cell instead of 3"]),
        (with_row(7, "0,many,2"), {}, ['row 7, column 1: "many" is not a number']),
        (with_row(7, "0,-inf,2"), {}, ['row 7, column 1: "-inf" is infinite']),
        (with_row(7, ",1,2"), {}, ["row 7, column 0: the label is missing"]),
        (with_row(7, "nan,1,2"), {}, ["row 7, column 0: the label is missing"]),
        (with_row(7, '"0,1,2'), {}, ["row 7: not readable as CSV"]),
        ([f"{n % 2},{n}," for n in range(8)], {}, ["column 2: there is no value in any row"]),
        (["species,a,b", *rows()], {}, ["row 1: no cell is a number; if this is a header"]),
        (["0", "1"], {}, ["row 1: there is one column"]),
        (rows(), {"label": 3}, ["row 1: the label is column 3, and the columns end with 2"]),
        (["a,b", "1,2"], {"header": True, "label": "species"}, ['row 1: no column is named "species"']),
        (
            ["a,,a", "1,2,3"],
            {"header": True},
            ["row 1, column 1: the column has no name", 'row 1, column "a": another column has the same name'],
        ),
        (["1,2,3", "1,2,3"], {"header": True}, ["row 1: there are only numbers where `header = true`"]),
        (["a" * 101 + ",b", "1,2"], {"header": True}, ["is longer than 100 characters"]),
        (with_row(2, "a\x1bb,1,2"), {}, ["row 2, column 0:"]),
    ],
)
def test_each_broken_rule_is_told_with_its_place(lines, changed, said):
    findings = refused(lines, **changed)
    assert len(findings) == len(said), findings
    for finding, words in zip(findings, said, strict=True):
        assert words in finding


def test_a_class_with_too_few_rows_is_named():
    assert refused([*rows(12, classes=2), "9,1,1"]) == [
        'class "9" has 1 row; at least 2 are asked for (minimum_rows_per_class)'
    ]


def test_reading_stops_at_the_tenth_finding():
    read = 0

    def endless():
        nonlocal read
        yield "0,1,2"
        while True:
            read += 1
            yield "0,x,2"

    verdict = judge(endless(), rules())
    assert isinstance(verdict, tuple)
    assert len(verdict) == MAXIMUM_FINDINGS
    assert read <= MAXIMUM_FINDINGS + 1


def test_a_continuous_label_is_refused_before_it_fills_the_memory():
    findings = refused(f"{number}.5,1" for number in itertools.count())
    assert f"more than {MAXIMUM_CLASSES:,} values; is it a class?" in findings[0]


def test_names_must_fit_into_what_a_run_carries():
    header = ",".join(f"{number:0>99}a" for number in range(800))
    lines = [f"species,{header}", *(f"{n % 2}," + ",".join(["1"] * 800) for n in range(8))]
    assert "take more than 65,536 bytes" in refused(lines, header=True, label="species")[0]


def test_warnings_are_bounded():
    cells = ",".join(["1"] * 40)
    verdict = judge(iter([f"{n % 2},{cells}" for n in range(8)] + ["0," + "," * 39, "1," + "," * 39]), rules())
    assert isinstance(verdict, Profile)
    assert len(verdict.warnings) == MAXIMUM_WARNINGS + 1
    assert verdict.warnings[-1] == "20 more columns have missing values"


def test_the_size_is_judged_before_reading():
    assert size_finding(10_000, rules()) is None
    assert "10,001 bytes; the limit is 10,000 (maximum_bytes)" in str(size_finding(10_001, rules()))


def test_the_message_says_rule_place_and_what_to_do():
    message = explain("datasets/iris-model/x.csv", "iris-model", [Finding("no", 3, 1), Finding("few rows")])
    assert message.splitlines() == [
        "datasets/iris-model/x.csv breaks the rules for iris-model:",
        "- row 3, column 1: no",
        "- few rows",
        "Rows are lines of the file counted from 1; columns without a name are counted from 0.",
        (
            "Correct the file and drop it again: make drop MODEL=iris-model DATASET=<file>. "
            "The rules stand under [data] in models/iris-model.toml."
        ),
    ]


def test_a_message_of_ten_findings_says_that_there_may_be_more():
    assert "There may be more" in explain("k", "m", [Finding("no", row) for row in range(10)])


@settings(max_examples=300)
@given(st.lists(st.text(max_size=30), max_size=30), st.booleans(), st.one_of(st.integers(0, 3), st.text(max_size=3)))
def test_any_lines_get_a_verdict(lines, header, label):
    """Hostile input is refused or described, never a crash, and a description keeps every rule."""
    verdict = judge(iter(lines), rules(header=header or isinstance(label, str), label=label))
    if isinstance(verdict, Profile):
        assert verdict.rows == sum(verdict.classes.values()) >= 6
        assert len(verdict.classes) >= 2
    else:
        assert 1 <= len(verdict) <= MAXIMUM_FINDINGS
        assert all("\n" not in str(finding) for finding in verdict)


@given(st.data())
def test_one_bad_cell_anywhere_is_found_where_it_is(data):
    width, height = data.draw(st.integers(1, 5)), data.draw(st.integers(6, 40))
    cells = [[str(row % 2), *(str(row + column) for column in range(width))] for row in range(height)]
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(1, width))
    cells[row][column] = data.draw(st.sampled_from(["x", "inf", "1e99", "1_0", "1 2"]))
    found = refused([",".join(line) for line in cells])
    if row == 0 and width == 1:
        assert found[0].startswith("row 1: no cell is a number")
    else:
        assert [finding.partition(":")[0] for finding in found] == [f"row {row + 1}, column {column}"]
