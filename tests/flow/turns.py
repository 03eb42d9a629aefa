"""What a lease policy promises, as a model of its own: nothing here is the product's.

A run is known by the time of its dataset. The model knows how things stand whenever every run has either ended, waits
for a person, or waits for its turn.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Policy = Literal["newest", "oldest", "hold"]


@dataclass
class Turns:
    """How the runs of one model stand. `released` are champions, the latest last."""

    policy: Policy
    asks: str | None = None
    waiting: set[str] = field(default_factory=set)
    released: list[str] = field(default_factory=list)
    superseded: set[str] = field(default_factory=set)

    def dropped(self, runs: set[str]) -> None:
        """Datasets of these times came at once. Only under `newest` may that happen while nobody asks."""
        match self.policy:
            case "newest":
                everybody = runs | ({self.asks} if self.asks else set())
                newest = max(everybody)
                self.asks = newest if not self.released or newest > self.released[-1] else None
                self.superseded |= everybody - {self.asks}
            case "hold":
                for run in runs:
                    if run < (self.asks or self._champion()):
                        self.superseded.add(run)
                    elif self.asks:
                        self.waiting.add(run)
                    else:
                        self.asks = run
            case "oldest":
                self.waiting |= runs
                if not self.asks:
                    self._next(min)

    def approved(self) -> None:
        """A person approved what was asked."""
        assert self.asks is not None
        self.released.append(self.asks)
        self.asks = None
        if self.waiting and self.policy == "oldest":
            self._next(min)
        elif self.waiting:
            self._next(max)
            self.superseded |= self.waiting
            self.waiting = set()

    def _next(self, choose: Callable[[set[str]], str]) -> None:
        self.asks = choose(self.waiting)
        self.waiting.remove(self.asks)

    def _champion(self) -> str:
        return self.released[-1] if self.released else ""
