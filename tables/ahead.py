"""Work on what comes next while what is there is used."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")
_AHEAD: Final = 2


def ahead(work: Callable[[Item], Made], items: Iterator[Item]) -> Iterator[Made]:
    """`map(work, items)`, with the work on a few items going on in threads meanwhile.

    The order stays: also what `work` or `items` raise comes after all that was made before.
    """

    def begin() -> "Future[Made] | None":
        try:
            return threads.submit(work, next(items))
        except StopIteration:
            return None
        except Exception as fault:  # noqa: BLE001 -- raised again when its turn has come
            broken: Future[Made] = Future()
            broken.set_exception(fault)
            return broken

    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="ahead") as threads:
        coming = deque(begin() for _ in range(_AHEAD))
        while (next_one := coming.popleft()) is not None:
            made = next_one.result()
            coming.append(begin())
            yield made
