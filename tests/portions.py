"""Which of the longest tests a run makes: a portion of each kind, the next one with the next commit, or all of them.

What has a place in a list takes turns with its neighbours; what has only a name takes its turn by the hash of that, so
that what is added or renamed moves nothing else.
"""

import hashlib
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

PORTIONS = 3
WHOLE = "whole"
OF_THE_COMMIT = "commit"

T = TypeVar("T")


@dataclass(frozen=True)
class Portion:
    """One of `PORTIONS`, counted from 1. None is all of them."""

    number: int | None

    def takes(self, turn: int) -> bool:
        return self.number is None or turn % PORTIONS == self.number % PORTIONS

    def of(self, things: Iterable[T], name: Callable[[T], str] = str) -> list[T]:
        """Those whose names have this portion's turn."""
        return [thing for thing in things if self.takes(turn_of(name(thing)))]


def turn_of(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def chosen(wish: str, root: Path) -> Portion:
    """The portion of a wish: `whole`, a number, or `commit` for the turn of the commit that is checked out in `root`.

    Raises:
        ValueError: the wish is none of these.
    """
    if wish == WHOLE:
        return Portion(None)
    if wish == OF_THE_COMMIT:
        return of_commit(root)
    if wish not in map(str, range(1, PORTIONS + 1)):
        raise ValueError(f"a portion is {WHOLE}, {OF_THE_COMMIT} or a number from 1 to {PORTIONS}, not {wish!r}")
    return Portion(int(wish))


def of_commit(root: Path) -> Portion:
    """The turn of the commit: a branch's consecutive commits have consecutive turns, a merge counting as one.

    Where the history was cut short (`git clone --depth`), the commit's own name decides, which is as good as chance.
    Where there is none, nothing says which portion the next run would make: all of them.
    """
    try:
        shallow = _git(root, "rev-parse", "--is-shallow-repository") == "true"
        if shallow:
            turn = turn_of(_git(root, "rev-parse", "HEAD"))
        else:
            turn = int(_git(root, "rev-list", "--count", "--first-parent", "HEAD"))
    except (OSError, subprocess.CalledProcessError):
        return Portion(None)
    return Portion(turn % PORTIONS + 1)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()
