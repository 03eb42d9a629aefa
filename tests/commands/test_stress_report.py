"""The report as JSON and as a page that stands alone."""

import html
import html.parser
import json
import re
from pathlib import Path

import pytest

from commands.stress.course import Course, Part
from commands.stress.page import page
from commands.stress.picture import picture
from commands.stress.profiles import Phase
from commands.stress.report import Asked, Seen, report
from commands.stress.running import summary, write
from commands.stress.stopping import Stop
from load.schedule import Level, steady
from tests.chromium import PAGE_LOOKS
from tests.commands.stress_parts import busy_report, recording, second


@pytest.fixture(scope="module")
def told():
    return busy_report()


def test_it_has_the_rate_the_reason_and_the_target(told):
    assert told["stopped"]["reason"] == "errors"
    assert told["rate_reached"] == pytest.approx(140, abs=40)
    found = told["recommended"]
    assert found["invocations_target"] == pytest.approx(found["safe_rate"] * 30)
    assert found["p99"] <= 0.1
    assert found["limit_rate"] is not None
    assert told["failures"]["kinds"] == {"503 ServiceUnavailable": sum(at // 20 for at in range(141, 180))}
    assert told["late_seconds"] == 5
    assert [part["closed_loop"] for part in told["parts"]] == [True, False]


def told_of(*parts: Part, variants: tuple[str, ...] = ("model-a",)) -> dict:
    asked = Asked("iris-model", "iris-model-production", "levels", 12, "the last release", 0.1)
    return report(asked, Course(parts, lambda _: 1), Seen(variants, [], [], {}, {}), Stop("finished", "all was sent"))


def texts(told: dict, folder: Path) -> tuple[str, str]:
    """The page, and the last lines in the terminal."""
    return html.unescape(page(told)), summary(write(told, folder))


def test_a_rate_is_reached_when_the_answers_come_and_not_when_they_are_asked_for(tmp_path):
    busy, rest = second(100, 10_000) | {"arrived": 50}, second(0, 0) | {"arrived": 50}
    told = told_of(Part(Phase("ramp", steady(100)), recording([busy] * 20 + [rest] * 20)))
    assert told["rate_reached"] == 50
    assert [(point["sent"], point["answered"], point["arrived"]) for point in told["points"][19:21]] == [
        (100, 100, 50),
        (0, 0, 50),
    ]
    (answered,) = re.findall(r'<polyline class="line answered" points="([^"]*)"', picture(told))
    assert len({place.partition(",")[2] for place in answered.split()}) == 1
    assert all("50.0 right answers a second" in text for text in texts(told, tmp_path))


def test_levels_tell_the_most_that_was_done_and_the_command_that_finds_a_target(tmp_path):
    told = told_of(Part(Phase("10 clients", Level(10, 2_000)), recording([second(120, 20)] * 20)))
    assert (told["rate_reached"], told["recommended"]) == (120, None)
    command = "make stress MODEL=iris-model ENDPOINT=iris-model-production PROFILE=ramp RATE=120"
    assert all(command in text and "clients that wait" in text for text in texts(told, tmp_path))


def test_what_several_variants_did_together_is_no_target_of_one(tmp_path):
    ramped = Part(Phase("ramp", steady(20)), recording([second(20, 20)] * 20))
    assert told_of(ramped)["recommended"]["safe_rate"] == 20
    told = told_of(ramped, variants=("model-a", "model-b"))
    assert told["recommended"] is None
    assert all(
        "model-a and model-b" in text and "ENDPOINT=development PROFILE=ramp RATE=20" in text
        for text in texts(told, tmp_path)
    )


def test_its_points_are_on_one_axis_and_not_too_many(told):
    begins = [point["begins"] for point in told["points"]]
    assert begins == sorted(begins)
    assert 50 <= len(begins) <= 160
    assert told["activities"][0]["seen"] == 110
    assert [each["current"] for each in told["instances"] if each["seen"] in (0, 130, 170)] == [2, 3, 4]


def test_page_and_json_are_written_and_the_last_lines_say_where(told, tmp_path):
    written = write(told, tmp_path / "build")
    assert json.loads(written.data.read_text()) == json.loads(json.dumps(told))
    said = summary(written)
    assert str(written.page) in said
    assert "invocations per instance and minute" in said
    assert "late in 5 s" in said


def test_the_page_loads_nothing_runs_nothing_and_escapes_what_others_wrote(told):
    shown = page(told)
    assert "<b>no</b>" not in shown
    assert "&lt;b&gt;no&lt;/b&gt; healthy instance" in shown
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", shown)


def test_the_page_is_well_formed(told):
    open_tags = []

    class Balance(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

        def handle_startendtag(self, tag, attrs):
            """Closed as it is opened."""

    parser = Balance()
    parser.feed(page(told))
    assert open_tags == []


def test_a_test_without_one_answer_has_a_page_too(told, tmp_path):
    unanswered = second(20, 60_000, failed=20)
    shown, said = texts(told_of(Part(Phase("ramp", steady(20)), recording([unanswered] * 20))), tmp_path)
    assert "None can be recommended: there was no time in which the objective of 100 ms was met" in shown
    assert "recommended: there was no time" in said
    nothing = {"rate_reached": 0.0, "parts": [], "points": [], "instances": [], "activities": []}
    unseen = {"not_seen": {"instances": "AccessDenied"}, "not_always_seen": {"scaling activities": "Throttling"}}
    shown = page(told | nothing | unseen | {"seconds": 0.0})
    assert "The instances could not be looked at: AccessDenied" in shown
    assert "For a while the scaling activities could not be looked at: Throttling" in shown


@pytest.mark.full
def test_it_can_be_read_by_everybody_in_light_and_dark_and_on_a_phone(chromium, told, tmp_path):
    chromium.complaints()
    chromium.driver.get(write(told, tmp_path).page.as_uri())
    chromium.take(PAGE_LOOKS, "stress-report")
    assert chromium.complaints() == []
