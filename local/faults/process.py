"""The end of the whole cloud, as `kill -9` would bring it."""

import json
import os
import signal
import sys
from dataclasses import asdict

from local.faults.plan import CallFault, StateFault

ANNOUNCEMENT = "Killed on purpose: "


def kill_cloud(fault: CallFault | StateFault) -> None:
    """Does not return: nothing is flushed or tidied. The children die with the process.

    The last line on standard error says which fault it was, as JSON.
    """
    os.write(sys.stderr.fileno(), f"{ANNOUNCEMENT}{json.dumps(asdict(fault))}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
