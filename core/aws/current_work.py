"""The `Work` of the current thread, which retries and sockets use for cancellation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from core.work import Work, default_work

_thread = threading.local()


@contextmanager
def in_work(work: Work | None) -> Iterator[None]:
    """Set the current `Work` of this thread; None leaves the current one in place."""
    before = getattr(_thread, "work", None)
    _thread.work = work or before
    try:
        yield
    finally:
        _thread.work = before


def current_work() -> Work:
    """Return the `Work` of this thread, or a default one that is never cancelled."""
    return default_work(getattr(_thread, "work", None))
