import time

import pytest

from core.errors import AccessDenied, Cancelled, Throttled
from core.transfer import retrying
from core.transfer.retrying import Backoff
from core.work import CancelToken, Work


def flaky(failures, error=Throttled):
    left = [failures]

    def send():
        if left[0]:
            left[0] -= 1
            raise error("slow down")
        return "sent"

    return send


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(retrying, "_FIRST_SECONDS", 0.01)


def test_momentary_failures_are_tried_again():
    assert Backoff(Work()).tried(flaky(3)) == "sent"


def test_what_keeps_failing_is_told():
    with pytest.raises(Throttled):
        Backoff(Work()).tried(flaky(4))


def test_what_waiting_does_not_cure_is_told_at_once():
    with pytest.raises(AccessDenied):
        Backoff(Work()).tried(flaky(1, AccessDenied))


def test_one_pause_holds_all_workers_and_a_cancel_ends_it(monkeypatch):
    monkeypatch.setattr(retrying, "_FIRST_SECONDS", 60)
    token = CancelToken()
    backoff = Backoff(Work(token))
    backoff._slow_down()
    token.cancel()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        backoff.tried(lambda: "never sent")
    assert time.monotonic() - began < 1
