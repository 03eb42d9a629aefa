import pytest

from contracts.errors import SmokeTestFailed
from tests.functions.endpoint import answering, store_report
from tests.functions.samples import EXAMPLES, report_archive

ENDPOINT = "iris-model-development"
ALL_ROWS = b"4.6,3.1,1.5,0.2\n7.7,2.6,6.9,2.3\n6.1,2.8,4.7,1.2\n"
ONE_ROW = b"4.6,3.1,1.5,0.2\n"


@pytest.fixture
def handler(handler_of, event):
    store_report(event("smoke_test")["report_uri"])
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
    }


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
