import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.reports import (
    EVALUATION_FILE,
    MAXIMUM_REPORT_BYTES,
    Evaluation,
    Example,
    GateCheck,
    Scores,
    UnreadableReport,
    read_evaluation,
)

EVALUATION = Evaluation(
    classes=("0", "1"),
    train_rows=100,
    test_rows=50,
    candidate=Scores(0.9, 0.8, 0.9),
    champion=None,
    confusion_matrix=((20, 5), (0, 25)),
    gate=(GateCheck("minimum_accuracy", 0.9, 0.85, passed=True),),
    examples=(Example("1.0,2.0", "0"),),
)


def archive(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("name", [EVALUATION_FILE, f"./{EVALUATION_FILE}"])
def test_a_report_comes_back_as_it_was_written(name):
    assert read_evaluation(archive(name, EVALUATION.to_json().encode())) == EVALUATION


def test_the_gate_passes_when_every_check_does():
    assert EVALUATION.gate_passed


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"classes": 1}', b"\xff"])
def test_another_form_is_unreadable(content):
    with pytest.raises(UnreadableReport):
        read_evaluation(archive(EVALUATION_FILE, content))


def test_a_missing_report_is_unreadable():
    with pytest.raises(UnreadableReport, match="no evaluation.json"):
        read_evaluation(archive("other.json", b"{}"))


def test_a_huge_report_is_not_read():
    with pytest.raises(UnreadableReport, match="bytes"):
        read_evaluation(archive(EVALUATION_FILE, b" " * (MAXIMUM_REPORT_BYTES + 1)))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_unreadable(content):
    with pytest.raises(UnreadableReport):
        read_evaluation(content)
