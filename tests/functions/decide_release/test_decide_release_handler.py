import itertools
import json
import threading

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from approvals.links import make_link
from contracts.approval import hash_link
from contracts.audit import AuditEntry
from functions.decide_release.visitors import PER_LINK, PER_SOURCE
from tests.functions.approvals import ASKED_AT, EXPIRES_AFTER, HOUR, Person, create_signing_key
from tests.portioning import in_turn

RUN = "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11"
RELEASE = "iris-model-3"

pytestmark = pytest.mark.long(5)


@pytest.fixture
def asked(approvals):
    approvals.ask()
    return approvals


@pytest.fixture
def person(asked):
    return Person(asked, asked.link())


# --- Reading


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_changes_nothing(asked, method):
    before = asked.everything_stored()
    for _ in range(10):
        assert asked.visit(asked.link(), method)["statusCode"] == 200
    assert asked.everything_stored() == before
    assert asked.runs.calls == []


def test_head_is_get_without_a_body(asked):
    get, head = asked.visit(asked.link()), asked.visit(asked.link(), "HEAD")
    assert head["body"] == ""
    assert (head["statusCode"], head["headers"]) == (get["statusCode"], get["headers"])


def test_the_page_keeps_to_itself(asked):
    page = asked.visit(asked.link())
    policy = page["headers"]["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for part in ("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert page["headers"]["cache-control"] == "no-store"
    assert page["headers"]["referrer-policy"] == "no-referrer"
    assert page["headers"]["x-content-type-options"] == "nosniff"
    for active in ("<script", "javascript:", " onclick", " style=", "http://", "https://", "<link"):
        assert active not in page["body"]
    (cookie,) = page["cookies"]
    for attribute in ("__Host-", "Path=/;", "Secure", "HttpOnly", "SameSite=Strict"):
        assert attribute in cookie


DOSSIER = (
    "iris-model-3",
    "the candidate answers 48 right",
    "iris-model-2",
    "2.0 points better",
    "4.6,3.1,1.5,0.2",
    "model-a",
    "3 of 3 rows",
    "column 3 has no value in 2 of 150 rows",
    "Replaces iris-model-2 on the endpoint iris-model-production",
    "Monday 30 November 2026, 05:00 UTC",
    "sha256:9b2cf8b4",
    "datasets/iris-model/iris-november.csv",
    "release-approvers@example.com",
)


def test_the_page_shows_the_dossier(asked):
    page = asked.visit(asked.link())["body"]
    assert [words for words in DOSSIER if words not in page] == []


def test_what_comes_from_outside_is_escaped(approvals, event):
    hostile = "<img src=x onerror=alert(1)>'\"{{ 7*7 }}"
    answers = [{"row": hostile, "expected": hostile, "answer": hostile, "variant": hostile, "right": False}]
    release = event("request_approval")["release"] | {
        "dataset_key": hostile,
        "warnings": [hostile],
        "smoke_answers": answers,
        "training_job": hostile,
    }
    approvals.ask(release=release)
    page = approvals.visit(approvals.link())["body"]
    assert "<img" not in page
    assert "onerror=alert(1)&gt;&#39;&#34;{{ 7*7 }}" in page


# --- Links that lead nowhere


def test_unknown_expired_and_forged_links_are_alike(asked):
    link = asked.link()
    forged = link[:-1] + ("A" if link[-1] != "A" else "B")
    never_stored = make_link(asked.decide.signer, int(ASKED_AT) + EXPIRES_AFTER)
    answers = [
        asked.visit(forged),
        asked.visit(never_stored),
        asked.visit("x" * 44),
        asked.visit(""),
        asked.visit("favicon.ico"),
        asked.visit(hash_link(link)),
        asked.visit(link, "POST", now=ASKED_AT + EXPIRES_AFTER + 1, body="nonce=a"),
    ]
    expired = asked.visit(link, now=ASKED_AT + EXPIRES_AFTER + 1)
    assert expired["statusCode"] == 404
    assert all(answer == expired for answer in answers)
    assert expired["cookies"] == []


def test_a_link_lives_until_its_deadline(asked):
    assert asked.visit(asked.link(), now=int(ASKED_AT) + EXPIRES_AFTER - 1)["statusCode"] == 200
    assert asked.visit(asked.link(), now=int(ASKED_AT) + EXPIRES_AFTER)["statusCode"] == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused_for_all_links_alike(asked, method):
    known, unknown = asked.visit(asked.link(), method), asked.visit("x" * 32, method)
    assert known == unknown
    assert (known["statusCode"], known["headers"]["allow"]) == (405, "GET, HEAD, POST")


def test_keys_change_without_breaking_open_links(asked, person, monkeypatch):
    """As after a deployment that adds a key: the mail is older than it."""
    person.opens()
    monkeypatch.setitem(asked.decide.signer.keys, 9, create_signing_key(asked.decide.kms))
    assert person.sends(decision="approve")["statusCode"] == 200


# --- Too many visits


def test_a_link_that_is_opened_again_and_again_is_refused_for_a_while(asked, person):
    now = ASKED_AT + HOUR
    answers = [asked.visit(person.link, now=now)["statusCode"] for _ in range(PER_LINK.burst + 3)]
    assert answers == [200] * PER_LINK.burst + [429] * 3
    refused = asked.visit(person.link, now=now)
    assert refused["headers"]["retry-after"] == "60"
    assert "iris-model" not in refused["body"]
    assert asked.visit(asked.link("risk@example.com"), now=now)["statusCode"] == 200
    later = [asked.visit(person.link, now=now + 2 * PER_LINK.seconds)["statusCode"] for _ in range(3)]
    assert later == [200, 200, 429]
    assert person.decides("approve", now=now + 60)["statusCode"] == 200


def test_whoever_tries_links_out_is_refused_for_a_while(asked, person):
    now = ASKED_AT + HOUR
    answers = [asked.visit("x" * 44, now=now)["statusCode"] for _ in range(PER_SOURCE.burst + 3)]
    assert answers == [404] * PER_SOURCE.burst + [429] * 3
    assert asked.visit(person.link, now=now)["statusCode"] == 429
    assert asked.visit(person.link, now=now, source="198.51.100.9")["statusCode"] == 200


@pytest.mark.usefixtures("writes_one_by_one")
def test_visits_at_once_do_not_share_a_token(asked, person):
    now, answers = ASKED_AT + HOUR, []
    threads = [
        threading.Thread(target=lambda: answers.append(asked.visit(person.link, now=now)["statusCode"]))
        for _ in range(PER_LINK.burst + 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(200) <= PER_LINK.burst
    assert set(answers) == {200, 429}


# --- The audit


def test_visits_and_decisions_are_noted(asked, person):
    asked.visit(person.link, "HEAD", now=ASKED_AT + 1)
    person.opens(now=ASKED_AT + 2)
    person.sends(decision="approve", release="wrong", now=ASKED_AT + 3)
    person.sends(decision="reject", comment="Not before Friday.", now=ASKED_AT + 4)
    noted = [entry for entry in asked.audit() if entry.event != "asked"]
    assert [(entry.event, entry.detail) for entry in noted] == [
        ("viewed", "HEAD"),
        ("viewed", ""),
        ("refused", "release"),
        ("rejected", "Not before Friday."),
    ]
    for entry in noted:
        assert (entry.model, entry.release, entry.run) == ("iris-model", RELEASE, RUN)
        assert entry.who == "link issued to release-approvers@example.com"
    (source,) = {entry.source for entry in noted}
    assert len(source) == 16
    assert "203.0.113" not in json.dumps([vars(entry) for entry in asked.audit()])
    assert noted[-1].at == "2026-11-23T05:00:04.123Z"


def test_an_address_has_the_same_name_at_each_visit_and_no_other_has_it(asked, person):
    for source in ("198.51.100.9", "198.51.100.10", "198.51.100.9"):
        asked.visit(person.link, source=source)
    first, other, again = (
        entry.source for entry in sorted(asked.audit(), key=lambda entry: entry.at) if entry.event == "viewed"
    )
    assert len({first, other, again}) == 2


def test_no_decision_without_its_note(asked, person, monkeypatch):
    """Both are one transaction."""
    person.opens()
    item = AuditEntry.item
    monkeypatch.setattr(AuditEntry, "item", lambda entry, unique: {**item(entry, unique), "pk": {"N": "1"}})
    assert person.sends(decision="approve")["statusCode"] == 500
    assert asked.item()["state"]["S"] == "waiting"
    assert asked.runs.calls == []


# --- Deciding


def test_an_approval_tells_the_run(asked, person, event):
    page = person.decides("approve", "Looks good.")
    assert page["statusCode"] == 200
    assert "iris-model-3 was approved on Monday 23 November 2026, 06:00 UTC" in page["body"]
    assert "(link issued to release-approvers@example.com)" in page["body"]
    assert "<form" not in page["body"]
    ((operation, sent),) = asked.runs.calls
    assert (operation, sent["taskToken"]) == ("SendTaskSuccess", event("request_approval")["task_token"])
    assert json.loads(sent["output"]) == {
        "decision": "approve",
        "by": "link issued to release-approvers@example.com",
        "at": "2026-11-23T06:00:00Z",
        "comment": "Looks good.",
    }
    item = asked.item()
    assert (item["state"]["S"], item["decision"]["S"], item["delivery"]["S"]) == ("decided", "approve", "delivered")


def test_a_rejection_fails_the_task_with_the_reason(asked, person):
    assert person.decides("reject", "Not before Friday.")["statusCode"] == 200
    ((operation, sent),) = asked.runs.calls
    assert (operation, sent["error"]) == ("SendTaskFailure", "ReleaseRejected")
    assert (
        sent["cause"]
        == "Not before Friday. (rejected at 2026-11-23T06:00:00Z, link issued to release-approvers@example.com)"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "approve", "nonce": "forged"},
        {"decision": "approve", "nonce": ""},
        {"decision": "approve", "release": "iris-model-2"},
        {"decision": "approve", "release": ""},
        {"decision": "Approve"},
        {"decision": "yes"},
        {"decision": ""},
        {"decision": "reject", "comment": ""},
        {"decision": "reject", "comment": "   "},
        {"decision": "approve", "comment": "x" * 1001},
        {"decision": "approve", "extra": "1"},
    ],
)
def test_a_form_that_is_not_right_changes_nothing(asked, person, fields):
    person.opens()
    before = asked.everything_stored()
    answer = person.sends(**fields)
    assert answer["statusCode"] == 400
    assert 'role="alert"' in answer["body"]
    assert asked.everything_stored() == before
    assert asked.runs.calls == []


def test_a_refused_form_keeps_what_was_typed_and_can_be_mended(asked, person):
    person.opens()
    refused = person.sends(decision="reject", release="iris", comment="Because <b>I</b> say so.")
    assert "Because &lt;b&gt;I&lt;/b&gt; say so.</textarea>" in refused["body"]
    assert 'value="reject" required checked' in refused["body"]
    assert person.sends(decision="reject", comment="Because.")["statusCode"] == 200


def test_a_stolen_nonce_is_worth_nothing_in_another_browser(asked, person):
    person.opens()
    thief = Person(asked, person.link, form=person.form)
    assert thief.sends(decision="approve")["statusCode"] == 400
    thief.cookies = dict.fromkeys(person.cookies, "c" * 32)
    thief.form = person.form
    assert thief.sends(decision="approve")["statusCode"] == 400
    assert asked.runs.calls == []


def test_a_nonce_of_another_link_is_refused(asked, person):
    person.opens()
    other = Person(asked, asked.link("risk@example.com"))
    other.opens()
    other.form = person.form
    assert other.sends(decision="approve")["statusCode"] == 400


def test_two_open_links_do_not_spoil_each_other(asked, person):
    person.opens()
    mine = person.form
    person.link, first = asked.link("risk@example.com"), person.link
    person.opens()
    person.link, person.form = first, mine
    assert person.sends(decision="approve")["statusCode"] == 200


def test_a_page_that_lay_open_too_long_asks_once_more(asked, person):
    person.opens()
    late = ASKED_AT + 10 * HOUR
    stale = person.sends(decision="approve", now=late)
    assert stale["statusCode"] == 400
    assert "too long ago" in stale["body"]
    assert person.sends(decision="approve", now=late)["statusCode"] == 200


def test_the_second_click_sees_the_first_decision(asked, person):
    colleague = Person(asked, asked.link("risk@example.com"))
    colleague.opens()
    person.decides("reject", "Not before Friday.")
    answer = colleague.sends(decision="approve")
    assert answer["statusCode"] == 409
    page = colleague.opens()
    assert (page["statusCode"], page["cookies"]) == (200, [])
    for seen in (answer, page):
        assert (
            "was rejected on Monday 23 November 2026, 06:00 UTC (link issued to release-approvers@example.com)"
            in seen["body"]
        )
        assert "Not before Friday." in seen["body"]
        assert "<form" not in seen["body"]
    assert len(asked.runs.calls) == 1


def test_the_same_decision_again_is_no_second_decision(asked, person):
    person.opens()
    form = person.form
    assert person.sends(decision="approve")["statusCode"] == 200
    person.form = form
    assert person.sends(decision="approve")["statusCode"] == 200
    assert len(asked.runs.calls) == 1


def test_a_decision_after_the_deadline_is_none(asked, person):
    person.opens(now=ASKED_AT + EXPIRES_AFTER - 60)
    assert person.sends(decision="approve", now=ASKED_AT + EXPIRES_AFTER + 1)["statusCode"] == 404
    assert asked.item()["state"]["S"] == "waiting"
    assert asked.runs.calls == []


# --- When the callback fails


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_decision_that_does_not_arrive_stands_and_is_sent_again(asked, person, code):
    asked.runs.faults = [code]
    waiting = person.decides("reject", "No.")
    assert waiting["statusCode"] == 202
    assert "the run could not be told yet" in waiting["body"]
    assert (asked.item()["state"]["S"], asked.item()["delivery"]["S"]) == ("decided", "pending")
    # The page's own button sends what was decided, whoever presses it.
    colleague = Person(asked, asked.link("risk@example.com"))
    colleague.opens()
    again = colleague.sends(**colleague.form)
    assert again["statusCode"] == 200
    assert asked.runs.calls[0][1]["cause"].startswith(
        "No. (rejected at 2026-11-23T06:00:00Z, link issued to release-approvers@example.com"
    )
    assert asked.item()["delivery"]["S"] == "delivered"


def test_another_decision_does_not_replace_one_that_has_not_arrived(asked, person):
    asked.runs.faults = ["ThrottlingException"]
    person.decides("reject", "No.")
    assert person.sends(decision="approve")["statusCode"] == 409
    assert asked.runs.calls == []


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_run_that_waits_no_more_is_told_as_such(asked, person, code):
    asked.runs.faults = [code]
    page = person.decides("approve")
    assert page["statusCode"] == 200
    assert "The run no longer waits for an answer" in page["body"]
    assert asked.item()["delivery"]["S"] == "refused"
    assert "The run no longer waits" in person.opens()["body"]


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_run_that_was_reached_by_a_try_whose_reply_was_lost_has_the_decision(asked, person, code):
    asked.runs.faults, asked.runs.retries = [code], 1
    page = person.decides("approve")
    assert page["statusCode"] == 200
    assert "The run deploys the release to production" in page["body"]
    assert asked.item()["delivery"]["S"] == "delivered"


def test_a_decision_survives_an_unreachable_key(asked, person, monkeypatch):
    def unreachable(**_):
        raise ConnectTimeoutError(endpoint_url="https://kms")

    person.opens()
    with monkeypatch.context() as broken:
        broken.setattr(asked.decide.kms, "decrypt", unreachable)
        assert person.sends(decision="approve")["statusCode"] == 202
    assert person.sends(decision="approve")["statusCode"] == 200
    assert len(asked.runs.calls) == 1


def test_faults_of_ours_tell_the_visitor_nothing(asked, person, monkeypatch, log):
    def broken(**_):
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "rack 42"}}, "GetItem")

    monkeypatch.setattr(asked.decide.dynamodb, "get_item", broken)
    page = person.opens()
    assert page["statusCode"] == 500
    for inside in ("rack 42", "Traceback", "GetItem", "Error"):
        assert inside not in page["body"]
    assert "page failed" in log.getvalue()


