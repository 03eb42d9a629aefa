"""A container's share of the machine."""

import os

import pytest

from container.serving.cores import usable_cores

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", CORES),
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("110000 100000", min(2, CORES)),
        ("99999999 100000", CORES),
        ("", CORES),
        ("much", CORES),
    ],
)
def test_a_limit_of_the_control_group_counts(tmp_path, limit, expected):
    (tmp_path / "cpu.max").write_text(limit + "\n")
    assert usable_cores(tmp_path / "cpu.max") == expected


def test_without_a_control_group_the_cores_count(tmp_path):
    assert usable_cores(tmp_path / "cpu.max") == CORES
