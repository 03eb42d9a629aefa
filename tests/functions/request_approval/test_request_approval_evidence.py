"""What approvers can look into: all of it where it can be read, a sentence where it cannot."""

from html import unescape

import pytest

from contracts.evidence import Evidence, Measured, SettingRow
from functions.request_approval.evidence import of_profiles, of_settings
from tests.functions.approvals import Person, html_of
from tests.functions.evidence import FORMER, RUN, leave, profile


@pytest.fixture
def ask(approvals, event, tmp_path):
    def run(**missing):
        leave(approvals.request.s3, tmp_path / "plots", **missing)
        release = event("request_approval")["release"]
        approvals.ask(release={**release, "champion": {**release["champion"], **FORMER}})
        return Evidence.from_json(approvals.item()["evidence"]["S"])

    return run


def test_everything_is_kept_with_the_question(ask, approvals):
    found = ask()
    assert found.unread == ()
    accuracy = found.metrics[0]
    assert (accuracy.name, accuracy.candidate, accuracy.champion) == (
        *("accuracy", Measured(0.96, pytest.approx(0.91), pytest.approx(0.995))),
        Measured(0.94, pytest.approx(0.885), pytest.approx(0.98)),
    )
    assert accuracy.told(accuracy.gain) == "2.0 % (-1.0 % to 6.0 %)"
    assert found.confusion_matrix == ((17, 0, 0), (0, 16, 1), (0, 1, 15))
    assert (found.rows_now, found.rows_before) == (150, 120)
    assert [(row.name, row.missing_now, row.missing_before) for row in found.columns] == [
        *(("petal length", 0.0, 0.0), ("petal width", 0.02, 0.0), ("island", 0.0, 0.0))
    ]
    assert found.columns[0].now == "1.4 … 4.4 … 7.3"
    assert found.columns[2].before == "Biscoe 50%, Dream 33% and 1 more"
    assert found.settings_before == "iris-model-2"
    assert SettingRow("training.hyperparameters.n_estimators", "100", "120") in found.settings
    assert {row.key for row in found.settings} >= {"approval.approvers", "approval.expires_after_seconds"}
    assert len(approvals.item()["evidence"]["S"]) < 20_000


def test_the_mail_shows_the_pictures_and_does_without_them(ask, approvals):
    ask()
    simple = approvals.mails[0]["Content"]["Simple"]
    assert [(each["ContentId"], each["ContentDisposition"]) for each in simple["Attachments"]] == [
        *(("scores", "INLINE"), ("confusion_matrix", "INLINE"))
    ]
    for each in simple["Attachments"]:
        assert each["RawContent"].startswith(b"\x89PNG")
        assert f'src="cid:{each["ContentId"]}" alt="' in html_of(approvals.mails[0])
    assert sum(len(each["RawContent"]) for each in simple["Attachments"]) < 200_000


def test_the_page_shows_it(ask, approvals):
    ask()
    page = Person(approvals, approvals.link()).opens()["body"]
    for words in (
        "96.0 % (91.0 % to 99.5 %)", "Confusion matrix", "97 % sure, 98 % right", "petal length", "1.4 … 4.4 … 7.3",
        "2.0 % missing", "Settings against iris-model-2", "training.hyperparameters.n_estimators",
    ):  # fmt: skip
        assert words in page, words
    assert " style=" not in page
    assert "What could not be looked up" not in page


