"""What IAM decided, call by call: the answer to "who was refused what, and by which statement"."""

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# About 5 MB when full: several complete runs with their polling.
KEPT_DECISIONS = 10_000


@dataclass(frozen=True)
class Decision:
    """One authorisation.

    ``statement`` is the policy statement that decided, None for an implicit denial or root; a role's statements are
    told apart by their Sid. ``context`` are the condition keys that the call brought, so that it can be decided again.
    ``evaluated`` is False for a signed call that was answered without a decision: there must be none.
    """

    at: str
    principal: str
    role: str
    action: str
    resource: str
    allowed: bool
    reason: str
    statement: dict[str, Any] | None
    context: dict[str, Any] = field(default_factory=dict)
    evaluated: bool = True

    def kind(self) -> str:
        """What makes it different from other decisions: all but the time and the session."""
        parts = (self.role or self.principal, self.action, self.resource, self.allowed, self.evaluated)
        return json.dumps([*parts, self.statement, self.context], sort_keys=True, default=str)


class DecisionLog:
    """The latest decisions, oldest first, and in a file one of each kind since the start. Thread-safe.

    ``file`` gets a JSON line for each kind of decision; None keeps no file.
    """

    def __init__(self, kept: int = KEPT_DECISIONS, file: Path | None = None) -> None:
        self._kept: deque[tuple[int, Decision]] = deque(maxlen=kept)
        self._lock = threading.Lock()
        self._file = file
        self._kinds: set[str] = set()
        self.total = 0

    def add(self, decision: Decision) -> None:
        """Record one decision; the oldest is forgotten when the log is full."""
        with self._lock:
            self.total += 1
            self._kept.append((self.total, decision))
            if self._file is not None:
                self._keep(self._file, decision)

    def _keep(self, file: Path, decision: Decision) -> None:
        kind = decision.kind()
        if kind in self._kinds:
            return
        self._kinds.add(kind)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(decision), default=str) + "\n")

    def find(
        self,
        *,
        role: str = "",
        action: str = "",
        allowed: bool | None = None,
        after: int = 0,
        limit: int = KEPT_DECISIONS,
    ) -> list[dict[str, Any]]:
        """The latest ``limit`` decisions whose role and action contain the given texts, as JSON-ready dicts.

        Each has its ``number``, counted from the start; ``after`` leaves out those up to a number that was read before.
        """
        with self._lock:
            kept = list(self._kept)
        matching = [
            {"number": number, **asdict(decision)}
            for number, decision in kept
            if number > after
            and role in decision.role
            and action.lower() in decision.action.lower()
            and (allowed is None or decision.allowed is allowed)
        ]
        return matching[-limit:]
