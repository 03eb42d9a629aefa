"""Every fault is told with its rule, file, rows and column: nothing is missing, and nothing else is told."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from tables import blocks
from tables.findings import ROWS_SHOWN, Finding, Rule, UnusableTable
from tests.tables.corruptions import Corruption, Expected, corruptions
from tests.tables.real import tables
from tests.tables.tabling import accepted, write

CORRUPTIONS = corruptions()


def told(finding: Finding) -> Expected:
    return Expected(finding.rule, finding.column, finding.rows, finding.file, finding.count or None)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda each: f"{each.table}: {each.name}")
def test_a_fault_is_told_where_it_is(corruption: Corruption, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if corruption.block_bytes:
        monkeypatch.setattr(blocks, "BLOCK_BYTES", corruption.block_bytes)
    for path, content in corruption.files.items():
        write((tmp_path / path).parent, content, Path(path).name)
    settings = tables()[corruption.table].settings(corruption.changes, corruption.columns)
    with pytest.raises(UnusableTable) as refused:
        accepted(tmp_path, settings, corruption.former)
    found = [told(finding) for finding in refused.value.findings]
    assert len(found) == len(set(found))
    assert set(found) == corruption.expected


def test_there_are_many_and_every_rule_is_broken() -> None:
    rules = Counter(expected.rule for each in CORRUPTIONS for expected in each.expected)
    print(f"{len(CORRUPTIONS)} corruptions:", ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items())))
    assert len(CORRUPTIONS) >= 200
    assert {each.table for each in CORRUPTIONS} == set(tables())
    assert rules.keys() == set(get_args(Rule))
    assert ROWS_SHOWN == 5  # what the expectations rest on
