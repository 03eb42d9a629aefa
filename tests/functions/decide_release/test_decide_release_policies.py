"""Who may decide, where the model's settings say that it matters."""

import itertools
import json
import threading

import pytest

from functions.request_approval.question import TooFewApprovers
from tests.functions.approvals import ASKED_AT, EXPIRES_AFTER, HOUR, Person

RUN = "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11"
RELEASE = "iris-model-3"
ANNA, BEN, CARO = "Anna@example.com", "ben@example.com", "caro@example.com"


def policy(**changed):
    return {
        "approvers": [ANNA, BEN, CARO],
        "required": 2,
        "requester_may_approve": True,
        "expires_after_seconds": EXPIRES_AFTER,
        "remind_before_seconds": 86_400,
        "escalation": None,
        **changed,
    }


@pytest.fixture
def asked(approvals):
    approvals.ask(approval=policy())
    return approvals


def person(approvals, address):
    return Person(approvals, approvals.link(address))


def test_two_have_to_approve(asked):
    first, second = person(asked, ANNA), person(asked, BEN)
    page = first.decides("approve", "The gain is real.")
    assert page["statusCode"] == 202
    assert "iris-model-3 is approved by anna@example.com, and waits for one more person" in page["body"]
    assert asked.runs.calls == []
    assert "The gain is real." in second.opens()["body"]
    assert second.sends(decision="approve", now=ASKED_AT + 2 * HOUR)["statusCode"] == 200
    ((name, sent),) = asked.runs.calls
    assert name == "SendTaskSuccess"
    output = json.loads(sent["output"])
    assert output["by"] == f"link issued to {BEN}"
    assert output["before"] == [
        {"approver": "anna@example.com", "at": "2026-11-23T06:00:00Z", "comment": "The gain is real."}
    ]
    assert "anna@example.com had approved it" in first.opens(now=ASKED_AT + 3 * HOUR)["body"]
    assert [(entry.event, entry.who) for entry in asked.audit() if entry.event == "approved"] == [
        ("approved", f"link issued to {ANNA}"),
        ("approved", f"link issued to {BEN}"),
    ]


def test_one_person_is_not_two(asked):
    """By the same link, by a second one, by the terminal, and in other letters."""
    anna = person(asked, ANNA)
    assert anna.decides("approve")["statusCode"] == 202
    assert anna.decides("approve", now=ASKED_AT + 2 * HOUR)["statusCode"] == 202
    asked.attend(ASKED_AT + EXPIRES_AFTER - 86_000)  # reminds: Anna has no need of it
    assert [each["Destination"]["ToAddresses"] for each in asked.mails[3:]] == [[BEN], [CARO]]
    for name in (ANNA, ANNA.lower()):
        answer = asked.command(run=RUN, release=RELEASE, decision="approve", comment="", approver=name)
        assert "waits for one more person" in answer["message"]
    assert asked.runs.calls == []
    assert len(asked.item()["approvals"]["M"]) == 1


def test_one_is_enough_to_reject_also_after_an_approval(asked):
    anna = person(asked, ANNA)
    anna.decides("approve")
    assert anna.decides("reject", "I was wrong.", now=ASKED_AT + 2 * HOUR)["statusCode"] == 200
    ((name, sent),) = asked.runs.calls
    assert (name, sent["error"]) == ("SendTaskFailure", "ReleaseRejected")


def test_an_approval_that_is_not_enough_expires(asked):
    person(asked, ANNA).decides("approve")
    asked.attend(ASKED_AT + EXPIRES_AFTER + 1)
    ((name, sent),) = asked.runs.calls
    assert (name, sent["error"]) == ("SendTaskFailure", "ApprovalExpired")
    assert "only anna@example.com had approved, and it takes 2" in sent["cause"]


