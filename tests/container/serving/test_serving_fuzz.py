"""Half a minute of fuzzing, with a seed: what breaks is found again by the same command."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
SECONDS = 30
SEED = 20261130


@pytest.mark.full
def test_no_bytes_bring_about_a_fault_of_ours(tmp_path: Path) -> None:
    limits = [f"-max_total_time={SECONDS}", f"-seed={SEED}", "-max_len=4096", f"-artifact_prefix={tmp_path}/"]
    command = [sys.executable, "-m", "tests.container.serving.fuzz", str(tmp_path / "corpus"), *limits]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS * 8, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    runs = int(done.stderr.rpartition("Done ")[2].split()[0])
    assert runs > 1_000
