"""On traffic that was not used to choose it, the recommended policy keeps what the guide says of it."""

import re

import pytest

from commands.elasticity.policies import compared
from commands.elasticity.running import Job, run
from commands.elasticity.traces import judging
from infra.project import PROJECT

pytestmark = [pytest.mark.full, pytest.mark.long(2)]

GUIDE = (PROJECT.root / "docs" / "elasticity.md").read_text(encoding="utf-8")


def test_recommended_settings_need_a_third_of_the_seconds_at_a_fifth_more_of_the_hours_and_the_guide_has_the_numbers():
    found = {each.job.name: each for each in run([Job(*each) for each in compared().items()], judging, print)}
    default, recommended = found["default"], found["recommended"]
    assert recommended.seconds_over <= default.seconds_over / 3
    assert recommended.instance_hours <= 1.2 * default.instance_hours
    rows = [[cell.strip(" `*") for cell in line.strip("|").split("|")] for line in GUIDE.splitlines()]
    told = {row[0]: row[2:6] for row in rows if len(row) == 6 and re.fullmatch(r"[\d,]+", row[2])}
    assert told == {
        name: [
            f"{each.seconds_over:,}",
            f"{each.seconds_over / default.seconds_over:.2f}",
            f"{each.instance_hours:.1f}",
            f"{each.instance_hours / default.instance_hours:.2f}",
        ]
        for name, each in found.items()
    }
