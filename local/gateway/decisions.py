"""What IAM decided, call by call: the answer to "who was refused what, and by which statement"."""

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

# About 4 MB when full: several complete runs with their polling.
KEPT_DECISIONS = 10_000


@dataclass(frozen=True)
class Decision:
    """One authorisation: ``statement`` is the policy statement that decided, None for an implicit denial or root."""

    at: str
    principal: str
    role: str
    action: str
    resource: str
    allowed: bool
    reason: str
    statement: dict[str, Any] | None


class DecisionLog:
    """The latest decisions, oldest first. Thread-safe."""

    def __init__(self, kept: int = KEPT_DECISIONS) -> None:
        self._kept: deque[Decision] = deque(maxlen=kept)
        self._lock = threading.Lock()
        self._total = itertools.count(1)
        self.total = 0

    def add(self, decision: Decision) -> None:
        """Record one decision; the oldest is forgotten when the log is full."""
        with self._lock:
            self._kept.append(decision)
            self.total = next(self._total)

    def find(
        self,
        *,
        role: str = "",
        action: str = "",
        allowed: bool | None = None,
        limit: int = KEPT_DECISIONS,
    ) -> list[dict[str, Any]]:
        """The latest ``limit`` decisions whose role and action contain the given texts, as JSON-ready dicts."""
        with self._lock:
            kept = list(self._kept)
        matching = [
            decision
            for decision in kept
            if role in decision.role
            and action.lower() in decision.action.lower()
            and (allowed is None or decision.allowed is allowed)
        ]
        return [asdict(decision) for decision in matching[-limit:]]
