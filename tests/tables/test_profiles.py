import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import DataSettings
from tables.profiles import SHARES, ColumnProfile, NumberSpread, Profile, UnreadableProfile
from tests.tables.real import csv_of, tables
from tests.tables.tabling import accepted, write

SHARE = st.floats(0, 1)
NUMBER = st.floats(-3e38, 3e38)
SPREADS = st.builds(
    NumberSpread,
    NUMBER, NUMBER, NUMBER,
    st.tuples(*[NUMBER] * len(SHARES)),
    st.lists(st.tuples(NUMBER, SHARE), min_size=1, max_size=5).map(tuple),
)  # fmt: skip
COLUMNS = st.builds(
    ColumnProfile,
    st.one_of(st.none(), st.text()),
    st.integers(0, 10_000),
    st.sampled_from(["number", "boolean", "category"]),
    st.integers(0),
    st.one_of(st.none(), SPREADS),
    st.lists(st.tuples(st.text(), st.integers(0)), max_size=3).map(tuple),
    st.integers(0),
    st.integers(0),
)
PROFILES = st.builds(
    Profile,
    st.integers(0),
    st.one_of(st.none(), st.integers(0)),
    st.sampled_from(["classification", "regression"]),
    st.one_of(st.text(), st.integers(0)),
    st.dictionaries(st.text(), st.integers(0), max_size=4),
    st.one_of(st.none(), SPREADS),
    st.lists(COLUMNS, max_size=3).map(tuple),
    SHARE,
    st.one_of(st.none(), SHARE),
)


@given(PROFILES)
def test_a_profile_survives_its_file(profile: Profile) -> None:
    assert Profile.from_json(profile.to_json()) == profile
    assert Profile.from_json(profile.to_json().encode()).to_json() == profile.to_json()


@pytest.mark.parametrize("name", ["wine", "penguins", "diabetes"])
def test_the_profile_of_a_real_table_survives_its_file(name: str) -> None:
    profile = tables()[name].profile
    assert Profile.from_json(profile.to_json()) == profile
    assert len(profile.to_json()) < 200_000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 0}, "another version"),
        ({"rows": ...}, "rows"),
        ({"more": 1}, "more"),
        ({"columns": None}, "expected form"),
        ({"columns": [{}]}, "expected form"),
        ({"target": 3}, "expected form"),
    ],
)
def test_what_is_no_profile_is_told(change: dict[str, object], reason: str) -> None:
    fields = {**json.loads(tables()["wine"].profile.to_json()), **change}
    text = json.dumps({key: value for key, value in fields.items() if value is not ...})
    with pytest.raises(UnreadableProfile, match=reason):
        Profile.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{", b"\xff"])
def test_what_is_no_json_object_is_told(text: str | bytes) -> None:
    with pytest.raises(UnreadableProfile):
        Profile.from_json(text)


def test_a_profile_without_a_number_for_a_share_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(tables()["wine"].profile, duplicates=float("nan")).to_json()


def test_penguins_are_told_as_they_are() -> None:
    profile = tables()["penguins"].profile
    assert (profile.rows, profile.validation_rows, profile.task, profile.label) == (
        344,
        None,
        "classification",
        "species",
    )
    assert profile.classes == {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124}
    assert (profile.target, profile.duplicates, profile.leakage) == (None, 0.0, None)
    columns = {column.name: column for column in profile.columns}
    assert list(columns) == [name for name in tables()["penguins"].names or () if name != "species"]
    assert columns["island"].categories == (("Biscoe", 168), ("Dream", 124), ("Torgersen", 52))
    assert (columns["island"].kind, columns["island"].distinct, columns["island"].other) == ("category", 3, 0)
    assert (columns["sex"].categories, columns["sex"].missing) == ((("male", 168), ("female", 165)), 11)
    mass = columns["body_mass_g"]
    assert mass.numbers is not None
    assert (mass.kind, mass.missing, mass.numbers.minimum, mass.numbers.maximum) == ("number", 2, 2700.0, 6300.0)
    assert mass.numbers.mean == pytest.approx(4201.754, abs=0.001)
    assert mass.numbers.quantiles[3] == pytest.approx(4050, rel=1 / 128)


def test_a_regression_has_the_spread_of_its_numbers() -> None:
    profile = tables()["diabetes"].profile
    assert (profile.task, profile.classes, profile.label) == ("regression", {}, "progress")
    assert profile.target is not None
    assert (profile.target.minimum, profile.target.maximum) == (25.0, 346.0)
    assert profile.target.mean == pytest.approx(152.133, abs=0.001)


def test_of_many_categories_the_most_frequent_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    texts = [f"c{number}" for number in range(80) for _ in range(80 - number)]
    rows = [[str(index % 2), text, ""] for index, text in enumerate(texts)]
    rows[0][2] = "1"
    profile = accepted(write(tmp_path, csv_of(rows)), DataSettings(header=False)).profile
    column = profile.columns[0]
    assert column.categories == tuple((f"c{number}", 80 - number) for number in range(50))
    assert (column.distinct, column.other) == (80, sum(80 - number for number in range(50, 80)))


def test_what_is_ignored_is_not_described_and_plays_no_part_in_copies(tmp_path: Path) -> None:
    rows = [[str(number % 2), "1", str(number)] for number in range(40)]
    profile = accepted(write(tmp_path, csv_of(rows)), DataSettings(header=False, ignore=(2,))).profile
    assert [column.position for column in profile.columns] == [1]
    assert profile.duplicates == pytest.approx(38 / 40)