@pytest.mark.usefixtures("writes_one_by_one")
@pytest.mark.parametrize("number", range(5))
def test_two_who_approve_at_the_same_time_approve(asked, number):
    people = [person(asked, address) for address in (ANNA, BEN)]
    for each in people:
        each.opens()
    start, answers = threading.Barrier(2), []

    def approve(who):
        start.wait()
        answers.append(who.sends(decision="approve")["statusCode"])

    threads = [threading.Thread(target=approve, args=[who]) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) in ([200, 200], [200, 202])
    assert {name for name, _ in asked.runs.calls} == {"SendTaskSuccess"}


def test_whoever_asked_for_the_run_is_not_asked_to_approve_it(approvals):
    approvals.ask(approval=policy(required=1, requester_may_approve=False), requester=ANNA.upper())
    assert [mail["Destination"]["ToAddresses"] for mail in approvals.mails] == [[BEN], [CARO]]
    command = {"run": RUN, "release": RELEASE, "decision": "approve", "comment": ""}
    for who, said in ((ANNA, "was not asked"), ("", "Here it matters who decides"), ("mallory@example.com", "was not")):
        answer = approvals.command(**command, approver=who)
        assert answer["decided"] is False
        assert said in answer["message"]
    assert approvals.command(**command, approver=BEN)["decided"] is True
    assert approvals.audit()[-1].who == f"a terminal command, as {BEN}"


def test_where_too_few_are_left_nobody_is_asked(approvals):
    with pytest.raises(TooFewApprovers, match="2 have to approve, and 1 may"):
        approvals.ask(approval=policy(approvers=[ANNA, BEN], requester_may_approve=False), requester=ANNA)
    assert approvals.mails == []


def test_the_terminal_is_enough_for_two(asked):
    command = {"run": RUN, "release": RELEASE, "decision": "approve", "comment": ""}
    first = asked.command(**command, approver=ANNA)
    assert first["decided"] is True
    assert "waits for one more person" in first["message"]
    assert asked.command(**command, approver=CARO)["decided"] is True
    assert len(asked.runs.calls) == 1


def test_whom_it_escalates_to_is_asked_late_and_may_decide(approvals):
    approvals.ask(approval=policy(required=1, escalation="head@example.com"))
    assert len(approvals.mails) == 3
    reminding = ASKED_AT + EXPIRES_AFTER - 86_400 + 1
    assert approvals.attend(reminding - 2) == {"attended": 0}
    approvals.attend(reminding)
    assert [mail["Destination"]["ToAddresses"] for mail in approvals.mails[3:]] == [
        *([ANNA], [BEN], [CARO], ["head@example.com"])
    ]
    assert "Nobody has decided yet" in approvals.mails[-1]["Content"]["Simple"]["Subject"]["Data"]
    assert "Still open" in approvals.mails[-2]["Content"]["Simple"]["Subject"]["Data"]
    approvals.attend(reminding + 3_600)
    assert len(approvals.mails) == 7
    assert person(approvals, "head@example.com").decides("approve", now=reminding + 60)["statusCode"] == 200
    events = [entry.event for entry in approvals.audit()]
    assert [event for event in events if event in ("asked", "reminded", "escalated", "approved")] == [
        *["asked"] * 3,
        *("escalated", "reminded", "reminded", "reminded", "approved"),  # of the same time, by their names
    ]


def test_all_decisions_of_two_in_any_order(approvals):
    """Every sequence of three decisions of three people: two approvals before the first rejection, or none."""
    people = (ANNA, BEN, CARO)
    for index, order in enumerate(itertools.product(("approve", "reject"), repeat=3)):
        run = f"run-{index}"
        approvals.ask(run=run, approval=policy())
        for who, verdict in zip(people, order, strict=True):
            person(approvals, who).decides(verdict, "because", now=ASKED_AT + (index + 1) * HOUR)
        approved = order[:2] == ("approve", "approve")
        assert approvals.item(run)["decision"]["S"] == ("approve" if approved else "reject")
