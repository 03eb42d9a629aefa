"""Keeps watch over the process that trains.

A library's native code may hold Python's interpreter for minutes, and then no signal handler runs; and the kernel ends
a process that needs more memory than there is without a word. So the job is a process of its own, and this one does
nothing but wait: it ends the job at once when it is told to stop, and says why it ended when it cannot say so itself.
"""

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Final, NoReturn

from container.layout import Layout
from container.training.failure import report_failure

# What a shell reports for a program that SIGTERM ended.
STOPPED_EXIT_CODE: Final = 128 + signal.SIGTERM
# <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1
_REASONS: Final = {
    signal.SIGKILL: "the training process was killed, most likely because the instance's memory was used up; "
    "train on a larger instance_type, or on fewer rows",
}


def supervise(layout: Layout, job: Callable[[Layout], int]) -> int:
    """Run `job` in a process of its own; the result is the exit code, which is `job`'s when it came to an end."""
    own_id = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    # Until there is a job to stop, a signal waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    child = os.fork()
    if child == 0:
        _work(layout, job, own_id)
    signal.signal(signal.SIGTERM, partial(_stop, layout, child))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        number = signal.Signals(-code)
        _discard_model(layout)
        report_failure(layout, _REASONS.get(number, f"the training process was ended by {number.name}"))
        return 128 + number
    return code


def _work(layout: Layout, job: Callable[[Layout], int], parent: int) -> NoReturn:
    code = 1
    try:
        if sys.platform == "linux":  # elsewhere whoever ends this one's parent has to end it too
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        if os.getppid() == parent:
            code = job(layout)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not the normal way: nothing of the process that was forked is to run here.
        os._exit(code)


def _stop(layout: Layout, child: int, _signal: int, _frame: FrameType | None) -> None:
    with suppress(ProcessLookupError, ChildProcessError):  # it has just come to its end
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    _discard_model(layout)
    report_failure(layout, "stopped by SIGTERM")
    os._exit(STOPPED_EXIT_CODE)


def _discard_model(layout: Layout) -> None:
    """SageMaker keeps what is there, also of a job that was stopped."""
    if layout.model.is_dir():
        for path in layout.model.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
