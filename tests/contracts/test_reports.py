import io
import json
import os
import tracemalloc

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
from tests.evaluations import evaluation, packed


def read(content, name=EVALUATION_FILE, before=b""):
    return read_evaluation(io.BytesIO(packed(content, name, before)))


@pytest.mark.parametrize("name", [EVALUATION_FILE, f"./{EVALUATION_FILE}"])
@pytest.mark.parametrize(
    "written", [evaluation(), evaluation(champion=None, comparison=None), evaluation(task="regression", classes=())]
)
def test_a_report_comes_back_as_it_was_written(name, written):
    assert read(written.to_json().encode(), name) == written


def test_the_gate_passes_when_every_check_does():
    check = GateCheck("minimum.accuracy", 0.9, 0.85, passed=True, reason="enough")
    assert evaluation(gate=()).gate_passed
    assert evaluation(gate=(check, check)).gate_passed
    assert not evaluation(gate=(check, GateCheck("champion", None, None, passed=False, reason="undefined"))).gate_passed


def test_a_gain_is_found_by_its_metric():
    comparison = evaluation().comparison
    assert comparison.gain("accuracy").value == -0.12
    assert comparison.gain("roc_auc") is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_but_numbers_is_written(value):
    with pytest.raises(ValueError, match="JSON"):
        evaluation(candidate=Scores({"accuracy": value})).to_json()


def changed(**fields):
    return json.dumps(json.loads(evaluation().to_json()) | fields).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"classes": 1}',
        b"\xff",
        b"[" * 100_000,
        changed(task="clustering"),
        changed(champion={"values": {"accuracy": "high"}}),
        changed(candidate={"values": {"precision@7": 1}, "undefined": {}}),
        changed(examples=[{"row": "1"}]),
        changed(gate=[1]),
        changed(more=1),
    ],
)
def test_another_form_is_unreadable(content):
    with pytest.raises(UnreadableReport, match="does not have the expected form"):
        read(content)


def test_another_version_is_named():
    with pytest.raises(UnreadableReport, match="has version 1, this program reads 2"):
        read(changed(version=1))


def test_a_missing_report_is_unreadable():
    with pytest.raises(UnreadableReport, match=r"no evaluation\.json"):
        read(b"{}", "other.json")


def test_a_huge_report_is_not_read():
    with pytest.raises(UnreadableReport, match="bytes"):
        read(b" " * (MAXIMUM_REPORT_BYTES + 1))


def test_a_report_of_the_largest_size_is_read():
    whole = evaluation(examples=(Example("1,", "0"),))
    room = MAXIMUM_REPORT_BYTES - len(whole.to_json())
    whole = evaluation(examples=(Example("1," + "9" * room, "0"),))
    content = whole.to_json().encode()
    assert len(content) == MAXIMUM_REPORT_BYTES
    assert read(content) == whole
    assert Evaluation.from_json(content) == whole


def test_what_travels_with_the_report_is_not_held():
    """The fitted estimator may be larger than the memory of who reads the report."""
    archive = packed(evaluation().to_json().encode(), before=os.urandom(2**20) * 64)
    tracemalloc.start()
    assert read_evaluation(io.BytesIO(archive)) == evaluation()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(archive) > 60 * 2**20
    assert peak < 4 * 2**20


def test_an_archive_that_ends_too_early_is_unreadable():
    archive = packed(evaluation().to_json().encode(), before=os.urandom(50_000))
    for damaged in (archive[:10], archive[:1_000], archive[:-600]):
        with pytest.raises(UnreadableReport):
            read_evaluation(io.BytesIO(damaged))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_unreadable(content):
    with pytest.raises(UnreadableReport):
        read_evaluation(io.BytesIO(content))
