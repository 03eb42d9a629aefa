"""Plans faults in the embedded cloud for a test, and tells which were met."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.flow.product import Product

Order = dict[str, Any]


class Plan:
    """The page `/_cloud/faults` of one cloud."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._page = f"{product.cloud.endpoint}/_cloud/faults"

    def add(self, *orders: Order) -> None:
        for order in orders:
            self._ask("POST", json.dumps(order).encode())

    def faults(self) -> list[Order]:
        return list(self._ask("GET")["faults"])

    def clear(self) -> None:
        self._ask("DELETE")

    def missed(self) -> list[str]:
        """What was planned and never happened."""
        return [told(fault) for fault in self.faults() if fault["met"] == 0]

    def met(self) -> int:
        """How many faults have happened."""
        return sum(fault["met"] for fault in self.faults())

    @contextmanager
    def passing_time(self, seconds: dict[str, float]) -> Iterator[None]:
        """While inside, each caller of a call that hangs loses patience at once: by state, how long it would wait."""
        stopped = threading.Event()

        def watch() -> None:
            seen: dict[int, int] = {}
            while not stopped.wait(0.1):
                for number, fault in enumerate(self.faults()):
                    if fault.get("effect") == "hang" and fault["met"] > seen.get(number, 0):
                        seen[number] = fault["met"]
                        self._product.advance(seconds[fault["state"]] + 1)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            stopped.set()
            watching.join()

    def _ask(self, method: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self._page, body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def refusal(**where: str | int) -> Order:
    """Such a call is refused however often it is made."""
    error = {"code": "AccessDeniedException", "status": 400, "message": "User is not authorized to perform this action"}
    return {**where, "effect": "error", "error": error, "hits": 99}


def told(fault: Order) -> str:
    """One planned fault in a line."""
    what = fault["error"]["code"] if fault.get("error") else fault.get("effect", "")
    where = fault.get("state") or fault.get("principal") or fault.get("training_job", "")
    return f"{where} {fault.get('action', '')} {what}".strip()
