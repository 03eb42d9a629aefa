import json

import boto3
import pytest
from botocore.exceptions import ClientError

from contracts.approval import hash_link
from contracts.release import IncompleteRelease
from tests.functions.approvals import TABLE, Person, html_of, text_of

FIRST, SECOND = "release-approvers@example.com", "risk@example.com"


@pytest.fixture
def refused_addresses(approvals):
    """Addresses that SES refuses, as it does in its sandbox."""
    addresses = set()

    def refuse(params, **_):
        if addresses & set(params["Destination"]["ToAddresses"]):
            raise ClientError({"Error": {"Code": "MessageRejected", "Message": "not verified"}}, "SendEmail")

    happening = "provide-client-params.sesv2.SendEmail"
    approvals.request.ses.meta.events.register_first(happening, refuse)
    yield addresses
    approvals.request.ses.meta.events.unregister(happening, refuse)


def test_each_approver_gets_a_link_of_their_own(approvals):
    assert approvals.ask() == {"mailed": 2}
    assert [mail["Destination"]["ToAddresses"] for mail in approvals.mails] == [[FIRST], [SECOND]]
    assert {mail["FromEmailAddress"] for mail in approvals.mails} == {"mlops@example.com"}
    assert approvals.link(FIRST) != approvals.link(SECOND)
    assert approvals.visit(approvals.link(FIRST))["statusCode"] == 200
    assert approvals.visit(approvals.link(SECOND))["statusCode"] == 200


def test_what_is_stored_is_neither_the_token_nor_a_link(approvals, event):
    approvals.ask()
    stored = str(approvals.everything_stored())
    assert event("request_approval")["task_token"][:30] not in stored
    assert approvals.link(FIRST) not in stored
    assert f"link#{hash_link(approvals.link(FIRST))}" in stored
    item = approvals.item()
    assert (item["state"]["S"], item["expires_at"]["N"], item["release_name"]["S"]) == (
        "waiting",
        "1796014800",
        "iris-model-3",
    )
    assert int(item["purge_at"]["N"]) > int(item["expires_at"]["N"])
    assert json.loads(item["dossier"]["S"]) == event("request_approval")["release"] | {"hourly_usd": 0.204}


def test_the_stored_token_opens_only_as_this_run(approvals, event):
    approvals.ask()
    kms, sealed = boto3.client("kms"), approvals.item()["token"]["B"]
    run = event("request_approval")["run"]
    opened = kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"run": run})["Plaintext"].decode()
    assert opened == event("request_approval")["task_token"]
    with pytest.raises(ClientError):
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"run": "another"})


def test_a_second_try_renews_the_token_and_mails_nobody_again(approvals):
    approvals.ask()
    link = approvals.link(FIRST)
    before = approvals.item()
    assert approvals.ask(task_token="the-second-token") == {"mailed": 2}
    assert len(approvals.mails) == 2
    after = approvals.item()
    assert after["token"] != before["token"]
    assert {name: value for name, value in after.items() if name != "token"} == {
        name: value for name, value in before.items() if name != "token"
    }
    Person(approvals, link).decides("approve")
    assert approvals.runs.calls[0][1]["taskToken"] == "the-second-token"


def test_a_second_try_mails_those_who_were_not_reached(approvals, refused_addresses):
    refused_addresses.add(SECOND)
    assert approvals.ask() == {"mailed": 1}
    first = approvals.link(FIRST)
    refused_addresses.clear()
    assert approvals.ask() == {"mailed": 2}
    assert [mail["Destination"]["ToAddresses"] for mail in approvals.mails] == [[FIRST], [SECOND]]
    assert approvals.visit(first)["statusCode"] == approvals.visit(approvals.link(SECOND))["statusCode"] == 200


def test_a_run_that_nobody_hears_of_fails(approvals, refused_addresses):
    refused_addresses.update((FIRST, SECOND))
    with pytest.raises(approvals.request.ApproversUnreachable, match="verified in SES"):
        approvals.ask()
    assert approvals.item()["state"]["S"] == "waiting"


def test_a_run_that_asks_again_after_a_decision_is_given_it_at_once(approvals):
    approvals.ask()
    approvals.runs.faults = ["TaskTimedOut"]
    Person(approvals, approvals.link()).decides("reject", "Not now.")
    assert approvals.item()["delivery"]["S"] == "refused"
    approvals.ask(task_token="the-second-token")
    assert [(name, sent["taskToken"], sent["error"]) for name, sent in approvals.runs.calls] == [
        ("SendTaskFailure", "the-second-token", "ReleaseRejected")
    ]
    assert approvals.item()["delivery"]["S"] == "delivered"
    assert len(approvals.mails) == 2


def test_a_decision_about_another_release_does_not_count(approvals, event):
    approvals.ask()
    Person(approvals, approvals.link()).decides("approve")
    release = event("request_approval")["release"] | {"name": "iris-model-4"}
    assert approvals.ask(release=release, task_token="the-second-token") == {"mailed": 2}
    assert approvals.item()["state"]["S"] == "waiting"
    assert len(approvals.runs.calls) == 1
    assert len(approvals.mails) == 4