@pytest.mark.parametrize(
    ("missing", "sentences"),
    [
        ("output", ["The training job's report could not be read: intervals and plots are missing."]),
        ("profile", ["What is known of the datasets could not be read."]),
        ("settings_2", ["The settings of the live release could not be read."]),
    ],
)
def test_what_cannot_be_read_is_told_and_people_are_asked_all_the_same(ask, approvals, missing, sentences, log):
    assert list(ask(**{missing: True}).unread) == sentences
    assert len(approvals.mails) == 2
    assert sentences[0] in unescape(Person(approvals, approvals.link()).opens()["body"])
    assert sentences[0] in approvals.mails[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    assert "evidence not read" in log.getvalue()


def test_a_first_release_has_nothing_to_be_compared_with():
    fields = of_profiles(profile(150), None) | of_settings({"a": 1}, None, "")
    found = Evidence(**fields)
    assert (found.rows_before, found.settings_before, found.columns[0].before) == (None, "", "")


BACK = {"requester": "on-call@example.com", "reason": "It answers <wrongly>."}


@pytest.fixture
def ask_to_go_back(approvals, event, tmp_path):
    leave(approvals.request.s3, tmp_path / "plots")
    release = event("request_approval")["release"]
    approvals.ask(release={**release, "champion": {**release["champion"], **FORMER}, "rollback": BACK})
    return Evidence.from_json(approvals.item()["evidence"]["S"])


def test_a_release_that_is_gone_back_to_is_not_compared_with_the_champion_of_its_time(ask_to_go_back, approvals):
    assert {(row.champion, row.gain) for row in ask_to_go_back.metrics} == {(None, None)}
    assert ask_to_go_back.confusion_matrix
    attached = approvals.mails[0]["Content"]["Simple"]["Attachments"]
    assert [each["ContentId"] for each in attached] == ["confusion_matrix"]
    page = Person(approvals, approvals.link()).opens()["body"]
    assert "Champion</th>" not in page
    assert "not compared" not in page


def test_people_read_who_wants_to_go_back_and_why(ask_to_go_back, approvals):
    told = (
        "This was released before and is to serve again instead of iris-model-2, asks on-call@example.com: "
        "It answers <wrongly>."
    )
    assert {entry.detail for entry in approvals.audit() if entry.event == "asked"} == {told}
    simple = approvals.mails[0]["Content"]["Simple"]
    assert "gave no warnings" not in simple["Body"]["Text"]["Data"]
    assert simple["Subject"]["Data"] == "Go back to iris-model-3 in production?"
    mail = simple["Body"]
    assert told in " ".join(mail["Text"]["Data"].split())
    page = Person(approvals, approvals.link()).opens()["body"]
    assert "<wrongly>" not in page
    assert told in unescape(page)
    assert ask_to_go_back.unread == ()


def test_it_stays_small_whatever_a_dataset_brings():
    names = [f"column {number} " + "x" * 300 for number in range(500)]
    wide = profile(150)
    columns = tuple(type(wide.columns[0])(**{**vars(wide.columns[0]), "name": name}) for name in names)
    fields = of_profiles(type(wide)(**{**vars(wide), "columns": columns}), None)
    settings = of_settings(dict.fromkeys(names, "y" * 5000), {"a": 1}, "iris-model-2")
    found = Evidence(**fields, **settings)
    assert found.more_columns == 460
    assert len(found.to_json()) < 40_000
    assert Evidence.from_json(found.to_json()) == found


def test_what_an_approval_costs_is_told_where_it_is_known(approvals, event):
    approvals.ask()
    told = "They cost about 0.20 USD an hour by the list for us-east-1"
    assert told in approvals.mails[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    assert told in Person(approvals, approvals.link()).opens()["body"]
    approvals.ask(run="other", release={**event("request_approval")["release"], "instance_type": "ml.x9.large"})
    assert "USD" not in approvals.mails[-1]["Content"]["Simple"]["Body"]["Text"]["Data"]


def test_two_releases_side_by_side_cost_twice_as_much(approvals, event):
    release = {**event("request_approval")["release"], "strategy": {"kind": "ab", "weight": 0.1, "guarded": False}}
    approvals.ask(release=release)
    assert "0.41 USD an hour" in approvals.mails[0]["Content"]["Simple"]["Body"]["Text"]["Data"]
    approvals.ask(run="first", release={**release, "champion": None})
    assert "0.20 USD an hour" in approvals.mails[-1]["Content"]["Simple"]["Body"]["Text"]["Data"]


def test_the_run_is_the_recorded_one(event):
    assert event("request_approval")["run"] == RUN
