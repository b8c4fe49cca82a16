"""Limits of bandwidth and parallelism hold for all threads together, and changes apply at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Cancelled
from core.limits import LimitValues, SharedLimits, TransferLimits, divide
from core.work import CancelToken, Work


class Clock:
    """Time that only passes in pauses; it is also the cancel token."""

    def __init__(self):
        self.now = 1000.0

    def wait(self, seconds):
        self.now += seconds

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("core.limits.time.monotonic", clock.monotonic)
    return clock


@pytest.mark.parametrize("block", [1_000, 64_000, 1_000_000])
def test_bytes_arrive_at_the_rate_of_the_limit(clock, block):
    limits, began = TransferLimits(1_000_000), clock.now
    for _ in range(8_000_000 // block):
        limits.take(block, clock)
    limits.take(1, clock)
    assert 7.8 <= clock.now - began <= 8.1


def test_a_single_large_block_takes_its_time(clock):
    """A file of 5 MB is one block; nothing follows that would wait for it."""
    limits, began = TransferLimits(1_000_000), clock.now
    limits.take(5_000_000, clock)
    assert 4.8 <= clock.now - began <= 5.1


def test_unused_bandwidth_is_not_saved_up(clock):
    limits = TransferLimits(1_000_000)
    clock.wait(3600)
    began = clock.now
    for _ in range(200):
        limits.take(10_000, clock)
    assert clock.now - began > 1.8


def test_a_debt_becomes_shorter_with_a_higher_limit_and_does_not_grow_with_a_lower_one(clock):
    limits = TransferLimits(6_400)
    limits.take(64_000, clock)  # ten seconds
    limits.change(LimitValues(1_000))
    began = clock.now
    limits.take(1, clock)
    assert clock.now - began == pytest.approx(10, abs=0.2)
    limits.take(64_000, clock)  # 64 seconds
    limits.change(LimitValues(None))
    began = clock.now
    limits.take(10**12, clock)
    assert clock.now == began


def test_a_waiting_thread_continues_when_the_limit_is_removed():
    limits = TransferLimits(1)
    limits.take(1000, CancelToken())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(limits.take, 1, CancelToken())
        limits.change(LimitValues())
        waiting.result(5)


def test_a_cancel_ends_every_wait_at_once():
    limits, token = TransferLimits(1, 1), CancelToken()
    limits.take(1000, token)
    work, ended = Work(token, limits=limits), []

    def transfer():
        try:
            with work.slot():
                work.take(1)
        except Cancelled:
            ended.append(time.monotonic())

    threads = [threading.Thread(target=transfer) for _ in range(3)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    token.cancel()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 3
    assert max(ended) - began < 1


def test_no_more_requests_run_at_a_time_than_allowed_and_more_after_a_change():
    limits, running, most, lock = TransferLimits(parallel=2), 0, 0, threading.Lock()
    gate, entered = threading.Semaphore(0), threading.Semaphore(0)
    work = Work(limits=limits)

    def request():
        nonlocal running, most
        with work.slot():
            with lock:
                running += 1
                most = max(most, running)
            entered.release()
            assert gate.acquire(timeout=30)
            with lock:
                running -= 1

    with ThreadPoolExecutor(6) as pool:
        requests = [pool.submit(request) for _ in range(6)]
        for _ in range(2):
            assert entered.acquire(timeout=30)
        assert not entered.acquire(timeout=0.1)
        limits.change(LimitValues(parallel=4))
        for _ in range(2):
            assert entered.acquire(timeout=30)
        assert not entered.acquire(timeout=0.1)
        for _ in range(6):
            gate.release()
        for each in requests:
            each.result(5)
    assert most == 4


def test_without_limits_nothing_waits():
    work = Work()
    work.take(10**15)
    with work.slot(), work.slot():
        pass


@pytest.mark.parametrize("values", [(0, None), (-1, None), (float("nan"), None), (None, 0)])
def test_limits_that_would_stop_a_transfer_are_refused(values):
    with pytest.raises(ValueError, match="must be"):
        LimitValues(*values)
    with pytest.raises(ValueError, match="must be"):
        TransferLimits(*values)


@given(
    st.floats(1e3, 1e9),
    st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=5),
)
def test_a_divided_bandwidth_is_used_completely_and_by_those_that_want_it(total, wanted):
    shares = divide(total, wanted)
    assert sum(shares) == pytest.approx(total)
    assert all(share >= 0 for share in shares)
    greedy = [share for share, want in zip(shares, wanted, strict=True) if want is None]
    assert len({round(share, 3) for share in greedy}) <= 1, "equal shares"
    for share, want in zip(shares, wanted, strict=True):
        if greedy and want is not None:
            assert share <= max(want, 0) + 1e-3 or share <= greedy[0] + 1e-3


def test_two_transfers_have_one_bandwidth_together():
    shared = SharedLimits(LimitValues(1_000_000, 4))
    up = shared.join()
    assert up.values == LimitValues(1_000_000, 4)
    down = shared.join()
    assert [each.bytes_per_second for each in (up, down)] == [500_000, 500_000]
    shared.change(LimitValues(200_000))
    assert [each.bytes_per_second for each in (up, down)] == [100_000, 100_000]
    shared.leave(down)
    assert up.bytes_per_second == 200_000
    shared.change(LimitValues())
    assert up.values == LimitValues()


def test_what_a_slow_transfer_does_not_use_is_given_to_the_other_one(clock):
    shared = SharedLimits(LimitValues(1_000_000))
    up, down = shared.join(), shared.join()
    for _ in range(4):
        clock.wait(2)
        shared.measure(down, 80_000)
        shared.measure(up, up.bytes_per_second)
    assert down.bytes_per_second == pytest.approx(100_000)
    assert up.bytes_per_second == pytest.approx(900_000)
    clock.wait(2)
    shared.measure(down, 95_000)  # it is as fast as it may be
    assert down.bytes_per_second == pytest.approx(500_000)
    assert up.bytes_per_second + down.bytes_per_second == pytest.approx(1_000_000)
