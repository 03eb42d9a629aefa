"""What an execution learns from outside itself, replayed after a restart and recorded afterwards.

An execution is one or several lines of execution: the program, and each branch or iteration of its Parallel and Map
states. Each line has a `Scope` in which its effects have an order of their own, so that lines that ran side by side
are replayed right, whatever their order among each other.
"""

import hashlib
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from local.journal.append_log import LogClosed

Effect = tuple[str, Any]
Recorder = Callable[[str, str, Any], None]
"""Called with the scope's path, the kind of effect and its value."""

# A replay takes milliseconds; this is for one that can never end because the log says something else than the program.
_REPLAY_SECONDS: Final = 60.0


class Interrupted(BaseException):
    """The line of execution must end: it was stopped, has failed elsewhere, or the cloud goes down.

    Not an Exception, because no Catch of a state machine may catch it.
    """


class ExecutionBroken(BaseException):
    """The execution as a whole cannot go on; the message is the Cause. Not an Exception, for the same reason."""


class JournalDiverged(ExecutionBroken):
    """The recorded effects are not those of this program, for example after an upgrade of the interpreter."""


class Replay:
    """The recorded effects of one execution that have not been replayed yet."""

    def __init__(self, recorded: Mapping[str, Sequence[Effect]], record: Recorder) -> None:
        self._recorded = {path: deque(effects) for path, effects in recorded.items() if effects}
        self._record = record
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._ended = False

    @property
    def live(self) -> bool:
        """Whether all recorded effects were replayed."""
        with self._lock:
            return not self._recorded

    def wait_until_live(self, seconds: float) -> bool:
        """False when it took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._recorded or self._ended, seconds)

    def end(self) -> None:
        """Interrupt everything that waits for the replay."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self, path: str, kind: str) -> Effect | None:
        """The next recorded effect of a scope; None when the execution is live.

        A scope whose records are used up waits for the others: nothing new may happen before everything that had
        happened has happened again.

        Raises JournalDiverged, and Interrupted after `end`.
        """
        with self._changed:
            if path not in self._recorded:
                self._changed.wait_for(lambda: not self._recorded or self._ended, _REPLAY_SECONDS)
                if self._ended:
                    raise Interrupted
                if self._recorded:
                    raise JournalDiverged(f"effects of {sorted(self._recorded)} were recorded and not replayed")
                return None
            effects = self._recorded[path]
            effect = effects.popleft()
            if not effects:
                del self._recorded[path]
                self._changed.notify_all()
            if effect[0] != kind:
                raise JournalDiverged(f"{path or 'the program'} does {kind!r} where {effect[0]!r} was recorded")
            return effect

    def holds(self, path: str) -> bool:
        """Whether the scope has recorded effects left."""
        with self._lock:
            return path in self._recorded

    def wait_drained(self, path: str) -> None:
        """Wait until the scope has replayed all it did before it was stopped."""
        with self._changed:
            self._changed.wait_for(lambda: path not in self._recorded or self._ended, _REPLAY_SECONDS)

    def record(self, path: str, kind: str, value: Any) -> None:
        """Raises Interrupted when the cloud goes down."""
        try:
            self._record(path, kind, value)
        except LogClosed as fault:
            raise Interrupted from fault


class Scope:
    """One line of execution. Used by one thread at a time."""

    def __init__(self, path: str, replay: Replay, seed: str) -> None:
        """``path`` is "" for the program itself."""
        self.path = path
        self.replay = replay
        self.seed = seed
        self.time = 0.0
        """When the last event of this line happened, in epoch seconds of the cloud."""
        self._choices = 0
        self._attempts = 0
        self._branches = 0

    def effect(self, kind: str, produce: Callable[[], Any]) -> Any:
        """The recorded value, or what `produce` returns now. The value is JSON."""
        recorded = self.replay.take(self.path, kind)
        if recorded is not None:
            return recorded[1]
        value = produce()
        self.replay.record(self.path, kind, value)
        return value

    def begin_call(self) -> bool:
        """Note that an API call is about to be made; True when it was under way at a crash and may have arrived."""
        recorded = self.replay.take(self.path, "calling")
        if recorded is None:
            self.replay.record(self.path, "calling", None)
            return False
        return not self.replay.holds(self.path)

    def choice(self) -> str:
        """A text that no other choice of any execution shares, the same again on a replay."""
        self._choices += 1
        return hashlib.sha256(f"{self.seed}|{self.path}|{self._choices}".encode()).hexdigest()

    def chance(self) -> random.Random:
        """A generator of its own for each use, so that a replay sees the same numbers."""
        return random.Random(self.choice())  # noqa: S311 - the seed decides how well it can be guessed

    def begin_attempt(self) -> None:
        """A state begins, or begins again: branches of earlier attempts have other paths."""
        self._attempts += 1
        self._branches = 0

    def branch(self, index: int | None = None) -> "Scope":
        """The scope of one branch or iteration; without an index the next one in order."""
        if index is None:
            index = self._branches
            self._branches += 1
        return Scope(f"{self.path}/{self._attempts}.{index}", self.replay, self.seed)
