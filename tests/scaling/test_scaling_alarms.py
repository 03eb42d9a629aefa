import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.alarms import AlarmRule, AlarmState, InvalidAlarm, Missing, evaluate
from scaling.datapoints import Datapoint
from scaling.reasons import reason, reason_data
from scaling.statistics import UnknownStatistic

THRESHOLD = 10.0
VALUES = {"0": 1.0, "X": 20.0, "-": None}
RETAINED = "retained"


def points(drawn: str, period: int = 300) -> list[Datapoint]:
    return [Datapoint(index * period, VALUES[mark]) for index, mark in enumerate(drawn.split())]


def rule(needed: int, of: int = 3, missing: Missing = Missing.MISSING, **more: object) -> AlarmRule:
    settings: dict[str, object] = {
        "statistic": "Average",
        "comparison": "GreaterThanThreshold",
        "threshold": THRESHOLD,
        "period_seconds": 300,
    }
    return AlarmRule(**settings | more, evaluation_periods=of, datapoints_to_alarm=needed, missing=missing)  # type: ignore[arg-type]


# The two tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, the
# last row of each in both forms that it has had: MISSING, IGNORE, BREACHING, NOT BREACHING.
THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "0 - - - -": ("OK", "OK", "OK", "OK"),
    "- - - - -": ("INSUFFICIENT_DATA", RETAINED, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", RETAINED, "ALARM", "OK"),
    "- - - - X": ("INSUFFICIENT_DATA", RETAINED, "ALARM", "OK"),
    "X - - - -": ("ALARM", RETAINED, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", RETAINED, "ALARM", "OK"),
    "- - - - X": ("INSUFFICIENT_DATA", RETAINED, "ALARM", "OK"),
}


@pytest.mark.parametrize("current", list(AlarmState))
@pytest.mark.parametrize(
    ("needed", "drawn", "expected"),
    [(3, *row) for row in THREE_OF_THREE.items()] + [(2, *row) for row in TWO_OF_THREE.items()],
)
def test_missing_data_is_treated_as_in_awss_tables(
    needed: int, drawn: str, expected: tuple[str, ...], current: AlarmState
) -> None:
    for missing, state in zip(Missing, ("MISSING", "IGNORE", "BREACHING", "NOT_BREACHING"), strict=True):
        assert missing.name == state
    found = tuple(evaluate(rule(needed, missing=missing), current, points(drawn)).state.value for missing in Missing)
    assert found == tuple(current.value if state == RETAINED else state for state in expected)


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", (11.0,)),
        ("GreaterThanOrEqualToThreshold", (10.0, 11.0)),
        ("LessThanThreshold", (9.0,)),
        ("LessThanOrEqualToThreshold", (9.0, 10.0)),
    ],
)
def test_each_comparison_is_with_the_threshold(comparison: str, breaching: tuple[float, ...]) -> None:
    made = rule(1, 1, comparison=comparison)
    assert tuple(value for value in (9.0, 10.0, 11.0) if made.breaches(value)) == breaching


MARKS = st.lists(st.sampled_from("0X-"), min_size=20, max_size=20).map(" ".join)
RULES = st.integers(1, 6).flatmap(
    lambda of: st.builds(rule, st.integers(1, of), st.just(of), st.sampled_from(list(Missing)))
)


@given(RULES, MARKS, st.sampled_from(list(AlarmState)))
def test_only_the_evaluation_range_counts(made: AlarmRule, drawn: str, current: AlarmState) -> None:
    looked_at = points(drawn)[-made.evaluation_range :]
    assert evaluate(made, current, points(drawn)) == evaluate(made, current, looked_at)


@given(
    RULES, st.lists(st.sampled_from("0X"), min_size=20, max_size=20).map(" ".join), st.sampled_from(list(AlarmState))
)
def test_without_gaps_m_of_the_last_n_datapoints_decide(made: AlarmRule, drawn: str, current: AlarmState) -> None:
    breaching = drawn.split()[-made.evaluation_periods :].count("X")
    expected = AlarmState.ALARM if breaching >= made.datapoints_to_alarm else AlarmState.OK
    assert evaluate(made, current, points(drawn)).state is expected


@given(RULES, MARKS, st.sampled_from(list(AlarmState)))
def test_what_stays_the_same_leads_to_the_same_state(made: AlarmRule, drawn: str, current: AlarmState) -> None:
    once = evaluate(made, current, points(drawn)).state
    assert evaluate(made, once, points(drawn)).state is once


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"period_seconds": 45}, "45 seconds is not 10, 20, 30"),
        ({"period_seconds": 90}, "90 seconds"),
        ({"comparison": "GreaterThanUpperThreshold"}, "GreaterThanUpperThreshold"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidAlarm, match=message):
        rule(1, 1, **change)
    with pytest.raises(InvalidAlarm, match="3 datapoints of 2 periods"):
        rule(3, 2)
    with pytest.raises(UnknownStatistic):
        rule(1, 1, statistic="iqm")


def test_the_reason_is_in_cloudwatchs_words() -> None:
    made = rule(3, missing=Missing.NOT_BREACHING)
    sounding = evaluate(made, AlarmState.OK, points("0 0 X X X"))
    assert reason(made, AlarmState.OK, sounding) == (
        "Threshold Crossed: 3 out of the last 3 datapoints [20.0 (01/01/70 00:20:00), 20.0 (01/01/70 00:15:00), 20.0 "
        "(01/01/70 00:10:00)] were greater than the threshold (10.0) (minimum 3 datapoints for OK -> ALARM transition)."
    )
    calm = evaluate(made, AlarmState.ALARM, points("X X X X 0"))
    assert reason(made, AlarmState.ALARM, calm) == (
        "Threshold Crossed: 1 out of the last 3 datapoints [1.0 (01/01/70 00:20:00)] was not greater than the threshold "
        "(10.0) (minimum 1 datapoint for ALARM -> OK transition)."
    )
    silent = evaluate(made, AlarmState.ALARM, points("- - - - -"))
    assert reason(made, AlarmState.ALARM, silent) == (
        "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
        "[NonBreaching]."
    )
    unknown = evaluate(rule(1, 1), AlarmState.OK, points("- - -"))
    assert reason(rule(1, 1), AlarmState.OK, unknown) == "Insufficient Data: 1 datapoint was unknown."
    assert reason_data(made, sounding, 1_500.0)["recentDatapoints"] == [20.0, 20.0, 20.0]
    assert reason_data(made, sounding, 1_500.0)["startDate"] == "1970-01-01T00:10:00.000+0000"
