import threading
from collections.abc import Iterator

import pytest

from tables.ahead import ahead


def test_the_order_stays() -> None:
    assert list(ahead(str, iter(range(50)))) == [str(number) for number in range(50)]
    assert list(ahead(str, iter(()))) == []


def test_what_comes_next_is_begun_before_the_one_before_is_used() -> None:
    begun = threading.Semaphore(0)

    def work(number: int) -> int:
        begun.release()
        return number

    results = ahead(work, iter(range(5)))
    assert next(results) == 0
    for _ in range(3):  # itself and two more
        assert begun.acquire(timeout=30)


@pytest.mark.parametrize("length", [0, 1, 2, 5])
def test_a_fault_of_the_items_comes_after_all_that_was_before_it(length: int) -> None:
    def items() -> Iterator[int]:
        yield from range(length)
        raise OSError("torn")

    results = ahead(int, items())
    assert [next(results) for _ in range(length)] == list(range(length))
    with pytest.raises(OSError, match="torn"):
        next(results)


def test_a_fault_of_the_work_comes_in_its_place() -> None:
    results = ahead(lambda number: 6 // number, iter([2, 1, 0, 3]))
    assert [next(results), next(results)] == [3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_whoever_stops_early_waits_for_what_was_begun() -> None:
    results = ahead(str, iter(range(100)))
    assert next(results) == "0"
    before = threading.active_count()
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() <= before - 1
