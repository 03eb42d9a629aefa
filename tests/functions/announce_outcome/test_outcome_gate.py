from contracts.reports import GateCheck
from functions.announce_outcome.gate import tell_gate
from tests.evaluations import evaluation


def test_rules_that_are_not_met_come_first_and_are_named() -> None:
    assert [(rule.met, rule.text) for rule in tell_gate(evaluation().gate)] == [
        (False, "Accuracy is 82.0 %; at least 85.0 % is asked for. (minimum.accuracy)"),
        (
            False,
            "Accuracy is 82.0 % and the champion's 94.0 % on the same rows; it may be 5.0 % worse at most. (champion)",
        ),
        (True, "F1, macro is 81.8 %; at least 80.0 % is asked for. (minimum.f1_macro)"),
    ]


def many(met: int, unmet: int) -> tuple[GateCheck, ...]:
    flags = [True] * met + [False] * unmet
    return tuple(GateCheck(f"classes.{place}.f1", 0, 0, passed, "") for place, passed in enumerate(flags))


def test_of_many_rules_the_first_are_told() -> None:
    assert len(tell_gate(many(20, 5))) == 25
    told = tell_gate(many(20, 10))
    assert len(told) == 26
    assert [rule.met for rule in told[:10]] == [False] * 10
    assert (told[-1].met, told[-1].text) == (True, "5 more rules are in the report (evaluation.json).")
    assert not tell_gate(many(1, 30))[-1].met
