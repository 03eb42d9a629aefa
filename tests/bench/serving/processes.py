"""One server and everything that it starts: pinned to cores, weighed through /proc, ended for certain."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from infra.project import PROJECT
from tests.bench.serving.cores import pinned
from tests.bench.serving.protocols import Protocol
from tests.bench.serving.stacks import Start

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_POLL_SECONDS = 0.01
_START_SECONDS = 90
_END_SECONDS = 10


class NotStarted(Exception):
    """The server has not answered in time, or has ended; the message says where its log is."""


class Server:
    """A running server."""

    def __init__(self, start: Start, port: int, folder: Path, log: Path, cores: set[int]) -> None:
        self.port = port
        self._log = log
        environment = {**os.environ, **start.environment}
        self.begun = time.monotonic()
        with self._log.open("wb") as output, pinned(cores):
            self._process = subprocess.Popen(
                start.command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def first_answer_seconds(self, protocol: Protocol, line: str, expected: int) -> float:
        """From the start of the process to its first right answer, asked for every 10 ms."""
        request = protocol.request(line)
        said = ""
        while time.monotonic() < self.begun + _START_SECONDS and self._process.poll() is None:
            with contextlib.suppress(OSError):
                said = ask(self.port, request)
                head, _, body = said.partition("\r\n\r\n")
                if head[9:12] == "200" and protocol.answered_class(body) == expected:
                    return time.monotonic() - self.begun
            time.sleep(_POLL_SECONDS)
        ended = self._process.poll()
        state = f"it ended with {ended}" if ended is not None else f"its last answer was {said[:100]!r}"
        raise NotStarted(
            f"no right answer after {time.monotonic() - self.begun:.0f} s, {state}: {PROJECT.told(self._log)}"
        )

    def cpu_seconds(self) -> float:
        """Of all processes, those that have ended and were waited for included."""
        return sum(_cpu_ticks(process) for process in self.processes()) / _TICKS_PER_SECOND

    def memory_mb(self) -> dict[str, float]:
        """Proportional and resident set sizes, added up over the processes, in MiB."""
        weighed = [_memory_kb(process) for process in self.processes()]
        return {kind: sum(each.get(kind, 0) for each in weighed) / 1024 for kind in ("Pss", "Rss")}

    def processes(self) -> list[int]:
        """The server's own, all of its session, and all that descend from those."""
        children: dict[int, list[int]] = {}
        found = [self._process.pid]
        for process, parent, session in _families():
            if session == self._process.pid and process not in found:
                found.append(process)
            else:
                children.setdefault(parent, []).append(process)
        for process in found:
            found += children.get(process, [])
        return found

    def end(self) -> None:
        """First asked, then killed; also what has left the group."""
        processes = self.processes()
        for kind in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, kind)
            if kind == signal.SIGKILL:
                for process in processes:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
            deadline = time.monotonic() + _END_SECONDS
            while (processes := [p for p in processes if _is_alive(p)]) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            if not processes:
                return


def ask(port: int, request: bytes, timeout_seconds: float = 60) -> str:
    """The whole answer to one request over a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout_seconds) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(1 << 20):
            answer += chunk
            head, found, body = answer.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if found and length and len(body) >= int(length[1]):
                break
    return answer.decode(errors="replace")


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nothing listens on."""
    for port in range(18_000 + os.getpid() % 1000 * 8, 60_000, 8):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for following in range(count):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + following))
            return port
    raise OSError("no free ports")


def _families() -> Iterator[tuple[int, int, int]]:
    """Each process with its parent and its session."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            yield int(folder.name), int(fields[1]), int(fields[3])


def _stat(process: int) -> list[str]:
    """From the state on, see proc(5); empty when there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _is_alive(process: int) -> bool:
    fields = _stat(process)
    return bool(fields) and fields[0] != "Z"


def _cpu_ticks(process: int) -> int:
    """utime, stime, cutime and cstime."""
    return sum(map(int, _stat(process)[11:15]))


def _memory_kb(process: int) -> dict[str, int]:
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return {}
    return {kind: int(kb) for kind, kb in re.findall(r"^(Pss|Rss): +(\d+) kB", rollup, re.MULTILINE)}
