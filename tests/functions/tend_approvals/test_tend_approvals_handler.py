"""What a visit could not finish is finished, and what nobody decides expires."""

import threading

import pytest
from moto.dynamodb.models import DynamoDBBackend

from contracts.approval import DELIVERED_WITHIN_SECONDS
from tests.functions.approvals import ASKED_AT, EXPIRES_AFTER, HOUR, Person

RUN = "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11"
RELEASE = "iris-model-3"
DECIDED_AT = ASKED_AT + HOUR
MINUTE = 60.0
LATER = DECIDED_AT + DELIVERED_WITHIN_SECONDS + 1
OVER = ASKED_AT + EXPIRES_AFTER + 1


@pytest.fixture
def asked(approvals):
    approvals.ask()
    return approvals


@pytest.fixture
def person(asked):
    return Person(asked, asked.link())


class Died(BaseException):
    """The function's process ends here: no handler of its own hears of it."""


def test_nobody_is_attended_before_it_is_time(asked):
    assert asked.attend(DECIDED_AT) == {"attended": 0}
    assert asked.runs.calls == []


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_decision_whose_call_failed_reaches_its_run(asked, person, decision):
    asked.runs.faults = ["ThrottlingException"] * 20
    assert person.decides(decision, "because")["statusCode"] == 202
    assert asked.attend(DECIDED_AT + 1) == {"attended": 0}  # the page may still be at it
    asked.runs.faults = []
    assert asked.attend(LATER) == {"attended": 1}
    (call,) = asked.runs.calls
    assert call[0] == ("SendTaskSuccess" if decision == "approve" else "SendTaskFailure")
    assert asked.item()["delivery"]["S"] == "delivered"
    assert asked.attend(LATER + HOUR) == {"attended": 0}


@pytest.mark.parametrize("where", ["before the callback", "after the callback", "before it is noted"])
def test_a_decision_reaches_its_run_though_the_function_died(asked, person, where, monkeypatch):
    register, callback = asked.decide.desk.claims, asked.decide.desk.run
    deliver = type(callback).deliver

    def dies(*arguments):
        if where != "before the callback":
            deliver(callback, arguments[-1])
        raise Died

    with monkeypatch.context() as patch:
        if where == "before it is noted":
            patch.setattr(type(register), "record_delivery", dies_at_once)
        else:
            patch.setattr(type(callback), "deliver", dies)
        person.opens()
        with pytest.raises(Died):
            person.sends(decision="approve")
    heard = len(asked.runs.calls)
    if heard:
        asked.runs.faults = ["TaskTimedOut"]  # what a token that was used says
    asked.attend(LATER)
    assert [name for name, _ in asked.runs.calls] == ["SendTaskSuccess"]
    assert asked.item()["delivery"]["S"] == ("refused" if heard else "delivered")
    assert asked.attend(LATER + HOUR) == {"attended": 0}


def dies_at_once(*_):
    raise Died


def test_what_cannot_be_delivered_is_tried_every_time(asked, person):
    asked.runs.faults = ["ThrottlingException"] * 100
    person.decides("approve")
    for minute in range(5):
        assert asked.attend(LATER + minute * MINUTE) == {"attended": 1}
    asked.runs.faults = []
    assert asked.attend(LATER + 5 * MINUTE) == {"attended": 1}
    assert len(asked.runs.calls) == 1


def test_a_question_that_nobody_answers_expires(asked, person):
    assert asked.attend(OVER - 2) == {"attended": 0}
    assert asked.attend(OVER) == {"attended": 1}
    ((name, sent),) = asked.runs.calls
    assert (name, sent["error"]) == ("SendTaskFailure", "ApprovalExpired")
    assert sent["cause"].startswith("Nobody decided until Monday 30 November 2026, 05:00 UTC. Asked were ")
    assert "release-approvers@example.com" in sent["cause"]
    assert asked.attend(OVER + HOUR) == {"attended": 0}
    person.opens(now=OVER - 60)
    assert person.sends(decision="approve", now=OVER)["statusCode"] == 404
    answer = asked.command(run=RUN, release=RELEASE, decision="approve", comment="", now=OVER + 1)
    assert answer["decided"] is False
    assert "left undecided" in answer["message"]
    assert len(asked.runs.calls) == 1


def test_what_was_decided_does_not_expire(asked, person):
    person.decides("reject", "no")
    assert asked.attend(OVER) == {"attended": 0}
    assert len(asked.runs.calls) == 1


def test_what_was_withdrawn_is_not_attended(asked):
    asked.command(run=RUN, decision="withdraw", by="close-run", comment="The run ended.", at="2026-11-24T00:00:00Z")
    calls = len(asked.runs.calls)
    assert asked.attend(OVER) == {"attended": 0}
    assert len(asked.runs.calls) == calls


def test_a_run_that_asks_again_is_attended_again(asked):
    asked.attend(OVER)
    asked.ask(asked_at="2026-12-01T05:00:00.123Z")
    assert asked.attend(OVER + 2 * HOUR) == {"attended": 0}
    assert asked.attend(OVER + EXPIRES_AFTER + 48 * HOUR) == {"attended": 1}


def test_one_that_breaks_does_not_keep_the_others(asked, person, log):
    asked.ask(run="another-run")
    asked.decide.dynamodb.update_item(
        TableName="mlops-approvals",
        Key={"pk": {"S": f"run#{RUN}"}, "sk": {"S": "approval"}},
        UpdateExpression="REMOVE dossier",
    )
    with pytest.raises(asked.tend.SomeUnattended, match="1 of 2"):
        asked.attend(OVER)
    assert [sent["error"] for _, sent in asked.runs.calls] == ["ApprovalExpired"]
    assert "request not attended" in log.getvalue()


def test_decisions_a_newer_run_and_the_end_of_the_time_make_one_outcome(asked, monkeypatch):
    """A hundred at once, of all kinds, around the deadline."""
    update, lock = DynamoDBBackend.update_item, threading.Lock()

    def update_alone(*arguments, **named):
        with lock:
            return update(*arguments, **named)

    # DynamoDB applies conditional writes to an item one after the other; the mock would mix them.
    monkeypatch.setattr(DynamoDBBackend, "update_item", update_alone)
    superseded = {"run": RUN, "decision": "supersede", "by": "newer", "at": "2026-11-30T04:59:59Z", "comment": "Newer."}
    moves = [
        lambda: asked.command(run=RUN, release=RELEASE, decision="approve", comment="", now=OVER - 3),
        lambda: asked.command(run=RUN, release=RELEASE, decision="reject", comment="no", now=OVER - 3),
        lambda: asked.command(**superseded),
        lambda: asked.attend(OVER),
    ]
    start = threading.Barrier(100)

    def act(move):
        start.wait()
        move()

    threads = [threading.Thread(target=act, args=[moves[number % 4]]) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked.attend(OVER + 2 * MINUTE)
    assert len({str(sorted(sent.items())) for _, sent in asked.runs.calls}) == 1
    verdict, delivery = (asked.item()[name]["S"] for name in ("decision", "delivery"))
    expected = {"approve": None, "reject": "ReleaseRejected", "supersede": "Superseded", "expire": "ApprovalExpired"}
    assert asked.runs.calls[0][1].get("error") == expected[verdict]
    assert delivery == "delivered"