# --- From a terminal


def test_a_terminal_decides_by_the_same_claim(asked, person):
    answer = asked.command(run=RUN, release=RELEASE, decision="reject", comment="Said in the terminal.")
    assert answer["decided"] is True
    assert "iris-model-3 was rejected on " in answer["message"]
    assert asked.runs.calls[0][1]["cause"].startswith("Said in the terminal.")
    assert "Said in the terminal." in person.opens()["body"]
    later = asked.command(run=RUN, release=RELEASE, decision="approve", comment="")
    assert later["decided"] is False
    assert "(a terminal command)" in later["message"]
    assert len(asked.runs.calls) == 1


def test_a_terminal_may_repeat_what_did_not_arrive(asked):
    asked.runs.faults = ["ThrottlingException"]
    first = asked.command(run=RUN, release=RELEASE, decision="approve", comment="")
    assert first["decided"] is False
    assert "Give the same command again" in first["message"]
    assert asked.command(run=RUN, release=RELEASE, decision="approve", comment="")["decided"] is True
    assert asked.command(run=RUN, release=RELEASE, decision="approve", comment="")["decided"] is True
    assert len(asked.runs.calls) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"run": "unknown", "decision": "approve"}, "No run named 'unknown' asks"),
        ({"run": "", "decision": "approve"}, "No run named ''"),
        ({"decision": "approve"}, "No run named"),
        ({"run": RUN, "decision": "maybe"}, "Choose whether"),
        ({"run": RUN, "decision": "reject"}, "Say why"),
        ({"run": RUN}, "Choose whether"),
        ({"run": RUN, "decision": "approve"}, "RELEASE=… This run asks about iris-model-3."),
        ({"run": RUN, "decision": "approve", "release": "iris-model-2"}, "not about 'iris-model-2'"),
        ({"run": RUN, "decision": "reject", "comment": "no", "release": 3}, "not about '3'"),
        ({}, "Choose whether"),
    ],
)
def test_a_terminal_is_told_what_is_wrong(asked, command, said):
    answer = asked.command(**command)
    assert answer["decided"] is False
    assert said in answer["message"]
    assert asked.runs.calls == []


