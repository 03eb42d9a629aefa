"""The approval link in the hands of people, scanners and attackers."""

import urllib.error
import urllib.parse
import urllib.request

import pytest

from local.demo.browser import Browser, answer, read_form
from tests.flow.product import Product, Run

MODEL = "flow-asked"


@pytest.fixture(scope="module")
def waiting(product: Product, iris: str) -> Run:
    product.model(MODEL)
    return product.drop(MODEL, iris).reaches("Request Approval")


def request(url: str, method: str = "GET", form: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method)) as reply:
            return reply.status, reply.read().decode(), dict(reply.headers)
    except urllib.error.HTTPError as fault:
        with fault:
            return fault.code, fault.read().decode(), dict(fault.headers)


def test_reading_changes_nothing(waiting):
    for _ in range(3):
        assert request(waiting.link())[0] == 200
        status, body, _ = request(waiting.link(), "HEAD")
        assert (status, body) == (200, "")
    assert waiting.states()[-1] == "Request Approval"


def test_the_page_says_what_is_decided(waiting):
    page = request(waiting.link())[1]
    assert waiting.release() in page
    assert f"{MODEL}-production" in page


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "forged"},
        {"release": "something"},
        {"decision": "maybe"},
        {"decision": "Approve"},
        {"decision": "reject", "comment": ""},
    ],
)
def test_a_form_that_is_not_filled_in_right_changes_nothing(waiting, change):
    browser = Browser()
    form = read_form(browser.load(waiting.link()))
    assert "nonce" in form.fields
    fields = {"release": waiting.release(), "decision": "approve", "comment": "", **change}
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.submit(waiting.link(), form, fields)
    with refused.value as reply:
        assert reply.code == 400
    assert waiting.states()[-1] == "Request Approval"


def test_a_nonce_without_its_browser_is_refused(waiting):
    fields = read_form(request(waiting.link())[1]).fields
    form = {**fields, "release": waiting.release(), "decision": "approve", "comment": ""}
    # The form was loaded by another browser: its cookie is missing here.
    assert request(waiting.link(), "POST", form)[0] == 400
    assert waiting.states()[-1] == "Request Approval"


def test_unknown_links_all_look_the_same(waiting):
    link = waiting.link()
    answers = {request(url)[:2] for url in (link[:-1] + ("A" if link[-1] != "A" else "B"), link[:-8], link + "x")}
    assert len(answers) == 1
    assert answers.pop()[0] == 404


def test_the_task_token_is_in_no_page_mail_or_log(product, waiting):
    tokens = [
        event["taskScheduledEventDetails"]["parameters"].split('"task_token":"')[1].split('"')[0]
        for event in product.stepfunctions.get_execution_history(executionArn=waiting.arn, maxResults=1000)["events"]
        if event["type"] == "TaskScheduled" and "waitForTaskToken" in event["taskScheduledEventDetails"]["resource"]
    ]
    assert len(tokens) == 1
    token = tokens[0]
    assert len(token) > 20
    places = [request(waiting.link())[1], waiting.link(), *(mail.text for mail in product.mails()), *logs(product)]
    assert len(places) > 3
    for form in (token, urllib.parse.quote(token, safe=""), token[:40]):
        assert not [place for place in places if form in place]


def logs(product: Product) -> list[str]:
    client = product.client("logs")
    groups = [group["logGroupName"] for group in client.describe_log_groups()["logGroups"]]
    return [
        "\n".join(event["message"] for event in client.filter_log_events(logGroupName=group)["events"])
        for group in groups
    ]


def test_the_first_decision_stands_and_the_second_sees_it(product, iris):
    model = "flow-decided"
    product.model(model)
    run = product.drop(model, iris)
    link = run.link()
    run.decide("reject", "Not before Friday.")
    run.ends_in("Release Rejected")
    page = request(link)[1]
    assert "Not before Friday." in page
    assert "<form" not in page


def test_a_run_is_decided_from_the_terminal(product, iris):
    from commands.decide import decide
    from commands.faults import CommandFailed
    from commands.runs import find_run, list_runs

    model = "flow-terminal"
    product.model(model)
    run = product.drop(model, iris).reaches("Request Approval")
    run.mail()
    assert find_run(product.deployment, run.id[:20]) == run.id
    assert [each.release for each in list_runs(product.deployment) if each.id == run.id] == [run.release()]
    assert "reject" in decide(product.deployment, run.id, run.release(), "reject", "Said in the terminal.")
    assert "Said in the terminal." in run.ends_in("Release Rejected")["cause"]
    with pytest.raises(CommandFailed):
        decide(product.deployment, run.id, run.release(), "approve", "")


def test_what_people_type_is_escaped(product, iris):
    model = "flow-hostile"
    product.model(model)
    run = product.drop(model, iris, "<img src=x onerror=alert(1)>.csv")
    page = request(run.link())[1]
    assert "<img src=x" not in page
    hostile = "</script><script>alert(1)</script>"
    page = answer(run.link(), "reject", run.release(), hostile)
    assert "<script>alert" not in page
    run.ends_in("Release Rejected")
