"""Worker threads wait while the GUI thread is busy, and never for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from core.pauses import pause_with, paused
from core.preview.limits import Deadline
from core.work import CancelToken, Work
from gui.tasks.busy import BusyThread, busy_clock


class _Thread:
    """A thread that computes for some seconds of the time, and a clock that sleeps move."""

    def __init__(self, busy: float) -> None:
        self.time = self.used = 0.0
        self._ends = busy

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.time <= self._ends:
            self.used += seconds

    def waiting(self) -> BusyThread:
        return BusyThread(lambda: self.used, self.sleep, lambda: self.time)


def _elsewhere(fn: Callable[[], float]) -> float:
    """Return what a function returns in another thread."""
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.append(fn()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture(autouse=True)
def _no_wait() -> Iterator[None]:
    yield
    pause_with(None)


def test_an_idle_thread_is_not_waited_for() -> None:
    thread = _Thread(busy=0)
    assert _elsewhere(thread.waiting().wait) == 0
    assert thread.time == 0


def test_a_busy_thread_is_waited_for_until_it_is_idle() -> None:
    thread = _Thread(busy=0.02)
    waiting = thread.waiting()
    thread.used += 0.001
    assert _elsewhere(waiting.wait) == pytest.approx(0.021, abs=0.0011)


def test_a_thread_that_is_always_busy_lets_others_work_in_between() -> None:
    thread = _Thread(busy=100)
    waiting = thread.waiting()
    thread.used += 0.001
    assert _elsewhere(waiting.wait) == pytest.approx(0.05, abs=0.0011)
    thread.used += 0.001
    assert _elsewhere(waiting.wait) == 0
    thread.time += 0.02
    thread.used += 0.02
    assert _elsewhere(waiting.wait) > 0.04


def test_a_thread_does_not_wait_for_itself() -> None:
    thread = _Thread(busy=100)
    waiting = thread.waiting()
    thread.used += 1
    assert waiting.wait() == 0
    assert thread.time == 0


def test_the_clock_of_a_thread_is_read_in_another_one() -> None:
    clock = busy_clock()
    if clock is None:
        pytest.skip("this system has no clocks of threads")
    before = _elsewhere(clock)
    sum(range(200_000))
    assert _elsewhere(clock) > before


def test_a_check_pauses_unless_the_work_is_cancelled() -> None:
    calls: list[int] = []
    pause_with(lambda: calls.append(1) or 0.0)
    Work().check()
    assert calls == [1]
    token = CancelToken()
    token.cancel()
    with pytest.raises(Exception, match="Cancelled"):
        Work(token).check()
    assert calls == [1]


def test_pauses_do_not_count_for_the_time_limit_of_a_preview() -> None:
    deadline = Deadline(0.0, Work())
    pause_with(lambda: 0.3)
    assert not deadline.passed
    assert not deadline.passed
    # Not without end: a window that is always busy gets a shorter preview.
    pause_with(None)
    late = Deadline(0.0, Work())
    pause_with(lambda: 0.0)
    assert late.passed


def test_without_a_window_nothing_pauses() -> None:
    assert paused() == 0
