"""The `Work` for which this thread sends requests: retries and sockets look it up here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.work import Work, default_work

_thread = threading.local()


@contextmanager
def in_work(work: Work | None) -> Iterator[None]:
    """Make `work` the current one of this thread; None keeps the one that is already current."""
    before = getattr(_thread, "work", None)
    _thread.work = work or before
    try:
        yield
    finally:
        _thread.work = before


def current_work() -> Work:
    """Return the work of this thread; one that nobody cancels where there is none."""
    return default_work(getattr(_thread, "work", None))
