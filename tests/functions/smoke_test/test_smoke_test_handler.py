import hashlib

import pytest

from contracts.errors import SmokeTestFailed
from tests.functions.endpoint import answering, store_artefact, store_report
from tests.functions.samples import EXAMPLES, report_archive

ENDPOINT = "iris-model-development"
ALL_ROWS = b"4.6,3.1,1.5,0.2\n7.7,2.6,6.9,2.3\n6.1,2.8,4.7,1.2\n"
ONE_ROW = b"4.6,3.1,1.5,0.2\n"
ARTEFACT = b"a model" * 300_000


@pytest.fixture
def handler(handler_of, event):
    store_report(event("smoke_test")["report_uri"])
    store_artefact(event("smoke_test")["model_data_url"], ARTEFACT)
    return handler_of("smoke_test")


def test_recorded_answers_pass_and_are_handed_on(handler, event, lambda_context):
    with answering(handler.runtime, ENDPOINT, (ALL_ROWS, b"0\n2\n1\n"), (ONE_ROW, b"0")):
        answer = handler.handle(event("smoke_test"), lambda_context)
    assert answer == {
        "endpoint": ENDPOINT,
        "answers": [
            {
                "row": example.row,
                "expected": example.answer,
                "answer": example.answer,
                "variant": "model-a",
                "right": True,
            }
            for example in EXAMPLES
        ],
        "artefact_sha256": hashlib.sha256(ARTEFACT).hexdigest(),
    }


def test_a_release_that_is_gone_back_to_has_the_same_artefact(handler, event, lambda_context):
    asked = {**event("smoke_test"), "artefact_sha256": hashlib.sha256(ARTEFACT).hexdigest()}
    with answering(handler.runtime, ENDPOINT, (ALL_ROWS, b"0\n2\n1\n"), (ONE_ROW, b"0")):
        assert handler.handle(asked, lambda_context)["artefact_sha256"] == asked["artefact_sha256"]


def test_an_artefact_that_somebody_has_written_over_is_not_served(handler, event, lambda_context):
    asked = {**event("smoke_test"), "artefact_sha256": "0" * 64}
    with answering(handler.runtime, ENDPOINT), pytest.raises(SmokeTestFailed, match="is not what was released"):
        handler.handle(asked, lambda_context)


def test_an_artefact_that_is_gone_fails_with_its_name(handler, event, lambda_context):
    asked = {**event("smoke_test"), "model_data_url": event("smoke_test")["model_data_url"] + ".gone"}
    with pytest.raises(SmokeTestFailed, match=r"model\.tar\.gz\.gone cannot be read"):
        handler.handle(asked, lambda_context)


def test_another_answer_fails_with_row_and_both_classes(handler, event, lambda_context):
    with (
        answering(handler.runtime, ENDPOINT, (ALL_ROWS, b"0\n2\n2\n"), (ONE_ROW, b"0")),
        pytest.raises(SmokeTestFailed) as failed,
    ):
        handler.handle(event("smoke_test"), lambda_context)
    assert "The row 6.1,2.8,4.7,1.2 was answered with '2', expected was '1'." in str(failed.value)


def test_a_row_alone_must_be_answered_the_same(handler, event, lambda_context):
    with (
        answering(handler.runtime, ENDPOINT, (ALL_ROWS, b"0\n2\n1\n"), (ONE_ROW, b"1")),
        pytest.raises(SmokeTestFailed, match="Asked alone"),
    ):
        handler.handle(event("smoke_test"), lambda_context)


def test_an_endpoint_that_gives_no_answer_fails_with_its_words(handler, event, lambda_context):
    with answering(handler.runtime, ENDPOINT) as endpoint:
        endpoint.add_client_error("invoke_endpoint", "ModelError", "Received server error (500) from primary", 424)
        with pytest.raises(SmokeTestFailed, match=r"gave no answer to 3 rows: .*server error \(500\)"):
            handler.handle(event("smoke_test"), lambda_context)


@pytest.mark.parametrize(
    ("archive", "said"), [(b"not an archive", "not a readable archive"), (report_archive(()), "no examples")]
)
def test_a_report_that_proves_nothing_fails(handler, event, lambda_context, archive, said):
    store_report(event("smoke_test")["report_uri"], archive)
    with pytest.raises(SmokeTestFailed, match=said):
        handler.handle(event("smoke_test"), lambda_context)
