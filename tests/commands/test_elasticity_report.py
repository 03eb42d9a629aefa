"""What `make elasticity` writes: numbers against the default, and a page that stands alone."""

import json
import re

import pytest

from commands.elasticity import asking, picture
from commands.elasticity.page import page
from commands.elasticity.policies import DEFAULT, METRIC_ALONE, MINIMUM_ALONE, RECOMMENDED, compared
from commands.elasticity.report import report
from commands.elasticity.running import Job, Result, run
from commands.elasticity.search import MINIMA, TARGETS, candidates, choose
from commands.elasticity.simulation import World, simulate
from commands.elasticity.traces import Trace
from contracts.scaling import ScalingSettings
from load.schedule import spike

SHORT = Trace("short", spike(5, 60, 300, 600, 600).at_random(401))


def short() -> list[Trace]:
    return [SHORT]


def result(name: str, settings: ScalingSettings) -> Result:
    found = simulate(settings, SHORT.moments(), SHORT.seconds, SHORT.begun, World())
    return Result(Job(name, settings), {SHORT.name: found})


@pytest.fixture(scope="module")
def told() -> dict:
    results = [result(name, settings) for name, settings in compared().items()]
    return report(results, {"nothing": results[:2]}, short(), SHORT.name)


def test_every_policy_is_held_against_the_default(told):
    assert list(told["policies"]) == list(compared())
    default, recommended = told["policies"][DEFAULT], told["policies"][RECOMMENDED]
    assert default["share_of_seconds"] == default["share_of_hours"] == 1
    assert default["seconds_over"] > 0
    assert recommended["share_of_seconds"] == pytest.approx(
        recommended["seconds_over"] / default["seconds_over"], abs=0.001
    )
    assert recommended["settings"] == compared()[RECOMMENDED].resolved()
    assert json.loads(json.dumps(told)) == told


def test_the_course_has_the_load_and_every_second_over_the_objective(told):
    course = told["course"]
    sent = told["policies"][DEFAULT]["traces"]["short"]["sent"]
    assert sum(course["rate"]) * course["point_seconds"] == pytest.approx(sent)
    for name, each in course["policies"].items():
        assert sum(after - first for first, after in each["over"]) == told["policies"][name]["seconds_over"]
        assert each["instances"][0][0] == 0


def test_the_page_stands_alone_and_draws_every_policy(told):
    drawn = page(told)
    assert not re.search(r"<script|(?:src|href)=|@import|url\(", drawn)
    assert drawn.count("<svg") == 2
    for name in told["policies"]:
        assert drawn.count(name) >= 4
    strips = picture.course(told["course"])
    spans = sum(len(each["over"]) for each in told["course"]["policies"].values())
    assert strips.count('class="over"') == spans
    for wrong in ("NaN", "nan", "inf"):
        assert f'"{wrong}' not in drawn


def test_jobs_come_back_in_their_order_and_each_is_told():
    said: list[str] = []
    jobs = [Job("one", ScalingSettings()), Job("other", ScalingSettings(minimum=6))]
    found = list(run(jobs, short, said.append))
    assert [each.job for each in found] == jobs
    assert [line.split()[0] for line in said] == ["1/2", "2/2"]
    assert found[0].seconds_over == result("one", ScalingSettings()).seconds_over


def test_the_command_writes_both_files_and_says_what_came_out(tmp_path, monkeypatch):
    few = {name: compared()[name] for name in (DEFAULT, METRIC_ALONE, MINIMUM_ALONE, RECOMMENDED)}
    monkeypatch.setattr(asking, "compared", lambda: few)
    monkeypatch.setattr(asking, "judging", short)
    monkeypatch.setattr(asking, "ELSEWHERE", {"instances start in 2 minutes": World(start_seconds=120)})
    monkeypatch.setattr(asking, "SHOWN", SHORT.name)
    said: list[str] = []
    assert asking.compare(said.append, tmp_path) == 0
    told = json.loads((tmp_path / "elasticity.json").read_text())
    assert told["elsewhere"]["instances start in 2 minutes"].keys() == few.keys()
    assert (tmp_path / "elasticity.html").read_text() == page(told)
    assert any(line.startswith("recommended (concurrency") for line in said)


def test_the_search_takes_the_fewest_seconds_that_are_not_dear():
    settings = compared()[RECOMMENDED]
    assert settings in candidates()
    assert settings.minimum in MINIMA
    assert settings.target in TARGETS
    default = result(DEFAULT, ScalingSettings())
    found = [result("many", ScalingSettings(minimum=10, maximum=10)), result("same", ScalingSettings())]
    assert found[0].seconds_over < found[1].seconds_over
    assert choose(default, found).job.name == "same"
