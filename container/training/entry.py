"""Runs the job and turns whatever ends it into SageMaker's failure file and exit code."""

import os
import signal
import sys
import traceback
from functools import partial
from types import FrameType
from typing import Final

from container.layout import Layout
from container.training.faults import TrainingFault

# DescribeTrainingJob returns at most this much of the failure file.
_REASON_CHARACTERS: Final = 1_024
# What a shell reports for a program that SIGTERM ended.
_STOPPED_EXIT_CODE: Final = 128 + signal.SIGTERM


def train(layout: Layout) -> int:
    """Run the training job; the result is the exit code, and the failure file says why when it is not 0."""
    signal.signal(signal.SIGTERM, partial(_stop, layout))
    try:
        # Imported here because it takes seconds: a job stopped meanwhile, or an image that lacks a package, says so.
        from container.training.job import run  # noqa: PLC0415

        run(layout)
    except TrainingFault as fault:
        return _fail(layout, str(fault))
    except Exception as fault:  # noqa: BLE001 - whatever it is, the job's owner reads it in FailureReason
        traceback.print_exc()
        return _fail(layout, f"{type(fault).__name__}: {fault}")
    return 0


def _fail(layout: Layout, reason: str) -> int:
    line = " ".join(reason.split())[:_REASON_CHARACTERS]
    print(f"training failed: {line}", file=sys.stderr, flush=True)
    layout.failure.parent.mkdir(parents=True, exist_ok=True)
    layout.failure.write_text(line, encoding="utf-8")
    return 1


def _stop(layout: Layout, _signal: int, _frame: FrameType | None) -> None:
    _fail(layout, "stopped by SIGTERM")
    # At once: leaving the normal way would wait for the trees that threads are growing.
    os._exit(_STOPPED_EXIT_CODE)
