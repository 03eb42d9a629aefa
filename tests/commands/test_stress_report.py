"""The report as JSON and as a page that stands alone."""

import html.parser
import json
import re

import pytest

from commands.stress.page import page
from commands.stress.running import summary, write
from tests.chromium import PAGE_LOOKS
from tests.commands.stress_parts import busy_report


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


def test_a_test_without_one_answer_has_a_page_too(told):
    nothing = {"rate_reached": 0.0, "parts": [], "recommended": None, "points": [], "instances": [], "activities": []}
    shown = page(told | nothing | {"seconds": 0.0, "not_seen": {"instances": "AccessDenied"}})
    assert "None can be recommended" in shown
    assert "AccessDenied" in shown


@pytest.mark.full
def test_it_can_be_read_by_everybody_in_light_and_dark_and_on_a_phone(chromium, told, tmp_path):
    chromium.complaints()
    chromium.driver.get(write(told, tmp_path).page.as_uri())
    chromium.take(PAGE_LOOKS, "stress-report")
    assert chromium.complaints() == []
