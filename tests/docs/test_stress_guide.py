"""The guide to stress tests names every option, profile and reason to stop, and the numbers that hold without them."""

from typing import get_args

import pytest

from commands.options import STRESS_OPTIONS
from commands.stress.judgement import SAFETY_FACTOR
from commands.stress.profiles import LEVELS, PROFILES, RATE, SECONDS
from commands.stress.stopping import Limits, Reason
from commands.stress.target import MOST_ROWS
from infra.project import PROJECT

GUIDE = (PROJECT.root / "docs" / "stress.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in GUIDE.splitlines() if line.startswith("| ")]
FIRST = [row[0].strip("`") for row in ROWS]


@pytest.mark.parametrize("option", STRESS_OPTIONS)
def test_every_option_has_its_row(option):
    assert option.upper() in FIRST


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_to_stop_has_its_row(reason):
    assert reason in FIRST


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_explained(profile):
    assert f"`{profile}`:" in ROWS[FIRST.index("PROFILE")][1]


def test_the_numbers_are_those_of_the_code():
    without = {row[0].strip("`"): row[2] for row in ROWS if len(row) == 3}
    assert without["RATE"] == f"{RATE:g}"
    assert without["SECONDS"].startswith(f"{SECONDS:g};")
    assert Limits().seconds == 3_600
    assert float(without["FACTOR"]) == SAFETY_FACTOR
    assert f"at most {MOST_ROWS:,}" in GUIDE
    assert f"more than {Limits().errors:.0%}".replace("%", " %") in GUIDE
    for level in LEVELS:
        assert f"{level.threads} " in GUIDE
        assert f"{level.requests:,}" in GUIDE