def test_a_question_that_was_withdrawn_is_asked_anew_and_the_old_link_leads_to_it(approvals):
    approvals.ask()
    link = approvals.link()
    withdrawn = {"decision": "withdraw", "by": "close-run", "comment": "The run ended.", "at": "2026-11-24T00:00:00Z"}
    approvals.command(run=approvals.item()["run"]["S"], **withdrawn)
    assert approvals.item()["state"]["S"] == "decided"
    sent = len(approvals.runs.calls)
    assert approvals.ask(task_token="the-second-token") == {"mailed": 2}
    assert approvals.item()["state"]["S"] == "waiting"
    assert len(approvals.mails) == 4
    assert len(approvals.runs.calls) == sent
    Person(approvals, link).decides("approve")
    assert approvals.runs.calls[-1][1]["taskToken"] == "the-second-token"


def test_without_the_lease_nobody_is_asked_and_former_links_say_so(approvals):
    approvals.ask()
    approvals.hold_lease("another-run")
    with pytest.raises(approvals.request.LeaseLost):
        approvals.ask(task_token="the-second-token")
    assert approvals.item()["state"]["S"] == "decided"
    assert "<form" not in approvals.visit(approvals.link())["body"]
    assert len(approvals.mails) == 2


def test_a_decision_that_cannot_be_repeated_fails_without_the_token(approvals):
    approvals.ask()
    Person(approvals, approvals.link()).decides("approve")
    approvals.runs.faults = ["InvalidToken"]
    with pytest.raises(approvals.request.DecisionUndeliverable) as failed:
        approvals.ask(task_token="the-second-token")
    assert str(failed.value) == "InvalidToken"
    assert failed.value.__suppress_context__


def test_a_call_made_twice_does_not_mind_that_the_decision_has_reached_its_token(approvals):
    approvals.ask()
    Person(approvals, approvals.link()).decides("approve")
    approvals.runs.faults = ["TaskTimedOut"]
    assert approvals.ask() == {"mailed": 2}
    assert approvals.item()["delivery"]["S"] == "delivered"
    assert len(approvals.mails) == 2


def test_an_approver_named_twice_is_asked_once(approvals):
    approval = approvals.recorded("request_approval")["settings"]["approval"]
    assert approvals.ask(approval={**approval, "approvers": [FIRST, FIRST.upper()]}) == {"mailed": 1}


def test_a_dossier_with_holes_is_not_asked_about(approvals, event):
    with pytest.raises(IncompleteRelease):
        approvals.ask(release={"name": "iris-model-3"})
    assert approvals.everything_stored() == []


MAIL = (
    "iris-model-3",
    "Of 50 rows that it had not seen in training, the candidate answers 48 right",
    "iris-model-2 answers 47, which is 1 fewer",
    "2.0 points better",
    "3 of 3 rows",
    "column 3 has no value in 2 of 150 rows",
    "Replaces iris-model-2 on the endpoint iris-model-production",
    "2 instances of ml.c5.large",
    "Monday 30 November 2026, 05:00 UTC",
    "risk@example.com",
    "make reject RUN=6a7e8feb",
    "datasets/iris-model/iris-november.csv",
)


@pytest.mark.parametrize("part", [text_of, html_of])
def test_the_mail_says_what_is_decided(approvals, part):
    approvals.ask()
    told = " ".join(part(approvals.mails[0]).split())
    assert [words for words in MAIL if words not in told] == []
    assert approvals.mails[0]["Content"]["Simple"]["Subject"]["Data"] == "Release iris-model-3 to production?"


def test_a_first_release_is_mailed_without_a_champion(approvals, event):
    approvals.ask(
        release=event("request_approval")["release"]
        | {"champion": None, "warnings": [], "metrics": {"candidate_accuracy": 0.9}}
    )
    assert "first release of iris-model" in text_of(approvals.mails[0])
    assert "gave no warnings" in text_of(approvals.mails[0])


def test_names_from_outside_cannot_pretend_to_be_ours(approvals, event):
    hostile = "datasets/iris-model/<img src=x>\nDECIDE\nhttps://evil.example/.csv"
    approvals.ask(
        release=event("request_approval")["release"] | {"dataset_key": hostile, "warnings": ["<b>\nDECIDE\n"]}
    )
    assert "<img" not in html_of(approvals.mails[0])
    assert "<b>\n" not in html_of(approvals.mails[0])
    assert text_of(approvals.mails[0]).splitlines().count("DECIDE") == 1


def test_neither_token_nor_link_is_logged(approvals, event, log):
    approvals.ask()
    approvals.ask(task_token="the-second-token")
    logged = log.getvalue()
    assert logged.count('"approvers":2') == 2
    for secret in (
        event("request_approval")["task_token"][:30],
        "the-second-token",
        approvals.link(FIRST),
        hash_link(approvals.link(FIRST)),
    ):
        assert secret not in logged


def test_the_question_does_not_show_its_token(event):
    from functions.request_approval.question import Question

    assert event("request_approval")["task_token"] not in repr(Question.from_event(event("request_approval"), {}))


def test_the_table_is_used_under_its_name(approvals):
    approvals.ask()
    assert TABLE == "mlops-approvals"
    assert len(approvals.everything_stored()) == 3
