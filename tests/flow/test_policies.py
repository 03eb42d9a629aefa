"""Who may decide, who is reminded, who hears of it, and what is noted: in the running product."""

import json

import pytest

from commands.audit import read_audit
from commands.decide import decide
from commands.faults import CommandFailed
from contracts.drop import RUN_FILE
from local.demo.browser import answer
from local.demo.mail import Mail, approval_link
from tests.flow.product import Product, Run, until

ANNA, BEN, HEAD = "anna@example.com", "ben@example.com", "head@example.com"
DAY = 86_400


def approval(**settings: object) -> str:
    lines = {"approvers": [ANNA, BEN], "escalation": HEAD, **settings}
    return "[approval]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


def mails_to(product: Product, address: str, words: str) -> list[Mail]:
    return [mail for mail in product.mails() if mail.to == (address,) and words in mail.subject]


def one_mail_to(product: Product, address: str, words: str) -> Mail:
    return until(f"a mail to {address} about {words}", lambda: next(iter(mails_to(product, address, words)), None))


def events(product: Product, run: Run, model: str) -> list[tuple[str, str]]:
    return [
        (entry.event, entry.who.removeprefix("link issued to "))
        for entry in read_audit(product.deployment, model)
        if entry.run == run.id and entry.event != "viewed"
    ]


def test_two_approve_and_all_who_were_asked_hear_of_it(product, iris):
    model = "policy-two"
    product.model(model, approval(required=2))
    run = product.drop(model, iris).reaches("Request Approval")
    release = run.release()
    links = {to: approval_link(one_mail_to(product, to, f"Release {release}").text) for to in (ANNA, BEN)}
    assert "waits for one more person" in answer(links[ANNA], "approve", release, "The gain is real.")
    assert "waits for one more person" in answer(links[ANNA], "approve", release, "Again.")
    assert run.states()[-1] == "Request Approval"
    assert f"{release} was approved" in answer(links[BEN], "approve", release, "Yes.")
    run.ends_in("Model Deployed")
    manifest = product.release(model)["approval"]
    assert (manifest["by"], [each["approver"] for each in manifest["before"]]) == (f"link issued to {BEN}", [ANNA])
    product.advance(120)
    for to in (ANNA, BEN):
        assert "The run deploys the release" in one_mail_to(product, to, f"{release}: approved").text
    assert events(product, run, model) == [("asked", ANNA), ("asked", BEN), ("approved", ANNA), ("approved", BEN)]
    assert mails_to(product, HEAD, release) == []


def test_who_has_not_answered_is_reminded_and_somebody_else_is_asked(product, iris):
    model = "policy-reminded"
    product.model(model, approval(remind_before_seconds=2 * DAY))
    run = product.drop(model, iris).reaches("Request Approval")
    release = run.release()
    first = approval_link(one_mail_to(product, ANNA, f"Release {release}").text)
    product.advance(5 * DAY)
    again = approval_link(one_mail_to(product, ANNA, "Still open").text)
    assert again != first
    late = approval_link(one_mail_to(product, HEAD, "Nobody has decided yet").text)
    assert f"{release} was rejected" in answer(late, "reject", release, "Too late for this quarter.")
    run.ends_in("Release Rejected")
    product.advance(120)
    for to in (ANNA, BEN, HEAD):
        assert "Too late for this quarter." in one_mail_to(product, to, f"{release}: rejected").text
    assert {event for event, _ in events(product, run, model)} == {"asked", "reminded", "escalated", "rejected"}


def test_whoever_asks_for_a_run_does_not_approve_it(product, iris):
    model = "policy-requester"
    product.model(model, approval(requester_may_approve=False))
    refused = product.drop(model, iris).ends_in("Dataset Rejected")
    assert "drop the dataset as a folder" in refused["cause"]

    body = iris.encode() if isinstance(iris, str) else iris
    folder = f"datasets/{model}/asked"
    product.s3.put_object(Bucket=product.deployment.bucket, Key=f"{folder}/train/iris.csv", Body=body)
    said = json.dumps({"files": {"train/iris.csv": len(body)}, "requester": "Anna@example.com"})
    version = product.s3.put_object(Bucket=product.deployment.bucket, Key=f"{folder}/{RUN_FILE}", Body=said.encode())
    run = until("the folder's run", lambda: product.run_of(version["VersionId"])).reaches("Request Approval")
    release = run.release()
    mail = one_mail_to(product, BEN, f"Release {release}")
    assert "Anna@example.com asked for this run and may not approve it" not in mail.subject
    assert mails_to(product, ANNA, f"Release {release}") == []
    with pytest.raises(CommandFailed, match="was not asked"):
        decide(product.deployment, run.id, release, "approve", "", ANNA)
    with pytest.raises(CommandFailed, match="Here it matters who decides"):
        decide(product.deployment, run.id, release, "approve", "")
    assert "approved" in decide(product.deployment, run.id, release, "approve", "", BEN)
    run.ends_in("Model Deployed")


def test_the_audit_can_only_be_added_to(product):
    """Of everything that any role called, nothing changed or removed an entry."""
    from tests.flow.rights import decisions

    touched = {
        each["action"] for each in decisions(product) if "table/mlops-audit" in each["resource"] and each["role"]
    }
    assert "dynamodb:PutItem" in touched
    assert not touched & {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
