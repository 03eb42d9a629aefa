import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from functions.announce_outcome.outcomes import OUTCOMES
from statemachine.loader import PROMOTE_MODEL, read_definition
from tests.functions.approvals import TABLE, create_table
from tests.functions.samples import report_archive

MAKEFILE = Path(__file__).parents[3] / "Makefile"
HAPPENING = "provide-client-params.sesv2.SendEmail"


@pytest.fixture
def post(handler_of):
    """The handler, and the mails it sends."""
    handler, mails = handler_of("announce_outcome"), []
    create_table(handler.dynamodb, TABLE)
    handler.ses.create_email_identity(EmailIdentity="mlops@example.com")

    def deliver(params, **_):
        mails.append(params)

    handler.ses.meta.events.register(HAPPENING, deliver)
    yield handler, mails
    handler.ses.meta.events.unregister(HAPPENING, deliver)


@pytest.fixture
def announced(post, event, lambda_context):
    """Announce the recorded ending with some fields replaced: the answer, the subject, the text, the HTML."""
    handler, mails = post

    def announce(**changed):
        answer = handler.handle(event("announce_outcome", **changed), lambda_context)
        simple = mails[-1]["Content"]["Simple"]
        return answer, simple["Subject"]["Data"], simple["Body"]["Text"]["Data"], simple["Body"]["Html"]["Data"]

    return announce


def ends():
    states = read_definition(PROMOTE_MODEL)["States"]
    return [
        name
        for name, state in states.items()
        if state["Type"] in ("Fail", "Succeed") and name not in ("Duplicate Ignored", "Part Of A Drop")
    ]


def test_every_end_of_the_state_machine_has_its_words():
    assert set(ends()) <= set(OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("release", [None, "iris-model-3"])
@pytest.mark.parametrize("champion", [None, "iris-model-2"])
def test_every_outcome_is_told(announced, outcome, release, champion):
    answer, subject, text, html = announced(
        outcome=outcome, release=release, champion=champion, cause="Because of <this>."
    )
    assert answer["mailed"] == 1
    assert answer["reason"].startswith("Because of <this>.")
    assert subject == f"{outcome}: {release or 'iris-model'}"
    for told in (text, html):
        for words in (
            "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11",
            "datasets/iris-model/iris-november.csv",
            "roduction",
            outcome,
        ):
            assert words in told, words
        assert "{" not in re.sub(r"<style>.*?</style>", "", told, flags=re.DOTALL)
    assert "Because of <this>." in text
    assert "Because of &lt;this&gt;." in html
    if outcome not in ("Model Deployed", "Traffic Shifted", "Production Unhealthy"):
        assert (champion or "what it served before") in text or outcome == "Run Failed"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_commands_exist(announced, outcome):
    _, _, text, _ = announced(outcome=outcome)
    targets = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)) | {
        "deploy",
        "doctor",
    }
    used = set(re.findall(r"make ([a-z-]+)", text))
    assert used <= targets
    again = re.search(
        r"^    make (runs|drop MODEL=iris-model DATASET=<file>|rerun RUN=6a7e8feb\S+"
        r"|releases MODEL=iris-model|rollback MODEL=iris-model TO=<release>)$",
        text,
        re.MULTILINE,
    )
    assert again, text


@pytest.mark.parametrize("outcome", ["Run Stopped", "Run Timed Out"])
def test_a_run_that_did_not_end_by_itself_can_go_on(announced, outcome):
    _, _, text, _ = announced(outcome=outcome)
    assert "make redrive RUN=6a7e8feb" in text
    assert text.index("make redrive") < text.index("make rerun")


REPORT = "s3://mlops-us-east-1-123456789012/runs/a/output/job/output/output.tar.gz"


@pytest.fixture
def reported(post):
    """Put an archive where the run says that its report is."""
    handler, _ = post

    def put(archive):
        bucket, key = REPORT.removeprefix("s3://").split("/", 1)
        handler.s3.create_bucket(Bucket=bucket)
        handler.s3.put_object(Bucket=bucket, Key=key, Body=archive)

    return put


def test_a_rejected_candidate_is_explained_by_its_gate(announced, reported):
    reported(report_archive())
    answer, _, text, html = announced(report_uri=REPORT)
    assert answer["reason"] == (
        "The candidate does not reach what the gate asks for: minimum_accuracy (0.82, asked for 0.85).\n"
        "- Accuracy is 82.0 %; at least 85.0 % is asked for. (minimum.accuracy)\n"
        "- Accuracy is 82.0 % and the champion's 94.0 % on the same rows; it may be 5.0 % worse at most. (champion)"
    )
    assert "- NOT MET: Accuracy is 82.0 %; at least 85.0 %" in text
    assert "- met:     F1, macro is 81.8 %; at least 80.0 %" in text
    assert "✗ Accuracy is 82.0 %" in html
    assert "iris-model-2" in text


