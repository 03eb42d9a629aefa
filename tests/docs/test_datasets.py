"""The guide to datasets names every rule and every setting, with the default that it has."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from contracts.drop import RunFile, parse_run_file
from contracts.settings import ColumnRules, DataSettings, DriftSettings
from tables import blocks, checks, profiler, repeats
from tables.cells import FALSE, LONGEST_NAME_CHARACTERS, TRUE
from tables.files import FORMATS
from tables.findings import MAXIMUM_FINDINGS, ROWS_SHOWN, Rule
from tables.judge import MAXIMUM_WARNINGS
from tables.labels import MAXIMUM_CLASSES

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
SETTINGS = [DataSettings, ColumnRules, DriftSettings]


def tables_below(section: str) -> list[list[list[str]]]:
    """The cells of each table below one heading, without the table's head."""
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found: list[list[list[str]]] = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        if lines:
            found.append([[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]])
    return found


def test_every_rule_has_its_row_and_every_row_its_rule() -> None:
    (rows,) = tables_below("What is judged")
    rules = [row[0].strip("`") for row in rows]
    assert len(rules) == len(set(rules))
    assert set(rules) == set(get_args(Rule))
    assert all(len(row) == 3 and all(row) for row in rows)


@pytest.mark.parametrize(
    ("number", "settings"), list(enumerate(SETTINGS)), ids=lambda each: getattr(each, "__name__", "")
)
def test_every_setting_has_its_row(number: int, settings: type[DataSettings]) -> None:
    rows = {row[0].strip("` "): row for row in tables_below("Settings")[number]}
    assert rows.keys() == settings.model_fields.keys()
    for name, field in settings.model_fields.items():
        told = rows[name][2].strip("` |")
        if isinstance(field.default, bool | int | float):
            assert float({"true": "1", "false": "0"}.get(told, told)) == float(field.default), name


def test_the_marks_of_a_missing_value_are_told() -> None:
    rows = {row[0].strip("`"): row for row in tables_below("Settings")[0]}
    told = tomllib.loads(f"marks = {rows['missing_values'][2].strip('` |')}")["marks"]
    assert tuple(told) == DataSettings.model_fields["missing_values"].default


def test_the_example_uses_every_setting_and_is_valid() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    data = tomllib.loads(example)["data"]
    settings = DataSettings.model_validate(data)
    assert data.keys() == DataSettings.model_fields.keys()
    assert data["drift"].keys() == DriftSettings.model_fields.keys()
    assert {key for rules in data["columns"].values() for key in rules} == ColumnRules.model_fields.keys()
    assert settings.columns["ring"].unique


def test_the_example_of_a_run_file_is_valid_and_says_all_it_can() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    run_file = parse_run_file(example.encode())
    assert run_file.model_fields_set == RunFile.model_fields.keys()


def test_the_limits_are_those_of_the_code() -> None:
    told = [
        f"at most {MAXIMUM_FINDINGS} faults",
        f"the first {ROWS_SHOWN} rows",
        f"at most {MAXIMUM_WARNINGS}; ",
        f"longer than {LONGEST_NAME_CHARACTERS} characters",
        f"texts up to {MAXIMUM_CLASSES:,}",
        f"more than {repeats._MOST_HASHES:,} different rows",
        f"blocks of {blocks.BLOCK_BYTES // 1024**2} MiB",
        f"a line of more than {blocks.MAXIMUM_RECORD_BYTES // 1024**2} MiB",
        f"the {profiler._MOST_KEPT} most frequent",
        f"at {profiler._DISTRIBUTION_POINTS} evenly spaced shares",
    ]
    assert [each for each in told if each not in GUIDE] == []
    assert checks.MOST_COMPARED == repeats._MOST_HASHES
    assert all(f"`.{ending}`" in GUIDE for ending in FORMATS)
    assert all(f"`{word}`" in GUIDE for word in TRUE | FALSE)
