"""The page and the mails in a real browser. Pictures are left in build/pictures/ to be looked at."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from functions.announce_outcome.announcement import announce
from functions.announce_outcome.ending import Ending
from tests.chromium import MAIL_GUIDELINES, MAIL_LOOKS, PAGE_LOOKS
from tests.evaluations import evaluation
from tests.functions.approvals import ASKED_AT, HOUR, Person, html_of, seen
from tests.functions.evidence import FORMER, leave
from tests.functions.page_server import served

pytestmark = pytest.mark.full

REJECTION = """datasets/iris-model/iris.csv breaks the rules for iris-model:
- row 17, column 2: "many" is not a number (leave a cell empty where a value is missing)
- row 31, column 0: the label is missing
Rows are lines of the file counted from 1; columns without a name are counted from 0."""


@pytest.fixture
def asked(approvals, event, tmp_path):
    leave(approvals.request.s3, tmp_path / "plots")
    release = event("request_approval")["release"]
    approvals.ask(release={**release, "champion": {**release["champion"], **FORMER}})
    return approvals


@pytest.fixture
def address(asked):
    with served(asked, ASKED_AT + HOUR) as address:
        yield address


def test_approving_by_mouse(chromium, asked, address):
    chromium.complaints()  # those about pages before
    chromium.driver.get(address + asked.link())
    chromium.take(PAGE_LOOKS, "page-question")
    assert chromium.complaints() == []
    chromium.fill(decision="approve", comment="Looks good.", release="iris-model-3")
    chromium.press()
    assert "(link issued to release-approvers@example.com)" in chromium.body()
    assert [name for name, _ in asked.runs.calls] == ["SendTaskSuccess"]
    chromium.take(PAGE_LOOKS, "page-approved")
    chromium.driver.refresh()
    assert len(asked.runs.calls) == 1


def test_rejecting_by_keyboard(chromium, asked, address):
    chromium.driver.get(address + asked.link())
    keys = ActionChains(chromium.driver)
    # Folded parts, then the choice, the comment, the name: nothing needs a mouse. Enter in the name sends the form.
    page = chromium.driver.find_element(By.CSS_SELECTOR, "main")
    page.click()
    for _ in range(20):
        chromium.driver.switch_to.active_element.send_keys(Keys.TAB)
        if chromium.driver.switch_to.active_element.get_attribute("name") == "decision":
            break
    keys.send_keys(
        Keys.ARROW_DOWN,
        Keys.TAB,
        "Not before Friday.",
        Keys.TAB,
        "iris-model-3",
        Keys.ENTER,
    ).perform()
    chromium.leaves(page)
    assert "was rejected on" in chromium.body()
    assert "Not before Friday." in chromium.body()
    assert [name for name, _ in asked.runs.calls] == ["SendTaskFailure"]
    chromium.take(PAGE_LOOKS, "page-rejected")


def test_a_mistake_is_shown_where_it_is(chromium, asked, address):
    chromium.driver.get(address + asked.link())
    chromium.fill(decision="reject", release="iris-model")
    chromium.press()
    assert "Nothing was decided yet" in chromium.body()
    chromium.take(PAGE_LOOKS, "page-mistake")
    assert asked.runs.calls == []
    release = chromium.driver.find_element(By.ID, "release")
    release.clear()
    release.send_keys("iris-model-3")
    chromium.driver.find_element(By.ID, "comment").send_keys("Because.")
    chromium.press()
    assert "was rejected" in chromium.body()


def test_a_decision_that_did_not_arrive_can_be_sent_again(chromium, asked, address):
    asked.runs.faults = ["ThrottlingException"]
    Person(asked, asked.link()).decides("reject", "Not before Friday.")
    chromium.driver.get(address + asked.link("risk@example.com"))
    chromium.take(PAGE_LOOKS[:2], "page-pending")
    chromium.press()
    assert "The run ends" in chromium.body()
    assert len(asked.runs.calls) == 1


def test_a_scanner_that_presses_everything_decides_nothing(chromium, asked, address):
    before = asked.everything_stored()
    for _ in range(2):
        chromium.driver.get(address + asked.link())
        for field in chromium.driver.find_elements(By.CSS_SELECTOR, "input[type=radio]"):
            field.click()
        for field in chromium.driver.find_elements(By.CSS_SELECTOR, "input[type=text], textarea"):
            field.send_keys("test")
        chromium.press()
    assert asked.runs.calls == []
    assert asked.everything_stored() == before


def test_a_first_release_and_a_dead_link(chromium, approvals, event):
    release = event("request_approval")["release"] | {"champion": None, "warnings": []}
    approvals.ask(
        release=release | {"metrics": {"candidate_accuracy": 0.96, "candidate_f1_macro": 0.955, "test_rows": 50}}
    )
    with served(approvals, ASKED_AT + HOUR) as address:
        chromium.driver.get(address + approvals.link())
        chromium.take(PAGE_LOOKS[:1], "page-first-release")
        chromium.driver.get(address + "x" * 44)
        assert "This link leads nowhere" in chromium.body()
        chromium.take(PAGE_LOOKS, "page-dead-link")


def test_the_approval_mail(chromium, asked):
    chromium.show(seen(asked.mails[0]))
    chromium.take(MAIL_LOOKS, "mail-approval", MAIL_GUIDELINES)
    pictures = chromium.driver.find_elements(By.TAG_NAME, "img")
    assert [picture.get_property("naturalWidth") > 0 for picture in pictures] == [True, True]
    chromium.show(html_of(asked.mails[0]))  # as readers show it that load no pictures
    chromium.take(MAIL_LOOKS, "mail-approval-without-pictures", MAIL_GUIDELINES)
    assert "Held-out rows by their class" in chromium.driver.find_elements(By.TAG_NAME, "img")[1].get_attribute("alt")


def test_the_mails_that_follow(chromium, asked):
    asked.attend(ASKED_AT + 6 * 24 * HOUR + 1)
    chromium.show(seen(asked.mails[-1]))
    chromium.take(MAIL_LOOKS, "mail-reminder", MAIL_GUIDELINES)
    Person(asked, asked.link()).decides("reject", "Not before Friday:\nthe budget is not approved.")
    asked.attend(ASKED_AT + 6 * 24 * HOUR + 90)
    chromium.show(seen(asked.mails[-1]))
    chromium.take(MAIL_LOOKS, "mail-verdict", MAIL_GUIDELINES)


def test_everything_that_can_be_looked_into(chromium, asked, address):
    chromium.driver.get(address + asked.link())
    for each in chromium.driver.find_elements(By.TAG_NAME, "summary"):
        if each.find_element(By.XPATH, "..").get_attribute("open") is None:
            each.click()
    chromium.take(PAGE_LOOKS, "page-evidence")


def test_two_have_to_approve(chromium, approvals, event):
    approval = event("request_approval")["settings"]["approval"] | {"required": 2}
    approvals.ask(approval=approval)
    Person(approvals, approvals.link()).decides("approve", "The gain is real.")
    with served(approvals, ASKED_AT + HOUR) as address:
        chromium.driver.get(address + approvals.link("risk@example.com"))
        chromium.take(PAGE_LOOKS[:3], "page-half-approved")


def test_a_release_that_is_to_serve_again(chromium, approvals, event, tmp_path):
    leave(approvals.request.s3, tmp_path / "plots")
    release = event("request_approval")["release"]
    back = {"requester": "on-call@example.com", "reason": "Since noon it takes versicolor for virginica."}
    approvals.ask(release={**release, "champion": {**release["champion"], **FORMER}, "rollback": back})
    with served(approvals, ASKED_AT + HOUR) as address:
        chromium.driver.get(address + approvals.link())
        chromium.take(PAGE_LOOKS[:3], "page-roll-back")
    chromium.show(seen(approvals.mails[0]))
    chromium.take(MAIL_LOOKS, "mail-roll-back", MAIL_GUIDELINES)


def test_a_regression_is_told_in_the_labels_unit(chromium, approvals, event):
    numbers = {"rmse": (48_213.7, 51_020.1), "mae": (31_450.2, 31_451.0), "r2": (0.81, 0.79)}
    metrics = {f"candidate_{name}": ours for name, (ours, _) in numbers.items()}
    metrics |= {f"champion_{name}": theirs for name, (_, theirs) in numbers.items()}
    approvals.ask(release=event("request_approval")["release"] | {"metrics": metrics | {"test_rows": 6_811}})
    with served(approvals, ASKED_AT + HOUR) as address:
        chromium.driver.get(address + approvals.link())
        assert "the candidate is off by 31,450 on average" in chromium.body()
        chromium.take(PAGE_LOOKS[:1], "page-regression")
    chromium.show(html_of(approvals.mails[0]))
    chromium.take(MAIL_LOOKS, "mail-regression", MAIL_GUIDELINES)


@pytest.mark.parametrize(
    ("outcome", "changed"),
    [
        ("Candidate Rejected", {}),
        (
            "Model Deployed",
            {
                "release": "iris-model-3",
                "cause": "",
                "error": "",
                "metrics": {
                    "candidate_accuracy": 0.96,
                    "candidate_f1_macro": 0.95,
                    "champion_accuracy": 0.94,
                    "champion_f1_macro": 0.94,
                    "test_rows": 50,
                },
            },
        ),
        (
            "Dataset Rejected",
            {
                "cause": REJECTION,
            },
        ),
        ("Traffic Shifted", {"release": "iris-model-3", "cause": "", "error": ""}),
        (
            "Request Refused",
            {
                "release": "iris-model-2",
                "error": "RequestRefused",
                "cause": "iris-model-2 does not share production with another release, so there is no traffic to shift; "
                "make releases shows what serves.",
            },
        ),
        (
            "Production Unhealthy",
            {
                "release": "iris-model-3",
                "cause": "iris-model-production does not serve the release.\nInstances that serve: 1; needed: 2.",
            },
        ),
    ],
)
def test_the_mails_about_endings(chromium, event, outcome, changed):
    checks = evaluation().gate if outcome == "Candidate Rejected" else ()
    chromium.show(announce(Ending.from_event(event("announce_outcome", outcome=outcome, **changed), checks)).html)
    chromium.take(MAIL_LOOKS, f"mail-{outcome.lower().replace(' ', '-')}", MAIL_GUIDELINES)


def test_barriers_would_be_found(chromium):
    chromium.show(
        "<html lang=en><title>x</title><main><h1>x</h1><p style='color:#bbb'>pale</p><img src=x><input></main>"
    )
    found = {each.partition(":")[0] for each in chromium.barriers()}
    assert {"color-contrast", "image-alt", "label"} <= found
