"""A cancel token wakes its waiters at once, and progress and callbacks follow their rules."""

import threading
import time

import pytest

from core.errors import Cancelled
from core.work import CancelToken, Coalescer, Progress, Work, default_work, finishing


def test_check_raises_only_after_a_cancel():
    token = CancelToken()
    token.check()
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()


def test_wait_wakes_at_once_when_cancelled_from_another_thread():
    token = CancelToken()
    timer = threading.Timer(0.05, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        token.wait(30)
    timer.join()


def test_callbacks_run_once_and_only_inside_the_block():
    token, calls = CancelToken(), []
    with token.on_cancel(lambda: calls.append("gone")):
        pass
    with token.on_cancel(lambda: calls.append("here")):
        token.cancel()
        token.cancel()
    assert calls == ["here"]


def test_callback_registered_after_the_cancel_runs_at_once():
    token, calls = CancelToken(), []
    token.cancel()
    with token.on_cancel(lambda: calls.append(1)):
        assert calls == [1]


def test_callback_may_register_another_without_a_deadlock():
    token, calls = CancelToken(), []

    def again() -> None:
        with token.on_cancel(lambda: calls.append("inner")):
            calls.append("outer")

    with token.on_cancel(again):
        token.cancel()
    assert calls == ["inner", "outer"]


def test_a_callback_that_fails_stops_neither_the_cancel_nor_the_other_callbacks(caplog):
    token, calls = CancelToken(), []

    def fail() -> None:
        raise RuntimeError("the connection is gone")

    with token.on_cancel(fail), token.on_cancel(lambda: calls.append("other")):
        token.cancel()
    assert calls == ["other"]
    assert "the connection is gone" in caplog.text


def test_default_work_is_quiet_and_uncancelled():
    work = default_work(None)
    work.report(Progress(1, 2))
    work.batch([1])
    work.check()
    own = Work()
    assert default_work(own) is own


def test_the_first_report_of_a_step_is_not_withheld(monkeypatch):
    """It was lost if another report had just been forwarded, until the step had ended."""
    now, shown = [0.0], []
    monkeypatch.setattr("core.work.time.monotonic", lambda: now[0])
    reports = Coalescer(shown.append)
    for step in ("loading", "comparing"):
        for done in range(3):
            reports.take(Progress(done, note=step))
    assert shown == [Progress(0, note="loading"), Progress(0, note="comparing")]
    for number in range(100):
        reports.take(Progress(number, note=f"table {number}"))
    assert len(shown) == 10, "not for each of many small tables"
    now[0] = 1.0
    reports.take(Progress(1, note="checking"))
    assert shown[10:] == [Progress(1, note="checking")]


@pytest.mark.parametrize("before", [True, False])
def test_what_must_be_finished_goes_on_after_a_cancel_but_not_for_long(before):
    token = CancelToken()
    if before:
        token.cancel()
    with finishing(Work(token), seconds=0.2) as rest:
        rest.check()
        token.cancel()
        rest.check()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            rest.token.wait(10)
        assert 0.1 < time.monotonic() - began < 2


def test_what_must_be_finished_is_not_ended_without_a_cancel():
    with finishing(Work(), seconds=0) as rest:
        pass
    assert not rest.token.cancelled


def test_a_pause_is_a_cancel_that_is_continued_later_and_a_cancel_is_final():
    token = CancelToken()
    assert not token.paused
    token.pause()
    assert token.paused
    with pytest.raises(Cancelled):
        token.check()
    token.cancel()
    assert not token.paused
    token.pause()
    assert not token.paused
