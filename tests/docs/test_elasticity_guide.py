"""The guide to elasticity shows the settings that are recommended, every policy that is compared, and the search's grid."""

import re
import tomllib

import pytest

from commands.elasticity.asking import ELSEWHERE
from commands.elasticity.policies import RECOMMENDED, compared
from commands.elasticity.search import COOLDOWNS, MINIMA, MOST_HOURS, TARGETS
from commands.elasticity.simulation import World
from commands.elasticity.traces import judging
from contracts.settings import ModelSettings
from infra.project import PROJECT

GUIDE = (PROJECT.root / "docs" / "elasticity.md").read_text(encoding="utf-8")
PEOPLE = {"name": "iris", "owners": ["a@example.com"], "approval": {"approvers": ["a@example.com"]}}


def test_its_example_is_what_is_recommended_and_can_be_deployed():
    (example,) = re.findall(r"```toml\n(.*?)```", GUIDE, flags=re.DOTALL)
    settings = ModelSettings.model_validate({**PEOPLE, **tomllib.loads(example)})
    assert settings.production.scaling.resolved() == compared()[RECOMMENDED].resolved()


@pytest.mark.parametrize("name", compared())
def test_every_policy_has_its_row(name):
    assert re.search(rf"^\| \**`{name}`", GUIDE, flags=re.MULTILINE)


@pytest.mark.parametrize("what", ELSEWHERE)
def test_every_other_world_has_its_row(what):
    assert f"| {what} |" in GUIDE


def test_its_numbers_are_those_of_the_code():
    world = World()
    assert f"{sum(trace.seconds for trace in judging()) / 3600:.0f} hours together" in GUIDE
    assert f"in {world.instance.service_seconds * 1000:g} ms" in GUIDE
    assert f"longer than {world.instance.objective_seconds * 1000:g} ms" in GUIDE
    assert f"in {world.instance.timeout_seconds:g} s it is given up" in GUIDE
    assert f"serve {world.start_seconds:g} s after" in GUIDE
    assert f"{world.minute_arrives_seconds:g} s and {world.high_resolution_arrives_seconds:g} s after" in GUIDE
    assert f"carry {6 * world.instance.highest_rate - 0.5:.0f} requests a second" in GUIDE
    assert f"minimum ({MINIMA[0]} to {MINIMA[-1]}), target ({TARGETS[0]:g} to {TARGETS[-1]:g})" in GUIDE
    assert "({} and {} s, {} and {} s)".format(*COOLDOWNS[0], *COOLDOWNS[1]) in GUIDE
    assert f"more than {MOST_HOURS:g} times" in GUIDE
