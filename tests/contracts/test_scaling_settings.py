import pytest
from pydantic import ValidationError

from contracts.scaling import ScalingSettings

OUT = {"threshold": 100, "steps": [{"lower": 0, "upper": 50, "adjustment": 1}, {"lower": 50, "adjustment": 2}]}
BACK = {"threshold": 20, "steps": [{"upper": 0, "adjustment": -1}]}
CLOCK = {"cron": "0 8 ? * MON-FRI *", "minimum": 4, "maximum": 12, "timezone": "Europe/Berlin"}


def scaling(**settings):
    return ScalingSettings.model_validate(settings)


def steps(**changes):
    return {"kind": "step", "step": {"out": OUT, "back": BACK, **changes}}


def test_each_kind_tracks_its_usual_target():
    assert scaling().target_value == scaling(kind="scheduled", schedule=[CLOCK]).target_value == 200.0
    assert scaling(kind="concurrency").target_value == 1.5
    assert scaling(kind="concurrency", target=4).target_value == 4


def test_what_is_resolved_is_what_was_asked_for():
    assert scaling().resolved() == {
        "kind": "invocations",
        "minimum": 2,
        "maximum": 10,
        "target": 200.0,
        "scale_in_cooldown_seconds": 30,
        "scale_out_cooldown_seconds": 60,
    }
    resolved = scaling(**steps()).resolved()
    assert "target" not in resolved
    assert resolved["step"]["out"]["steps"][1] == {"lower": 50.0, "adjustment": 2}
    assert scaling(kind="scheduled", schedule=[CLOCK]).resolved()["schedule"] == [CLOCK]


def test_a_schedule_widens_what_there_may_be():
    settings = scaling(kind="scheduled", schedule=[CLOCK, {"at": "2030-01-01T00:00:00", "minimum": 2, "maximum": 3}])
    assert (settings.least, settings.most) == (2, 12)
    assert [each.expression for each in settings.schedule] == ["cron(0 8 ? * MON-FRI *)", "at(2030-01-01T00:00:00)"]
    assert (scaling(minimum=3).least, scaling(minimum=3).most) == (3, 10)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"minimum": 1}, "greater than or equal to 2"),
        ({"minimum": 5, "maximum": 4}, "`maximum` is below `minimum`"),
        ({"target": 0}, "greater than 0"),
        ({"scale_in_cooldown_seconds": 3601}, "less than or equal to 3600"),
        ({"kind": "step"}, "belong together"),
        ({"step": {"out": OUT, "back": BACK}}, "belong together"),
        ({"kind": "scheduled"}, "belong together"),
        ({"schedule": [CLOCK]}, "belong together"),
        (steps() | {"target": 5}, "whose alarms have thresholds"),
        (steps(out={**OUT, "steps": [{"adjustment": 1}]}), "a step needs `lower` or `upper`"),
        (
            steps(out={**OUT, "steps": [{"lower": 0, "upper": 50, "adjustment": 1}, {"lower": 40, "adjustment": 2}]}),
            "steps overlap",
        ),
        (
            steps(out={**OUT, "steps": [{"lower": 0, "adjustment": 1}, {"lower": 40, "adjustment": 2}]}),
            "steps overlap",
        ),
        (
            steps(out={**OUT, "steps": [{"lower": 0, "upper": 50, "adjustment": 1}, {"lower": 60, "adjustment": 2}]}),
            "a gap between the steps, from 50 to 60",
        ),
        (steps(out={**OUT, "steps": [{"lower": 0, "upper": 50, "adjustment": 1}]}), "highest step must have no"),
        (steps(back={**BACK, "steps": [{"lower": -9, "upper": 0, "adjustment": -1}]}), "lowest step must have no"),
        (steps(out={**OUT, "steps": [{"lower": 5, "upper": 5, "adjustment": 1}]}), "is not above its `lower`"),
        (steps(out={**OUT, "steps": [{"lower": 0, "adjustment": -1}]}), "adds instances"),
        (steps(out={**OUT, "steps": [{"lower": 5, "adjustment": 1}]}), "begins at `lower = 0`"),
        (steps(back={**BACK, "steps": [{"upper": 0, "adjustment": 1}]}), "takes instances away"),
        (steps(back={**BACK, "steps": [{"upper": -5, "adjustment": -1}]}), "ends at `upper = 0`"),
        (steps(back={**BACK, "threshold": 100}), "`back.threshold` is not below"),
        (steps(out={**OUT, "steps": []}), "at least 1"),
        ({"kind": "scheduled", "schedule": [{**CLOCK, "at": "2030-01-01T00:00:00"}]}, "give `cron` or `at`"),
        ({"kind": "scheduled", "schedule": [{**CLOCK, "cron": "0 8 * * 1-5"}]}, "six fields"),
        ({"kind": "scheduled", "schedule": [{**CLOCK, "cron": "0 8 * * MON *"}]}, "only one"),
        ({"kind": "scheduled", "schedule": [{**CLOCK, "timezone": "Mars/Olympus"}]}, "no such time zone"),
        ({"kind": "scheduled", "schedule": [{"at": "tomorrow", "minimum": 2, "maximum": 3}]}, "pattern"),
        ({"kind": "scheduled", "schedule": [{**CLOCK, "minimum": 1}]}, "greater than or equal to 2"),
        ({"kind": "scheduled", "schedule": [{**CLOCK, "maximum": 3}]}, "`maximum` is below `minimum`"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_the_reason(settings, reason):
    with pytest.raises(ValidationError) as caught:
        scaling(**settings)
    assert reason in str(caught.value)
