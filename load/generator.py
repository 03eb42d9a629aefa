"""The generator's process: orders come in on the standard input, what was seen goes out on the standard output.

It has a process of its own so that nothing that tests or clouds do in theirs holds a request up. It ends with whoever
started it: then its standard input does.
"""

import asyncio
import contextlib
import gc
import json
import os
import resource
import ssl
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import uvloop

from load.client import Client, Place
from load.driver import ClosedLoop, OpenLoop
from load.orders import Order, read_credentials, read_order
from load.schedule import Schedule
from load.signing import Credentials, PreparedRequest, Signer
from load.tally import Tally

_TELLS_EVERY_SECONDS = 0.25
_NICENESS = -10
# Until everything stands ready; the first request would be late otherwise.
_PREPARES_SECONDS = 0.05


class Generator:
    """Follows one order."""

    def __init__(self, order: Order, credentials: Credentials) -> None:
        self._order = order
        self._tally = Tally()
        self._begun = time.monotonic() + _PREPARES_SECONDS
        address = urlsplit(order.url)
        tls = ssl.create_default_context(cafile=order.certificates) if address.scheme == "https" else None
        self._host = address.netloc
        self._client = Client(
            Place(address.hostname or "", address.port or (443 if tls else 80), tls),
            [
                None if each.answers is None else frozenset(answer.strip().encode() for answer in each.answers)
                for each in order.questions
            ],
            self._tally,
            begun=self._begun,
            timeout_seconds=order.timeout_seconds,
            most_connections=order.most_connections,
        )
        self.renew(credentials)
        driver = OpenLoop if isinstance(order.plan, Schedule) else ClosedLoop
        self._driver: OpenLoop | ClosedLoop = driver(self._client, order.plan, self._begun)  # type: ignore[arg-type]

    def renew(self, credentials: Credentials) -> None:
        """Sign with these from now on."""
        signer, order = Signer(credentials, self._order.region), self._order
        self._client.requests = [
            PreparedRequest(signer, self._host, order.path, each.headers, each.body.encode())
            for each in order.questions
        ]

    def stop(self) -> None:
        """Send nothing more; what is on its way is waited for."""
        self._driver.stop()

    async def run(self) -> None:
        """Until the plan has ended, or `stop`, and the last answer came or is given up."""
        await asyncio.sleep(max(self._begun - time.monotonic(), 0))
        _tell({"begun": time.time()})
        tasks = [asyncio.create_task(self._tell_often()), asyncio.create_task(self._client.watch())]
        self._driver.begin()
        await self._driver.ended.wait()
        while self._client.outstanding:  # noqa: ASYNC110 -- once, at the end
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        self._client.close()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        _tell(self._tally.take() | {"ended": time.time(), "cpu_seconds": usage.ru_utime + usage.ru_stime})

    async def _tell_often(self) -> None:
        due = time.monotonic()
        while True:
            due += _TELLS_EVERY_SECONDS
            await asyncio.sleep(max(due - time.monotonic(), 0))
            now = time.monotonic()
            self._tally.late(now - self._begun, max(now - due, 0.0))
            _tell(self._tally.take())


def main() -> None:
    """Read the order and follow it."""
    # Nothing of what is there now will ever be garbage; looking through it would take milliseconds.
    gc.freeze()
    # It needs little of the processor, but at once. Who may not ask for that is late more often, and hears of it.
    with contextlib.suppress(PermissionError):
        os.nice(_NICENESS)
    # Whoever started it is gone: nobody listens any more.
    with contextlib.suppress(BrokenPipeError):
        uvloop.run(_follow())


class _Ear(asyncio.Protocol):
    """Lines from the standard input; None is its end."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.lines.put_nowait(line.decode())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self.lines.put_nowait(None)


async def _follow() -> None:
    _, ear = await asyncio.get_running_loop().connect_read_pipe(_Ear, sys.stdin)
    order, credentials = await ear.lines.get(), await ear.lines.get()
    if not order or not credentials:
        return
    generator = Generator(read_order(order), read_credentials(credentials))
    listening = asyncio.create_task(_obey(generator, ear.lines))
    await generator.run()
    listening.cancel()


async def _obey(generator: Generator, lines: asyncio.Queue[str | None]) -> None:
    """New credentials are taken; an empty line, or the end, means to stop."""
    while line := await lines.get():
        generator.renew(read_credentials(line))
    generator.stop()


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
