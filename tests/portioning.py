"""Has pytest make one portion of the tests that are marked `portioned`, and tell in the end what was left out.

`--portion` says which; without it all are made, so that a test that is named is run.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import pytest
from _pytest.mark import ParameterSet

from tests.portions import OF_THE_COMMIT, PORTIONS, WHOLE, Portion, chosen, turn_of

MARK = "portioned"
PLUGIN = "portioning"
T = TypeVar("T")


class Portioning:
    """Of each kind of test: how many this run makes, and of how many."""

    def __init__(self, portion: Portion) -> None:
        self.portion = portion
        self.counts: dict[str, tuple[int, int]] = {}

    def part(self, kind: str, things: Iterable[T], name: Callable[[T], str] = str) -> list[T]:
        """This portion of what one test goes through."""
        everything = list(things)
        taken = self.portion.of(everything, name)
        self.counts[kind] = (len(taken), len(everything))
        return taken

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left_out = [item for item in items if self._leaves_out(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

    def _leaves_out(self, item: pytest.Item) -> bool:
        mark = item.get_closest_marker(MARK)
        if mark is None:
            return False
        takes = self.portion.takes(mark.kwargs.get("turn", turn_of(item.name)))
        taken, of = self.counts.get(mark.args[0], (0, 0))
        self.counts[mark.args[0]] = (taken + takes, of + 1)
        return not takes

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[MARK] = self.counts

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Each worker has the same counts of tests; those of parts come from the worker that had the test."""
        self.counts |= {kind: tuple(counts) for kind, counts in getattr(node, "workeroutput", {}).get(MARK, {}).items()}

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.told():
            terminalreporter.write_line(line)

    def told(self) -> Iterator[str]:
        """What is run of each kind, when that is not everything."""
        if self.portion.number is None:
            return
        for kind, (taken, of) in sorted(self.counts.items()):
            yield f"portion {self.portion.number} of {PORTIONS} of {kind}: {taken} of {of}; WHOLE=yes runs all"


def in_turn(kind: str, things: Iterable[Any], name: Callable[[Any], str], first: int = 0) -> list[ParameterSet]:
    """Parameters of a test that are made in turn, as they are written; `first` is the turn of the first.

    For few large things, of which a hash could give one run most.
    """
    return [
        pytest.param(thing, id=name(thing), marks=pytest.mark.portioned(kind, turn=turn))
        for turn, thing in enumerate(things, start=first)
    ]


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(
        "--portion",
        default=WHOLE,
        help=f"of the longest tests: {WHOLE}, a number from 1 to {PORTIONS}, or {OF_THE_COMMIT} for the commit's turn",
    )


def register(config: pytest.Config) -> None:
    """Choose the portion."""
    try:
        portion = chosen(config.getoption("portion"), config.rootpath)
    except ValueError as fault:
        raise pytest.UsageError(str(fault)) from fault
    # Workers are told what was chosen, lest they choose by themselves.
    config.option.portion = str(portion.number or WHOLE)
    config.pluginmanager.register(Portioning(portion), PLUGIN)
