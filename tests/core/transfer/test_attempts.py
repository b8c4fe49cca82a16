"""Transfers are retried within one budget, which an outage exhausts once for all files."""

import threading
import time

import pytest

from core.errors import (
    AccessDenied,
    Cancelled,
    CredentialsExpired,
    NotAnS3Answer,
    Offline,
    ServiceError,
    Throttled,
)
from core.transfer.attempts import Attempts, TransferBudget, work_with_budget
from core.work import CancelToken, Progress, RetryBudget, Work


@pytest.fixture
def clock(monkeypatch):
    """Time that passes in pauses only; a request takes as long as it says."""

    class Clock:
        now = 1000.0

    clock = Clock()
    monkeypatch.setattr("core.work.time.monotonic", lambda: clock.now)
    monkeypatch.setattr("core.transfer.attempts.time.monotonic", lambda: clock.now)

    def pause(budget, token):
        clock.now = max(clock.now, budget._pause_until)
        token.check()

    monkeypatch.setattr("core.work.RetryBudget.pause", pause)
    return clock


def attempts(seconds=60):
    return Attempts(work_with_budget(Work(budget=RetryBudget(seconds))))


def failing(clock, error, seconds=1.0, calls=None):
    def send():
        clock.now += seconds
        if calls is not None:
            calls.append(clock.now)
        raise error("it failed")

    return send


@pytest.mark.parametrize("error", [Throttled, ServiceError, Offline])
def test_an_outage_ends_all_files_after_one_budget(clock, error):
    shared, began, calls = attempts(60), clock.now, []
    for _file in range(45):
        with pytest.raises(error):
            shared.attempted(failing(clock, error, calls=calls))
    assert 45 <= clock.now - began <= 61
    assert len(calls) < 20  # after the end no file is tried any more
    assert isinstance(shared.ended, error)


def test_a_short_outage_is_survived(clock):
    shared, until = attempts(60), clock.now + 40

    def send():
        clock.now += 1
        if clock.now < until:
            raise Offline("no network")
        return "sent"

    assert [shared.attempted(send) for _ in range(3)] == ["sent"] * 3
    assert shared.ended is None


def test_requests_that_succeed_beside_those_that_fail_do_not_prolong_an_outage(clock):
    work = work_with_budget(Work())
    shared, began = Attempts(work), clock.now

    def send():
        work.budget.succeeded()  # a HEAD
        return failing(clock, Throttled)()

    for _file in range(20):
        with pytest.raises(Throttled):
            shared.attempted(send)
    assert clock.now - began <= 61


def test_bytes_that_arrive_prolong_it_and_repeated_ones_do_not(clock):
    shared = attempts(60)
    work, began = shared.work_for(0, lambda _progress: None), clock.now
    sent = iter([*range(100, 1000, 100), *[500] * 1000])

    def send():
        clock.now += 20
        work.report(Progress(next(sent), 1000, "bytes"))
        raise ServiceError("broken off")

    with pytest.raises(ServiceError):
        shared.attempted(send)
    # One file may fail as long as the budget is, although bytes of it arrive again and again.
    assert 60 <= clock.now - began < 120
    assert shared.ended is None
    with pytest.raises(ServiceError):
        Attempts(work_with_budget(Work())).attempted(send)


def test_one_bad_file_does_not_end_the_others(clock):
    shared = attempts(60)

    def bad():
        clock.now += 1
        shared.arrived()  # another thread's file
        raise ServiceError("this object always fails")

    with pytest.raises(ServiceError):
        shared.attempted(bad)
    assert shared.ended is None
    assert shared.attempted(lambda: "sent") == "sent"


def test_without_a_budget_nothing_is_tried_again(clock):
    calls = []
    with pytest.raises(Throttled):
        attempts(0).attempted(failing(clock, Throttled, calls=calls))
    assert len(calls) == 1


def test_what_waiting_does_not_cure_is_raised_at_once(clock):
    shared, calls = attempts(), []
    with pytest.raises(AccessDenied):
        shared.attempted(failing(clock, AccessDenied, calls=calls))
    assert len(calls) == 1
    assert shared.ended is None


def test_what_all_files_would_meet_ends_the_transfer(clock):
    shared, calls = attempts(), []
    for _file in range(3):
        with pytest.raises(CredentialsExpired):
            shared.attempted(failing(clock, CredentialsExpired, calls=calls))
    assert len(calls) == 1


def test_foreign_answers_end_the_transfer_when_they_come_in_a_row(clock):
    shared, calls = attempts(), []
    with pytest.raises(NotAnS3Answer):
        shared.attempted(failing(clock, NotAnS3Answer, calls=calls))
    assert shared.attempted(lambda: "sent") == "sent"
    for _file in range(4):
        with pytest.raises(NotAnS3Answer):
            shared.attempted(failing(clock, NotAnS3Answer, calls=calls))
    assert len(calls) == 3


def test_one_pause_holds_all_threads_and_a_cancel_ends_it():
    token = CancelToken()
    shared = Attempts(work_with_budget(Work(token, budget=RetryBudget(600))))
    failed, ended = threading.Event(), []

    def fail():
        failed.set()
        raise Throttled("slow down")

    def run():
        try:
            shared.attempted(fail)
        except Cancelled:
            ended.append(time.monotonic())

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert failed.wait(30)
    began = time.monotonic()
    token.cancel()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 3
    assert ended[-1] - began < 1


def test_the_budget_is_as_long_as_the_works():
    assert work_with_budget(Work(budget=RetryBudget(7))).budget.seconds == 7
    assert isinstance(work_with_budget(Work()).budget, TransferBudget)


def test_bytes_that_an_earlier_transfer_sent_are_no_sign_of_a_server_that_answers(clock):
    shared = attempts(60)
    shared.attempted(lambda: None)
    take = shared.work_for(0, lambda _progress: None).report
    assert shared._budget.failed()
    clock.now += 50
    take(Progress(500, 900, reused=500))
    clock.now += 50
    assert not shared._budget.failed()
    take(Progress(501, 900, reused=500))
    assert shared._budget.failed()
