from contracts.lease import Lease, Policy, WaitingRun
from functions.pass_lease.turns import Turn, mark_after, next_turn

EXECUTIONS = "arn:aws:states:us-east-1:123456789012:execution:promote-model:"


def waiting(day: int, policy: Policy = "newest") -> WaitingRun:
    return WaitingRun(f"{EXECUTIONS}run-{day}", priority(day), policy, "2031-01-09T00:00:00Z", f"token-{day}")


def priority(day: int) -> str:
    return f"2031-01-0{day}T00:00:00Z#version#run-{day}"


def held(by_day: int, superseded_by: str = "") -> Lease:
    return Lease(f"{EXECUTIONS}run-{by_day}", priority(by_day), 0, superseded_by=superseded_by)


def test_nobody_waits():
    assert next_turn([]) is None


def test_the_newest_goes_first_and_the_others_learn_of_it():
    runs = [waiting(2), waiting(4), waiting(3)]
    assert next_turn(runs) == Turn(waiting(4), (waiting(2), waiting(3)))


def test_the_newest_runs_policy_counts():
    assert next_turn([waiting(2), waiting(3, "oldest")]) == Turn(waiting(2))
    assert next_turn([waiting(2, "oldest"), waiting(3, "hold")]) == Turn(waiting(3, "hold"), (waiting(2, "oldest"),))


def test_the_mark_of_an_ended_run_goes():
    assert mark_after(held(1, superseded_by=priority(3)), f"{EXECUTIONS}run-3", []) == ""


def test_the_mark_becomes_that_of_the_newest_that_still_waits_and_does_not_hold_back():
    runs = [waiting(2), waiting(3), waiting(4, "hold")]
    assert mark_after(held(1, superseded_by=priority(5)), f"{EXECUTIONS}run-5", runs) == priority(3)


def test_an_older_run_that_waits_marks_nobody():
    assert mark_after(held(2, superseded_by=priority(3)), f"{EXECUTIONS}run-3", [waiting(1)]) == ""


def test_the_mark_of_another_run_stays():
    assert mark_after(held(1, superseded_by=priority(3)), f"{EXECUTIONS}run-2", []) is None
    assert mark_after(held(1), f"{EXECUTIONS}run-2", []) is None


def test_the_mark_of_a_run_that_was_redriven_and_waits_stays():
    assert mark_after(held(1, superseded_by=priority(3)), f"{EXECUTIONS}run-3", [waiting(3)]) is None
