"""Child processes that never outlive the cloud: not after SIGTERM, not after ``kill -9``.

On Linux the kernel sends a parent-death signal. It fires when the *thread* that started the child ends, so every child
is started from one thread that lives as long as the process.
"""

import concurrent.futures
import os
import subprocess
import sys
from typing import Any

# Asks for the signal inside the child (preexec_fn is not safe in a process with threads), closes the race with a
# parent that died meanwhile, then becomes the command: execve keeps the setting.
_GUARD = (
    "import ctypes, os, signal, sys\n"
    "if sys.platform == 'linux':\n"
    "    ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
    "if os.getppid() != int(sys.argv[1]):\n"
    "    sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)

_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="process-starter")


def spawn(command: list[str], **options: Any) -> "subprocess.Popen[Any]":
    """``subprocess.Popen(command, **options)``, killed by the kernel when this process ends in any way.

    Raises OSError like Popen, except that a missing executable shows as an exit status of the child.
    """
    guarded = [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), *command]
    return _starter.submit(_open, guarded, options).result()


def _open(command: list[str], options: dict[str, Any]) -> "subprocess.Popen[Any]":
    return subprocess.Popen(command, **options)


def stop(process: "subprocess.Popen[Any]", grace_seconds: float) -> int:
    """Wait that long for a child to end by itself, then kill it; its exit status."""
    try:
        return process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
