"""A real server with two workers: what happens to its clients when processes end, and when clients are slow."""

import http.client
import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CSV = {"Content-Type": "text/csv"}
ROW = "4.6,3.1,1.5,0.2"


@pytest.fixture
def server(start_server: Callable[..., Any]) -> Iterator[Any]:
    started = start_server(SAGEMAKER_MODEL_SERVER_WORKERS="2")
    yield started
    started.process.kill()


def workers(server: Any) -> list[int]:
    """The processes of its workers, from the oldest."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(child) for child in children]


class Load(threading.Thread):
    """A client that asks without a pause, and connects anew when the server closes the connection after an answer."""

    def __init__(self, server: Any) -> None:
        super().__init__()
        self._server = server
        self.answered = 0
        self.lost: list[str] = []

    def run(self) -> None:
        for turn in itertools.count():
            connection = self._server.connect()
            try:
                connection.connect()
            except ConnectionRefusedError:  # nothing was asked, so nothing is lost
                return
            try:
                self._ask(connection, turn)
            except (OSError, http.client.HTTPException) as fault:
                self.lost.append(repr(fault))
                return
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection, turn: int) -> None:
        for number in itertools.count():
            if turn % 2 and number == 3:  # some clients leave by themselves
                return
            connection.request("POST", "/invocations", ROW, CSV)
            response = connection.getresponse()
            if (response.status, response.read()) != (200, b"0"):
                self.lost.append(str(response.status))
            self.answered += 1
            if response.getheader("connection") == "close":
                return


def test_sigterm_under_load_loses_no_request(server: Any, until: Any) -> None:
    clients = [Load(server) for _ in range(8)]
    for client in clients:
        client.start()
    until(lambda: all(client.answered > 10 for client in clients), "every client has had answers")
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        client.join(60)
    assert [client.lost for client in clients] == [[]] * 8
    assert server.process.wait(60) == 0


def test_a_worker_that_is_killed_comes_back(server: Any, until: Any) -> None:
    before = workers(server)
    assert len(before) == 2
    for victim in before:
        os.kill(victim, signal.SIGKILL)
        until(lambda victim=victim: victim not in workers(server), "it has been noticed")
        assert server.ask("POST", "/invocations", ROW, CSV) == (200, "0")
    until(lambda: len(workers(server)) == 2 and not set(before) & set(workers(server)), "both have been replaced")
    assert all(server.ask("POST", "/invocations", ROW, CSV) == (200, "0") for _ in range(4))


def test_the_workers_end_with_the_supervisor(server: Any, until: Any) -> None:
    orphans = workers(server)
    server.process.kill()
    until(lambda: not any(Path(f"/proc/{orphan}").exists() for orphan in orphans), "no worker is left")


def test_connections_are_shared_out_among_the_workers(server: Any, until: Any) -> None:
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(10)]
    until(lambda: [clients_of(worker, server.port) for worker in workers(server)] == [5, 5], "each has five of them")
    for connection in connections:
        connection.close()


def clients_of(process: int, port: int) -> int:
    """How many connections a process has whose clients have not closed them."""
    fields = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = {entry[9] for entry in fields if entry[1].endswith(f":{port:04X}") and entry[3] == "01"}
    sockets = {str(descriptor.readlink()) for descriptor in Path(f"/proc/{process}/fd").iterdir()}
    return len({f"socket:[{inode}]" for inode in established} & sockets)


def test_half_sent_requests_keep_nobody_from_an_answer(server: Any) -> None:
    halves = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for half in halves:
        half.sendall(b"POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: 15\r\n\r\n4.6,")
    assert all(server.ask("POST", "/invocations", ROW, CSV) == (200, "0") for _ in range(4))
    for half in halves:
        half.close()


def test_a_large_request_does_not_keep_others_from_an_answer(server: Any) -> None:
    body = "\n".join([ROW] * 300_000)
    large = [server.connect() for _ in range(2)]  # one for each worker
    for connection in large:
        connection.request("POST", "/invocations", body, CSV)
    assert server.ask("GET", "/ping") == (200, "")
    for connection in large:
        response = connection.getresponse()
        assert (response.status, response.read().count(b"0")) == (200, 300_000)
        connection.close()


def test_an_idle_server_takes_no_cpu(server: Any) -> None:
    processes = [server.process.pid, *workers(server)]
    with socket.create_connection(("127.0.0.1", server.port)):
        before = [switches(process) for process in processes]
        time.sleep(1)  # what is looked at is what happens while nobody does anything
        after = [switches(process) for process in processes]
    assert sum(after) - sum(before) <= 6


def switches(process: int) -> int:
    """How often it has woken up."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("voluntary_ctxt_switches:")[1].split()[0])
