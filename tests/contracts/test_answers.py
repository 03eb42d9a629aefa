import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.answers import Answer, Reply, compare, examine, recorded_examples, request_body, tell
from contracts.reports import Example, UnreadableReport
from tests.functions.samples import report_archive as archive

EXAMPLES = (Example("4.6,3.1,1.5,0.2", "0"), Example("7.7,2.6,6.9,2.3", "2"))


def test_rows_are_sent_as_one_request():
    assert request_body(EXAMPLES) == b"4.6,3.1,1.5,0.2\n7.7,2.6,6.9,2.3\n"


def test_equal_answers_make_no_difference():
    answers, differences = compare(EXAMPLES, Reply(b"0\n2\n", "model-a"))
    assert answers == (
        Answer("4.6,3.1,1.5,0.2", "0", "0", "model-a", right=True),
        Answer("7.7,2.6,6.9,2.3", "2", "2", "model-a", right=True),
    )
    assert differences == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"0\n1\n", "The row 7.7,2.6,6.9,2.3 was answered with '1', expected was '2'."),
        (b"0\n2,0.9\n", "answered with '2,0.9'"),
        (b"0\n\xff\n", "answered with '\\\\xff'"),
        (b"0\n", "2 rows were sent and 1 answers came back."),
        (b"", "2 rows were sent and 0 answers"),
        (b"<html>\nerror\nhere", "2 rows were sent and 3 answers"),
    ],
)
def test_every_other_answer_is_a_difference(body, said):
    _, differences = compare(EXAMPLES, Reply(body, "model-a"))
    assert len(differences) == 1
    assert said in differences[0]


def test_a_class_with_a_comma_comes_quoted():
    assert Reply(b'"a, ""b"""\nc', "v").answers() == ('a, "b"', "c")


def test_one_row_alone_must_get_the_answer_it_gets_among_others():
    bodies = iter([b"0\n2\n", b"1\n"])
    sent = []

    def ask(examples):
        sent.append(len(examples))
        return Reply(next(bodies), "model-a")

    answers, differences = examine(EXAMPLES, ask)
    assert sent == [2, 1]
    assert len(answers) == 2
    assert differences == ("Asked alone: The row 4.6,3.1,1.5,0.2 was answered with '1', expected was '0'.",)


def test_only_the_first_differences_are_told():
    assert tell(["a", "b"]) == "a\nb"
    assert tell([str(number) for number in range(8)]) == "0\n1\n2\n3\n4\n3 more answers differ."


def test_examples_come_from_the_report():
    assert recorded_examples(io.BytesIO(archive(EXAMPLES))) == EXAMPLES


@pytest.mark.parametrize("content", [b"", b"no archive", archive(())])
def test_a_report_that_proves_nothing_is_refused(content):
    with pytest.raises(UnreadableReport):
        recorded_examples(io.BytesIO(content))


@given(st.binary(max_size=60))
def test_any_body_is_compared(body):
    answers, differences = compare(EXAMPLES, Reply(body, "v"))
    assert differences or [answer.answer for answer in answers] == ["0", "2"]


@pytest.mark.parametrize(
    ("expected", "tolerance", "answer", "right"),
    [
        ("12.5", 0.01, "12.5", True),
        ("12.5", 0.01, "12.509", True),
        ("12.5", 0.01, "12.52", False),
        ("-1e-3", 1e-8, "-0.001", True),
        ("12.5", 0.01, "nan", False),
        ("12.5", 0.01, "inf", False),
        ("12.5", 0.01, "high", False),
        ("12.5", 0.01, "", False),
        # Classes are texts, whatever they look like.
        ("1", None, "1.0", False),
    ],
)
def test_a_number_may_differ_as_another_machine_does(expected, tolerance, answer, right):
    example = Example("1,2", expected, tolerance)
    answers, differences = compare((example, example), Reply(f'{expected}\n"{answer}"\n'.encode(), "v"))
    assert [each.right for each in answers] == [True, right]
    assert len(differences) == (0 if right else 1)
