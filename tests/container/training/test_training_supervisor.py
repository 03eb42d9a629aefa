import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from container.layout import Layout
from container.predictor import MODEL_FILE
from tests.container.conftest import PROJECT

LayOut = Callable[..., Layout]
ROWS = "".join(f"{row % 2},{row},1\n" for row in range(40))


def handles_sigterm(pid: int) -> bool:
    caught = re.search(r"^SigCgt:\s+([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def supervise(tmp_path: Path) -> Any:
    """Starts `supervise` with a job of these lines, in which `layout` is the job's."""
    started: list[subprocess.Popen[str]] = []

    def start(job: str) -> "tuple[subprocess.Popen[str], Layout]":
        layout = Layout(tmp_path / "ml")
        layout.model.mkdir(parents=True)
        program = f"""
            import os, re, signal, sys, time
            from pathlib import Path
            from container.layout import Layout
            from container.training.supervisor import supervise

            def job(layout):
                {job}

            sys.exit(supervise(Layout(Path({str(layout.base)!r})), job))
        """
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, layout

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_jobs_exit_code_and_output_are_passed_on(supervise: Any, code: int) -> None:
    process, layout = supervise(f"print('training'); return {code}")
    assert process.communicate(timeout=60) == ("training\n", "")
    assert process.returncode == code
    assert not layout.failure.exists()


# Python's regular expressions hold the interpreter as a library's native code does: for years, in this one's case.
STUCK = "re.match('(a+)+$', 'a' * 60 + 'b')"


def test_a_job_that_holds_the_interpreter_is_stopped_at_once(supervise: Any) -> None:
    process, layout = supervise(f"(layout.model / 'model.part').write_text('half'); print('on', flush=True); {STUCK}")
    assert process.stdout.readline() == "on\n"
    (child,) = children(process.pid)
    began = time.monotonic()
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 10
    assert layout.failure.read_text() == "stopped by SIGTERM"
    assert list(layout.model.iterdir()) == []
    assert not is_alive(child)


def test_a_job_that_the_kernel_killed_is_explained(supervise: Any) -> None:
    process, layout = supervise(
        "(layout.model / 'model.part').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert process.wait(timeout=60) == 128 + signal.SIGKILL
    assert "memory was used up; train on a larger instance_type" in layout.failure.read_text()
    assert list(layout.model.iterdir()) == []


def test_a_job_that_crashed_in_native_code_is_explained(supervise: Any) -> None:
    process, layout = supervise("os.kill(os.getpid(), signal.SIGSEGV)")
    assert process.wait(timeout=60) == 128 + signal.SIGSEGV
    assert layout.failure.read_text() == "the training process was ended by SIGSEGV"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_no_job_outlives_its_supervisor(supervise: Any, until: Any) -> None:
    process, _ = supervise(f"print('on', flush=True); {STUCK}")
    assert process.stdout.readline() == "on\n"
    (child,) = children(process.pid)
    process.kill()
    process.wait(timeout=60)
    until(lambda: not is_alive(child), "the job has ended")


def test_sigterm_ends_the_job_with_a_reason(lay_out: LayOut, start_container: Any, until: Any) -> None:
    layout = lay_out(ROWS)
    process = start_container("train", SAGEMAKER_BASE_DIR=str(layout.base))
    until(lambda: handles_sigterm(process.pid), "the job handles SIGTERM")
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert layout.failure.read_text() == "stopped by SIGTERM"


FEW = "".join(f"{row * row % 7},{row * 31 % 101},{row * 17 % 103}\n" for row in range(20_000))
MANY = "".join(f"{row * row % 7},{row * 31 % 101},{row * 17 % 103}\n" for row in range(60_000))


@pytest.mark.full
@pytest.mark.parametrize(
    ("rows", "hyperparameters", "line"),
    [
        (FEW, {"n_estimators": "10000", "max_depth": "64"}, "fitting"),
        (MANY, {"n_estimators": "6000", "max_depth": "64"}, "growing the trees with scikit-learn-intelex"),
        (FEW, {"algorithm": "xgboost", "num_round": "500", "max_depth": "64"}, "50 of 500 rounds"),
    ],
    ids=["scikit-learn", "scikit-learn-intelex", "xgboost"],
)
def test_sigterm_ends_the_job_while_it_fits(
    lay_out: LayOut, start_container: Any, rows: str, hyperparameters: dict[str, str], line: str
) -> None:
    layout = lay_out(rows, hyperparameters)
    process = start_container("train", SAGEMAKER_BASE_DIR=str(layout.base))
    assert any(said.startswith(line) for said in process.stdout)
    began = time.monotonic()
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 10
    assert layout.failure.read_text() == "stopped by SIGTERM"
    assert list(layout.model.glob(MODEL_FILE)) == []
