"""A container that a nursery forked, as the server sees it."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from local.sagemaker.process_output import read_lines


class NurseryGone(Exception):
    """The nursery has ended, or could never be used."""


class ForkedContainer:
    """A container that a nursery forked."""

    def __init__(
        self, identity: int, reader: int, handle_output: Callable[[list[str]], None], order: Callable[..., None]
    ) -> None:
        self.id = identity
        self._pid: int | None = None
        self.answered = threading.Event()
        self.exited = threading.Event()
        self._order = order
        self._reader = threading.Thread(target=read_lines, args=(reader, handle_output), daemon=True)
        self._exit_code: int | None = None
        self._ended = threading.Event()

    def watch(self) -> None:
        self._reader.start()
        threading.Thread(target=self._finish, name=f"container-{self.id}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        return self._pid

    @property
    def exit_code(self) -> int | None:
        return self._exit_code if self.exited.is_set() else None

    def terminate(self) -> None:
        self._signal(signal.SIGTERM, group=False)

    def kill(self) -> None:
        self._signal(signal.SIGKILL, group=True)

    def begin(self, pid: int) -> None:
        """The nursery has forked it."""
        self._pid = pid
        self.answered.set()

    def end(self, exit_code: int) -> None:
        """The nursery has reaped it, and killed what it left behind."""
        self._exit_code = exit_code
        self._ended.set()
        self.answered.set()

    def lose(self) -> None:
        """The nursery is gone: the kernel has killed what it forked; where it does not, it is done here."""
        if self._pid is not None and sys.platform != "linux":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
        self.end(-signal.SIGKILL)

    def _finish(self) -> None:
        self._ended.wait()
        self._reader.join()
        self.exited.set()

    def _signal(self, number: int, *, group: bool) -> None:
        try:
            self._order({"order": "signal", "id": self.id, "number": int(number), "group": group})
        except NurseryGone:
            return  # and the container with it
