import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import DataSettings
from tables.columns import Columns, fix_columns, reorder
from tables.findings import UnusableTable

NAMES = ("kind", "size", "colour", "id")


@given(st.permutations(range(6)))
def test_every_column_is_found_in_another_order(order: list[int]) -> None:
    expected = tuple("abcdef")
    columns = Columns(expected, 6, 0, frozenset())
    names = [expected[position] for position in order]
    assert [names[place] for place in reorder(columns, names, 1)] == list(expected)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["kind", "size", "colour"], 'missing: "id"'),
        (["kind", "size", "colour", "id", "x"], 'new: "x"'),
        (["kind", "size", "colour", "id", "id"], "a name stands twice"),
        (["kind", "size", "Colour", "id"], 'missing: "colour"; new: "Colour"'),
    ],
)
def test_other_columns_are_told_by_name(names: list[str], told: str) -> None:
    with pytest.raises(UnusableTable) as refused:
        reorder(Columns(NAMES, 4, 0, frozenset()), names, 3)
    (finding,) = refused.value.findings
    assert told in finding.fault
    assert (finding.rule, finding.rows) == ("columns", (3,))


def fixed(names: tuple[str, ...] | None = NAMES, width: int = 4, **settings: object) -> Columns:
    return fix_columns(names, width, DataSettings.model_validate({"label": "kind", **settings}))


def test_label_ignored_and_features_are_told_apart() -> None:
    columns = fixed(label="colour", ignore=["id", 0])
    assert (columns.label, columns.ignored, columns.features) == (2, frozenset({0, 3}), (1,))
    assert (columns.title(1), fixed(None, label=1).title(1)) == ("size", 1)


def test_rules_are_found_by_name_or_by_position() -> None:
    settings = DataSettings.model_validate({"columns": {"size": {"minimum": 1}, "2": {"minimum": 2}}})
    columns = fix_columns(NAMES, 4, settings)
    assert [columns.rules(position, settings).minimum for position in range(4)] == [None, 1, 2, None]
    settings = DataSettings.model_validate({"columns": {"1": {"minimum": 1}}})
    assert [fix_columns(None, 3, settings).rules(position, settings).minimum for position in range(3)] == [
        None,
        1,
        None,
    ]


@pytest.mark.parametrize(
    ("settings", "names", "rules"),
    [
        ({"label": "kind"}, ("a", "b"), {"label-column"}),
        ({"label": "kind", "columns": {"kind": {"missing": 0}}}, ("a", "b"), {"label-column"}),
        ({"label": 2}, ("a", "b"), {"label-column"}),
        ({"label": 0, "ignore": ["c"]}, ("a", "b"), {"columns"}),
        ({"label": 0, "columns": {"7": {}}}, ("a", "b"), {"columns"}),
        ({"label": 0, "ignore": ["b"]}, ("a", "b"), {"columns"}),
        ({"label": 0, "other_columns": "refused"}, ("a", "b"), {"columns"}),
        ({"label": 0}, ("a",), {"width"}),
        ({"label": 0}, ("1", "2"), {"header"}),
        ({"label": 0}, ("a", ""), {"header"}),
        ({"label": 0}, ("a", "b", "a"), {"header"}),
        ({"label": 0}, ("a", "b\u202e"), {"header"}),
        ({"label": 0}, ("a", "x" * 101), {"header"}),
        ({"label": "kind", "ignore": ["c"]}, ("a", "", "a"), {"header", "label-column", "columns"}),
    ],
)
def test_columns_that_cannot_be_used_are_told(
    settings: dict[str, object], names: tuple[str, ...], rules: set[str]
) -> None:
    with pytest.raises(UnusableTable) as refused:
        fixed(names, len(names), **settings)
    assert {finding.rule for finding in refused.value.findings} == rules


def test_a_header_with_one_name_that_is_no_number_is_a_header() -> None:
    assert fixed(("2019", "kind")).names == ("2019", "kind")


def test_other_columns_are_refused_one_by_one() -> None:
    settings = DataSettings.model_validate({"columns": {"size": {}}, "ignore": ["id"], "other_columns": "refused"})
    with pytest.raises(UnusableTable) as refused:
        fix_columns((*NAMES, "more"), 5, settings)
    assert [finding.column for finding in refused.value.findings] == ["colour", "more"]
