"""What a visit could not finish is finished, and what nobody decides expires."""

import threading

import pytest

from contracts.approval import DELIVERED_WITHIN_SECONDS
from tests.functions.approvals import ASKED_AT, EXPIRES_AFTER, HOUR, Person, html_of, text_of

RUN = "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11"
RELEASE = "iris-model-3"
DECIDED_AT = ASKED_AT + HOUR
MINUTE = 60.0
DAY = 24 * HOUR
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
    is_told_and_left_alone(asked, LATER + MINUTE)


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
    is_told_and_left_alone(asked, LATER + MINUTE)


def dies_at_once(*_, **__):
    raise Died


def is_told_and_left_alone(asked, now):
    """All who were asked hear once how it ended; then nobody looks after it any more."""
    before = len(asked.mails)
    assert asked.attend(now) == {"attended": 1}
    told = asked.mails[before:]
    assert [mail["Destination"]["ToAddresses"] for mail in told] == [
        ["release-approvers@example.com"],
        ["risk@example.com"],
    ]
    assert asked.attend(now + HOUR) == {"attended": 0}
    assert len(asked.mails) == before + 2
    assert "attend_at" not in asked.item()
    return told


def test_what_cannot_be_delivered_is_tried_every_time(asked, person):
    asked.runs.faults = ["ThrottlingException"] * 100
    person.decides("approve")
    for minute in range(5):
        assert asked.attend(LATER + minute * MINUTE) == {"attended": 1}
    asked.runs.faults = []
    assert asked.attend(LATER + 5 * MINUTE) == {"attended": 1}
    assert len(asked.runs.calls) == 1


def test_a_question_that_nobody_answers_expires(asked, person):
    assert asked.attend(OVER - DAY - 2) == {"attended": 0}
    assert asked.attend(OVER - DAY) == {"attended": 1}  # reminds
    assert asked.attend(OVER - 2) == {"attended": 1}  # looks whether all were
    assert asked.runs.calls == []
    assert asked.attend(OVER) == {"attended": 1}
    ((name, sent),) = asked.runs.calls
    assert (name, sent["error"]) == ("SendTaskFailure", "ApprovalExpired")
    assert sent["cause"].startswith("Nobody decided until Monday 30 November 2026, 05:00 UTC. Asked were ")
    assert "release-approvers@example.com" in sent["cause"]
    (mail, _) = is_told_and_left_alone(asked, OVER + MINUTE)
    assert "iris-model-3: left undecided" in text_of(mail)
    person.opens(now=OVER - 60)
    assert person.sends(decision="approve", now=OVER)["statusCode"] == 404
    answer = asked.command(run=RUN, release=RELEASE, decision="approve", comment="", now=OVER + 1)
    assert answer["decided"] is False
    assert "left undecided" in answer["message"]
    assert len(asked.runs.calls) == 1


def test_what_was_decided_is_told_and_does_not_expire(asked, person):
    person.decides("reject", "Not <b>before</b> Friday.")
    (mail, _) = is_told_and_left_alone(asked, DECIDED_AT + MINUTE)
    for form in (text_of(mail), html_of(mail)):
        assert "iris-model-3 was rejected on Monday 23 November 2026, 06:00 UTC (link issued to" in form
        assert "production stays as it is" in form
        assert person.link not in form
        assert "http://" not in form
    assert "Not &lt;b&gt;before&lt;/b&gt; Friday." in html_of(mail)
    assert asked.attend(OVER) == {"attended": 0}
    assert len(asked.runs.calls) == 1


def test_whoever_cannot_be_told_is_tried_for_an_hour(asked, person):
    person.decides("approve")
    asked.unreachable.add("risk@example.com")
    for minute in range(1, 4):
        assert asked.attend(DECIDED_AT + minute * MINUTE) == {"attended": 1}
    assert sum("approved" in mail["Content"]["Simple"]["Subject"]["Data"] for mail in asked.mails) == 1
    assert asked.attend(OVER + 2 * HOUR) == {"attended": 1}
    assert asked.attend(OVER + 3 * HOUR) == {"attended": 0}


def test_who_is_reminded_has_a_new_link_and_the_old_one_holds(asked, person):
    first = asked.link()
    asked.attend(OVER - DAY)
    second = asked.link()
    assert first != second
    for link in (first, second):
        assert asked.visit(link, now=OVER - DAY + 60)["statusCode"] == 200
    assert [entry.event for entry in asked.audit()].count("reminded") == 2


def test_a_reminder_that_could_not_be_sent_is_sent_later(asked):
    asked.unreachable.add("risk@example.com")
    asked.attend(OVER - DAY)
    asked.unreachable.clear()
    before = len(asked.mails)
    asked.attend(OVER - DAY + MINUTE)
    assert [mail["Destination"]["ToAddresses"] for mail in asked.mails[before:]] == [["risk@example.com"]]
    asked.attend(OVER - DAY + 2 * MINUTE)
    assert len(asked.mails) == before + 1


def test_what_was_withdrawn_is_not_attended(asked):
    asked.command(run=RUN, decision="withdraw", by="close-run", comment="The run ended.", at="2026-11-24T00:00:00Z")
    calls = len(asked.runs.calls)
    is_told_and_left_alone(asked, OVER)
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


@pytest.mark.usefixtures("writes_one_by_one")
def test_decisions_a_newer_run_and_the_end_of_the_time_make_one_outcome(asked):
    """A hundred at once, of all kinds, around the deadline."""
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
