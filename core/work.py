"""`Work`: what a function that may block is handed - a way to be cancelled and to tell progress."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.errors import Cancelled, ErrorKind, StorageError
from core.redaction import redacted

#: How long a bulk operation goes on while nothing succeeds, in seconds.
RETRY_SECONDS = 60.0
#: Within how many seconds an interactive call has its answer or its error.
INTERACTIVE_SECONDS = 25.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.3, 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work has come; `total` None means unknown. Bytes or items, see `unit`."""

    done: int = 0
    total: int | None = None
    unit: str = "items"
    note: str = ""
    items_done: int | None = None
    items_total: int | None = None


class CancelToken:
    """A request to stop, which the worker notices at `check()` or wakes to from `wait()`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Ask for a stop. Callbacks run here, outside the lock, each at most once."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise `Cancelled` when a stop was asked for."""
        if self._event.is_set():
            raise Cancelled("Cancelled")

    def wait(self, seconds: float) -> None:
        """Sleep up to `seconds`; wake at once and raise `Cancelled` on a stop."""
        if self._event.wait(seconds):
            raise Cancelled("Cancelled")

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Run `callback` if a stop is asked for inside the block, for example to close a socket."""
        with self._lock:
            late = self._event.is_set()
            number, self._next = self._next, self._next + 1
            if not late:
                self._callbacks[number] = callback
        if late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(number, None)


def _ignore(_value: Any) -> None:
    """Take a report nobody asked for."""


class RetryBudget:
    """How long one operation goes on while nothing succeeds; all its threads share it.

    A request that fails in a way that may pass calls `failed`, which returns whether to try
    again; a request that succeeds calls `succeeded`. The budget counts from the first failure
    after the last success, so an outage ends an operation once, however many files it has, and a
    slow but working server never does. The pause between attempts is shared as well: when one
    thread is asked to slow down, all do.
    """

    def __init__(self, seconds: float = RETRY_SECONDS) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self._pause_until = 0.0
        self._pause = _FIRST_PAUSE_SECONDS

    def failed(self, began: float | None = None) -> bool:
        """Count a failure and return whether the budget allows another attempt.

        Args:
            began: when the failed attempt began (`time.monotonic`); the outage counts from there.
        """
        now = time.monotonic()
        with self._lock:
            if self._failing_since is None:
                self._failing_since = now if began is None else began
            if now >= self._pause_until:  # threads that failed together lengthen the pause once
                jitter = 0.5 + random.random()  # noqa: S311 - it spreads requests, it hides nothing
                self._pause_until = now + self._pause * jitter
                self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
            return self._pause_until - self._failing_since < self.seconds

    def succeeded(self) -> None:
        """Count a success: the outage, if there was one, is over."""
        if self._failing_since is None:
            return
        with self._lock:
            self._failing_since = None
            self._pause = _FIRST_PAUSE_SECONDS

    @property
    def left(self) -> float:
        """Seconds until the budget is used up; all of it while nothing fails."""
        with self._lock:
            since = self._failing_since
        return self.seconds if since is None else self.seconds - (time.monotonic() - since)

    @property
    def exhausted(self) -> bool:
        """Whether failures have used the budget up; the operation should end."""
        with self._lock:
            failing = self._failing_since is not None
        return failing and self.left <= 0

    def pause(self, token: CancelToken) -> None:
        """Wait until the shared pause is over.

        Raises:
            Cancelled: `token` was cancelled.
        """
        seconds = self._pause_until - time.monotonic()
        if seconds > 0:
            token.wait(seconds)
        token.check()


@dataclass(frozen=True, slots=True)
class Work:
    """Cancel token, progress sink, batch sink and retry budget of one running task.

    `report` may be called often: the creator of the `Work` coalesces. `batch` carries partial
    results (compact, picklable columns) to the view that shows them while the work goes on.
    `budget` is shared by all requests of a bulk operation; None (an interactive call) gives each
    request `INTERACTIVE_SECONDS`.
    """

    token: CancelToken = field(default_factory=CancelToken)
    report: Callable[[Progress], None] = _ignore
    batch: Callable[[Any], None] = _ignore
    budget: RetryBudget | None = None

    def check(self) -> None:
        """Raise `Cancelled` when a stop was asked for."""
        self.token.check()


def default_work(work: Work | None) -> Work:
    """Return `work`, or one that nobody cancels or watches: the default for scripts."""
    return work or Work()


class Coalescer:
    """Passes on the newest progress only, ten times a second at most; safe from any thread."""

    def __init__(self, sink: Callable[[Progress], None], seconds: float = 0.1) -> None:
        self._sink, self._seconds = sink, seconds
        self._lock = threading.Lock()
        self._waiting: Progress | None = None
        self._passed = float("-inf")

    def take(self, progress: Progress) -> None:
        """Take a report; it is passed on now, or replaced by a newer one, or flushed."""
        now = time.monotonic()
        with self._lock:
            self._waiting = progress
            if now - self._passed < self._seconds:
                return
            self._passed = now
        self.flush()

    def flush(self) -> None:
        """Pass on what waits."""
        with self._lock:
            progress, self._waiting = self._waiting, None
        if progress is not None:
            self._sink(progress)


def bug(error: Exception, where: str) -> StorageError:
    """Return what is told of an exception that no error of ours stands for.

    Args:
        error: what was raised; its text is redacted.
        where: `the engine` or `Strongroom`.
    """
    return StorageError(
        f"Something went wrong inside {where}",
        cause=f"{type(error).__name__}: this is a bug, not your mistake.",
        remedy="Try again; if it stays, report it with the details.",
        details=redacted(f"{type(error).__name__}: {error}"),
        kind=ErrorKind.BUG,
    )
