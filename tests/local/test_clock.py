import asyncio
import threading
import time

import pytest

from local.clock import Clock


def test_starts_where_it_is_told_and_runs_at_its_factor() -> None:
    clock = Clock(time_factor=1000.0, start=5_000.0)
    began = time.monotonic()
    first = clock.now()
    second = clock.now()
    elapsed = time.monotonic() - began
    assert 5_000.0 <= first <= second <= 5_000.0 + 1000.0 * (elapsed + 1)


def test_datetime_is_aware_and_in_utc() -> None:
    assert Clock(start=0.0).datetime().isoformat().startswith("1970-01-01T00:00:0")
    assert Clock(start=0.0).datetime().tzinfo is not None


def test_advance_jumps_ahead_and_never_back() -> None:
    clock = Clock(start=0.0)
    clock.advance(86_400)
    assert 86_400 <= clock.now() < 86_460
    for step in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="backwards"):
            clock.advance(step)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_a_factor_that_would_stop_or_reverse_time(factor: float) -> None:
    with pytest.raises(ValueError, match="factor"):
        Clock(factor)
    with pytest.raises(ValueError, match="factor"):
        Clock().set_factor(factor)


def test_a_change_of_factor_does_not_move_time() -> None:
    clock = Clock(start=100.0)
    clock.set_factor(1_000_000.0)
    clock.set_factor(0.001)
    now = clock.now()
    assert now >= 100.0
    assert clock.now() - now < 1.0


def test_wait_returns_false_when_the_time_is_over_and_true_when_the_event_fires() -> None:
    clock = Clock()
    assert clock.wait(None, 0.0) is False
    assert clock.wait(threading.Event(), 0.01) is False
    fired = threading.Event()
    fired.set()
    assert clock.wait(fired, 3600.0) is True
    assert clock.wait(fired, 0.0) is True


@pytest.mark.parametrize("event", [None, threading.Event()])
def test_advance_wakes_a_wait_of_a_week(event: threading.Event | None) -> None:
    clock = Clock()
    answers: list[bool] = []
    waiter = threading.Thread(target=lambda: answers.append(clock.wait(event, 7 * 86_400)))
    waiter.start()
    clock.advance(7 * 86_400)
    waiter.join(5)
    assert answers == [False]


def test_a_faster_clock_shortens_a_wait_in_progress() -> None:
    clock = Clock()
    waiter = threading.Thread(target=lambda: clock.wait(None, 3600.0))
    waiter.start()
    clock.set_factor(1_000_000.0)
    waiter.join(5)
    assert not waiter.is_alive()


def test_advance_wakes_an_asynchronous_sleep_from_another_thread() -> None:
    clock = Clock()

    async def sleep() -> None:
        asyncio.get_running_loop().call_later(0.01, threading.Thread(target=clock.advance, args=(3600.0,)).start)
        await asyncio.wait_for(clock.sleep_async(3600.0), 5)

    asyncio.run(sleep())


def test_who_keeps_timers_is_told_of_jumps_and_of_another_speed() -> None:
    clock, told = Clock(start=0.0), []
    clock.on_jump(lambda: told.append(clock.real_seconds(60.0)))
    clock.advance(5.0)
    clock.set_factor(20.0)
    assert told == [60.0, 3.0]