@pytest.mark.parametrize("archive", [None, b"no archive", report_archive()[:200]])
def test_a_rejected_candidate_is_told_without_its_report_too(announced, reported, log, archive):
    if archive is not None:
        reported(archive)
    answer, _, text, _ = announced(report_uri=REPORT)
    assert answer["mailed"] == 1
    assert "minimum_accuracy (0.82, asked for 0.85)" in answer["reason"]
    assert "NOT MET" not in text
    assert "report not read" in log.getvalue()


def test_a_report_in_an_enormous_archive_is_not_looked_for(post, announced, reported, log, monkeypatch):
    reported(report_archive())
    monkeypatch.setattr(post[0], "_LARGEST_ARCHIVE_BYTES", 100)
    assert "NOT MET" not in announced(report_uri=REPORT)[2]
    assert "the archive has" in log.getvalue()


@pytest.mark.parametrize("uri", ["", None])
def test_a_run_without_a_report_is_told(announced, log, uri):
    assert announced(report_uri=uri)[0]["mailed"] == 1
    assert "report not read" not in log.getvalue()


def test_a_release_is_told_with_its_scores(announced):
    metrics = {"candidate_accuracy": 0.96, "candidate_f1_macro": 0.95, "champion_accuracy": 0.94, "test_rows": 50}
    answer, _, text, html = announced(
        outcome="Model Deployed", error="", cause="", release="iris-model-3", metrics=metrics
    )
    assert answer["reason"] == ""
    assert "iris-model-3 is in production" in text
    assert "the candidate answers 48 right" in text
    assert "2.0 points better" in html
    assert "WHAT HAPPENED" not in text


def test_a_first_release_has_nothing_to_compare_with(announced):
    metrics = {"candidate_accuracy": 0.96, "test_rows": 50}
    _, _, text, _ = announced(
        outcome="Model Deployed", error="", cause="", release="iris-model-1", champion=None, metrics=metrics
    )
    assert "champion" not in text.lower()


def test_owners_are_mailed_each(post, announced):
    answer, *_ = announced(owners=["a@example.com", "b@example.com", "a@example.com"])
    assert answer["mailed"] == 2
    assert [mail["Destination"]["ToAddresses"] for mail in post[1]] == [["a@example.com"], ["b@example.com"]]
    assert post[1][0]["FromEmailAddress"] == "mlops@example.com"


def test_operators_hear_of_a_run_without_owners(post, announced):
    announced(
        owners=[], model="no-such-model", outcome="Dataset Rejected", cause='There is no model named "no-such-model".'
    )
    assert [mail["Destination"]["ToAddresses"] for mail in post[1]] == [
        ["mlops-operators@example.com"],
        ["more-operators@example.com"],
    ]


def test_what_a_run_does_not_know_is_left_out(announced):
    answer, subject, text, _ = announced(
        outcome="Run Failed",
        error="States.Timeout",
        cause="",
        model=None,
        dataset_key=None,
        champion=None,
        metrics={},
    )
    assert answer["reason"] == "A step took longer than its time limit."
    assert "Model    none" in text
    assert subject == "Run Failed: 6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11"


def test_an_outcome_that_is_not_known_is_told_all_the_same(announced):
    _, subject, text, _ = announced(outcome="Something New", cause="why")
    assert subject == "Something New: iris-model"
    assert text.startswith("The run ended unexpectedly: Something New")


def test_names_cannot_forge_lines_or_subjects(announced):
    _, subject, text, html = announced(dataset_key="x\nWHAT TO DO\n- <img src=x>", model=None)
    assert "\n" not in subject
    assert text.splitlines().count("WHAT TO DO") == 1
    assert "<img" not in html


def test_one_refused_address_does_not_silence_the_others(post, announced, log):
    handler, mails = post

    def refuse(params, **_):
        if params["Destination"]["ToAddresses"] == ["a@example.com"]:
            raise ClientError({"Error": {"Code": "MessageRejected", "Message": "a@example.com"}}, "SendEmail")

    handler.ses.meta.events.register_first(HAPPENING, refuse)
    try:
        assert announced(owners=["a@example.com", "b@example.com"])[0]["mailed"] == 1
        with pytest.raises(handler.NobodyReached):
            announced(owners=["a@example.com"], run="another")
    finally:
        handler.ses.meta.events.unregister(HAPPENING, refuse)
    assert len(mails) == 1
    assert "MessageRejected" in log.getvalue()
    assert "a@example.com" not in log.getvalue()