def test_a_terminal_is_too_late_after_the_deadline(asked):
    answer = asked.command(run=RUN, release=RELEASE, decision="approve", comment="", now=ASKED_AT + EXPIRES_AFTER + 1)
    assert (answer["decided"], answer["message"]) == (False, "iris-model-3: the time to decide is over.")


# --- Races, secrets, hostile input


@pytest.mark.usefixtures("writes_one_by_one")
def test_many_decisions_at_once_make_one(asked):
    links = [asked.link("release-approvers@example.com"), asked.link("risk@example.com")]
    people = [Person(asked, links[number % 2]) for number in range(12)]
    for person in people:
        person.opens()
    verdicts = ["approve", "reject"] * 6
    answers = []

    def decide(person, verdict):
        answers.append((verdict, person.sends(decision=verdict, comment="why")["statusCode"]))

    threads = [threading.Thread(target=decide, args=pair) for pair in zip(people, verdicts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    decided = asked.item()["decision"]["S"]
    # Somebody may have found the decision claimed and not yet delivered, and delivered it too: always the same one.
    assert {name for name, _ in asked.runs.calls} == {"SendTaskSuccess" if decided == "approve" else "SendTaskFailure"}
    assert len({str(sorted(sent.items())) for _, sent in asked.runs.calls}) == 1
    assert all(status == (200 if verdict == decided else 409) for verdict, status in answers)


def test_the_token_is_in_no_page_log_or_error(asked, person, event, log):
    pages = [person.opens()]
    for codes in (["ThrottlingException"], ["InvalidToken"], []):
        asked.runs.faults = codes
        pages.append(person.sends(decision="approve"))
    asked.runs.faults = ["TaskTimedOut"]
    answers = [asked.command(run=RUN, release=RELEASE, decision="approve", comment="")]
    token = event("request_approval")["task_token"]
    everywhere = json.dumps([pages, answers, asked.mails]) + log.getvalue()
    assert "decision not delivered" in everywhere
    for part in (token, token[:40], token[-40:]):
        assert part not in everywhere
    for secret in (
        asked.link(),
        hash_link(asked.link()),
        *person.cookies.values(),
        person.form.get("nonce") or "-" * 99,
    ):
        assert secret not in log.getvalue()


def test_a_token_sealed_for_another_run_opens_nothing(asked, person):
    kms = boto3.client("kms")
    swapped = kms.encrypt(KeyId="alias/token", Plaintext=b"other", EncryptionContext={"run": "other"})["CiphertextBlob"]
    boto3.client("dynamodb").update_item(
        TableName="mlops-approvals",
        Key={"pk": {"S": f"run#{RUN}"}, "sk": {"S": "approval"}},
        UpdateExpression="SET #token = :token",
        ExpressionAttributeNames={"#token": "token"},
        ExpressionAttributeValues={":token": {"B": swapped}},
    )
    assert person.decides("approve")["statusCode"] == 202
    assert asked.runs.calls == []


METHODS = st.sampled_from(["GET", "HEAD", "POST", "POST", "POST", "PUT", "", "BREW"])
FIELDS = st.tuples(
    st.sampled_from(["nonce", "release", "decision", "comment", "x"]),
    st.sampled_from(["approve", "reject", "iris-model-3", "%00", "", "1.AAAA"]),
)
BODIES = st.one_of(
    st.none(),
    st.text(max_size=200),
    st.binary(max_size=200),
    st.lists(FIELDS).map(lambda pairs: "&".join("=".join(pair) for pair in pairs)),
)
LINKS = st.one_of(st.none(), st.text(max_size=40), st.from_regex(r"[A-Za-z0-9_-]{44}", fullmatch=True))
REQUESTS = st.fixed_dictionaries(
    {
        "method": METHODS,
        "cookies": st.lists(st.text(max_size=60), max_size=3),
        "body": BODIES,
        "content_type": st.one_of(st.just("application/x-www-form-urlencoded"), st.none(), st.text(max_size=20)),
    }
)
SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
LARGE = [HealthCheck.large_base_example, HealthCheck.data_too_large, HealthCheck.nested_given]


# A visit after the other, slowly enough for the same link and the same address.
SECONDS = itertools.count(step=2)


def check_hostile(asked, requests, read):
    """None of the requests changes what `read` tells of the store."""
    before = read()
    for link, request in requests:
        now = ASKED_AT + HOUR + next(SECONDS)
        answer = asked.visit(asked.link() if link is None else link, now=now, **request)
        assert answer["statusCode"] in (200, 400, 404, 405)
    assert read() == before
    assert asked.runs.calls == []


@settings(max_examples=60, deadline=None, suppress_health_check=SHARED)
@given(LINKS, REQUESTS)
def test_hostile_requests_neither_break_nor_change_anything(asked, link, request_):
    check_hostile(asked, [(link, request_)], asked.everything_stored)


# To look at the store takes longer than to answer: so it is looked at after every 25 requests, of 10,000 together.
MANY = st.lists(st.tuples(LINKS, REQUESTS), min_size=25, max_size=25)


@pytest.mark.full
@pytest.mark.parametrize("portion", in_turn("portions of hostile requests", range(8), str))
def test_many_hostile_requests_neither_break_nor_change_anything(asked, portion):
    @seed(portion)
    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=[*SHARED, *LARGE])
    @given(MANY)
    def portion_of_them(requests):
        check_hostile(asked, requests, asked.everything_stored)

    portion_of_them()
