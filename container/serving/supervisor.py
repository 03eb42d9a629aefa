"""The server's first process: accepts connections, shares them out among its workers, and replaces those that die.

The workers are forked after the model is loaded, so that they share its memory. They get connections handed over one
after the other rather than accept from a common queue, because a busy worker that accepts all that is there keeps its
neighbours idle. And no connection is lost with a worker's part of a queue when it ends.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from container.serving.log import Log
from container.serving.worker import CONNECTION, DRAIN

# SageMaker kills a container 30 seconds after its SIGTERM.
_GRACEFUL_SECONDS: Final = 25.0
# After SIGTERM connections are accepted until none has come for so long, or the second has passed: who comes again and
# again is refused then, which loses nothing.
_QUIET_SECONDS: Final = 0.3
_ACCEPTING_SECONDS: Final = 3.0
# A worker that does not live so long has not been of use.
_USEFUL_SECONDS: Final = 1.0
_USELESS_IN_A_ROW: Final = 5
_RESTART_SECONDS: Final = 0.2

Work = Callable[[socket.socket], None]
"""What a worker does with the channel on which it gets its connections."""


@dataclass
class _Worker:
    pid: int
    channel: socket.socket
    began: float


class Supervisor:
    """Runs `work` in `count` processes.

    `clock` tells seconds, monotonically.
    """

    def __init__(
        self, listener: socket.socket, count: int, work: Work, log: Log, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listener = listener
        self._count = count
        self._work = work
        self._log = log
        self._clock = clock
        self._workers: list[_Worker] = []
        self._next = 0
        self._useless = 0
        self._restart_at = 0.0
        self._stop_at: float | None = None
        """When it was asked to stop."""

    def run(self) -> int:
        """Until SIGTERM or SIGINT, and until what had begun then is done; the result is the exit code."""
        self._receive_signals()
        self._listener.settimeout(0)
        gc.collect()
        gc.freeze()  # what the collector does not touch stays shared
        while self._stop_at is None and self._useless < _USELESS_IN_A_ROW:
            self._fill_up()
            self._wait(max(0.0, self._restart_at - self._clock()) if len(self._workers) < self._count else None)
        useful = self._stop_at is not None
        if not useful:
            self._log.write("ERROR", "giving up", reason=f"{self._useless} workers in a row ended at once")
        return self._stop() if useful else self._stop() or 1

    # --- Signals.

    def _receive_signals(self) -> None:
        self._wake, self._waker = os.pipe()
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _asked_to_stop(self, *_: object) -> None:
        if self._stop_at is None:
            self._stop_at = self._clock()

    # --- Workers.

    def _fill_up(self) -> None:
        while len(self._workers) < self._count and self._clock() >= self._restart_at:
            self._fork()

    def _fork(self) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._become_worker(theirs)
        theirs.close()
        ours.settimeout(0)
        self._workers.append(_Worker(pid, ours, self._clock()))

    def _become_worker(self, channel: socket.socket) -> NoReturn:
        code = 1
        try:
            # The supervisor says when to stop; a signal to the whole group is for it.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self._wake, self._waker):
                os.close(descriptor)
            self._listener.close()
            # With these open, the others would not notice the supervisor's end.
            for other in self._workers:
                other.channel.close()
            self._work(channel)
            code = 0
        except BaseException as fault:  # noqa: BLE001 - whatever it is, the supervisor's code must not go on here
            self._log.fault("worker failed", fault)
        os._exit(code)

    def _reap(self) -> None:
        for worker in list(self._workers):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid == 0:
                continue
            self._workers.remove(worker)
            worker.channel.close()
            if self._stop_at is None:
                self._lost(worker, os.waitstatus_to_exitcode(status))

    def _lost(self, worker: _Worker, code: int) -> None:
        now = self._clock()
        useless = now - worker.began < _USEFUL_SECONDS
        self._useless = self._useless + 1 if useless else 0
        self._restart_at = now + _RESTART_SECONDS if useless else now
        ending = {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
        self._log.write("ERROR", "worker ended", worker=worker.pid, **ending)

    # --- Connections.

    def _wait(self, seconds: float | None) -> bool:
        """Until something happens, and see to it; whether it was a connection."""
        wake, listener = self._wake, self._listener.fileno()
        ready, _, _ = select.select([wake, listener] if self._workers else [wake], [], [], seconds)
        if wake in ready:
            self._woken()
        return listener in ready and self._accept()

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)
        self._reap()

    def _accept(self) -> bool:
        """Hand over what waits in the queue; whether there was something."""
        accepted = False
        with contextlib.suppress(BlockingIOError):
            while self._workers:
                try:
                    client, _ = self._listener.accept()
                except ConnectionAbortedError:  # it has gone already
                    continue
                accepted = True
                with client:
                    self._hand_over(client)
        return accepted

    def _hand_over(self, client: socket.socket) -> None:
        while self._workers:
            self._next += 1
            worker = self._workers[self._next % len(self._workers)]
            try:
                socket.send_fds(worker.channel, [CONNECTION], [client.fileno()])
            except BlockingIOError:
                # Its connections wait to be taken; with many workers the next is the better one.
                select.select([], [each.channel for each in self._workers], [], 1.0)
            except OSError:  # it is dead
                self._reap()
            else:
                return

    # --- The end.

    def _stop(self) -> int:
        """Take what comes until nothing does, let the workers finish, and see them end."""
        if self._stop_at is None:
            self._stop_at = self._clock()
        deadline = self._stop_at + _GRACEFUL_SECONDS
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.channel.send(DRAIN)
        last = self._stop_at + _ACCEPTING_SECONDS
        until = self._clock() + _QUIET_SECONDS
        while self._workers and (now := self._clock()) < until:
            if self._wait(until - now):
                until = min(self._clock() + _QUIET_SECONDS, last)
        self._accept()
        self._listener.close()
        for worker in self._workers:
            worker.channel.close()
        return self._see_them_end(deadline)

    def _see_them_end(self, deadline: float) -> int:
        while self._workers and (now := self._clock()) < deadline:
            select.select([self._wake], [], [], deadline - now)
            self._woken()
        for worker in self._workers:
            self._log.write("ERROR", "worker killed", worker=worker.pid, reason="it did not finish in time")
            os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
        return 1 if self._workers else 0
