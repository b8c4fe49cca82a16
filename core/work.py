"""`Work`, the argument of blocking functions: cancellation, progress and the retry budget."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import Cancelled, ErrorKind, LocalIOError, StorageError, local_io_error
from core.limits import TransferLimits
from core.paths import HOME_VARIABLE, is_for_own_folder
from core.pauses import paused
from core.redaction import redacted
from core.units import format_minutes

_log = logging.getLogger(__name__)

#: How long a bulk operation retries while no request succeeds, in seconds.
RETRY_SECONDS = 60.0
#: The time limit of an interactive call, in seconds.
INTERACTIVE_SECONDS = 25.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.3, 10.0
#: How long after a cancel an operation may go on to complete or undo what it has begun.
FINISHING_SECONDS = 1.5
#: After how many seconds without progress this is shown.
_STANDSTILL_SECONDS = 60.0
#: Number of steps whose first reports are forwarded at once.
_STEPS = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a task, in bytes or items (see `unit`); `total` is None while unknown.

    `reused` is the part of `done` that an interrupted transfer had sent, so that it is no speed.
    """

    done: int = 0
    total: int | None = None
    unit: str = "items"
    note: str = ""
    items_done: int | None = None
    items_total: int | None = None
    reused: int = 0


class CancelToken:
    """A cancel request, which the worker detects in `check()` and which interrupts `wait()`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._paused = False

    @property
    def cancelled(self) -> bool:
        """Whether a cancel or a pause was requested."""
        return self._event.is_set()

    @property
    def paused(self) -> bool:
        """Whether the operation ends in order to be continued later.

        What another run can use is retained, for example the parts of a multipart upload.
        """
        return self._paused

    def cancel(self) -> None:
        """Request a cancel. Callbacks run in this thread, outside the lock, each at most once."""
        self._request(paused=False)

    def pause(self) -> None:
        """Request the same as `cancel`, but see `paused`; it has no effect after a cancel."""
        self._request(paused=True)

    def _request(self, *, paused: bool) -> None:
        with self._lock:
            self._paused = paused and (self._paused or not self._event.is_set())
            if self._event.is_set():
                return
            self._event.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            try:
                callback()
            except Exception:  # noqa: BLE001 - any fault of a callback, see below
                # The others must run, and a cancel never fails: a window or a pool is being closed.
                _log.exception("A callback of a cancel failed")

    def check(self) -> None:
        """Raise `Cancelled` if a cancel was requested."""
        if self._event.is_set():
            raise Cancelled("Cancelled")

    def wait(self, seconds: float) -> None:
        """Sleep up to `seconds`; a cancel ends the pause at once and raises `Cancelled`."""
        if self._event.wait(seconds):
            raise Cancelled("Cancelled")

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Run a callback if a cancel is requested in the block, for example to close a socket."""
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
    """Discard a progress report."""


class RetryBudget:
    """Time limit for the retries of one operation, shared by all of its threads.

    After a temporary failure call `failed`, which returns whether to try again; after a success
    call `succeeded`. The budget counts from the first failure after the last success, so an outage
    ends an operation once, however many files it has, and a slow but working server never does. The
    pause between attempts is shared as well: if the server throttles one thread, all of them slow
    down.
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
            if (
                now >= self._pause_until
            ):  # several threads that fail at once lengthen the pause only once
                jitter = 0.5 + random.random()  # noqa: S311 - it spreads requests, it hides nothing
                self._pause_until = now + self._pause * jitter
                self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
            return self._pause_until - self._failing_since < self.seconds

    def succeeded(self) -> None:
        """Count a success, which ends an outage."""
        if self._failing_since is None:
            return
        with self._lock:
            self._failing_since = None
            self._pause = _FIRST_PAUSE_SECONDS

    @property
    def left(self) -> float:
        """Seconds until the budget is used up; the full budget while nothing fails."""
        with self._lock:
            since = self._failing_since
        return self.seconds if since is None else self.seconds - (time.monotonic() - since)

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up, so that the operation should end."""
        with self._lock:
            failing = self._failing_since is not None
        return failing and self.left <= 0

    def pause(self, token: CancelToken) -> None:
        """Wait until the shared pause has ended.

        Raises:
            Cancelled: `token` was cancelled.
        """
        seconds = self._pause_until - time.monotonic()
        if seconds > 0:
            token.wait(seconds)
        token.check()


@dataclass(frozen=True, slots=True)
class Work:
    """Cancel token, progress callback, batch callback and retry budget of one running task.

    `report` may be called often: the creator of the `Work` limits the rate. `batch` sends partial
    results (compact, picklable columns) to the view that shows them while the task runs. `budget`
    is shared by all requests of a bulk operation; without one (an interactive call) each request
    has `INTERACTIVE_SECONDS`. `limits` are shared in the same way; None means unlimited.
    `resumable` means that the operation will be run again after a pause or crash, so that parts of
    large files are retained.
    """

    token: CancelToken = field(default_factory=CancelToken)
    report: Callable[[Progress], None] = _ignore
    batch: Callable[[Any], None] = _ignore
    budget: RetryBudget | None = None
    limits: TransferLimits | None = None
    resumable: bool = False

    def check(self) -> None:
        """Raise `Cancelled` if a cancel was requested; pause while the window is busy."""
        self.token.check()
        paused()

    def take(self, count: int) -> None:
        """Wait until the bandwidth limit allows `count` more bytes.

        Raises:
            Cancelled: the token was cancelled.
        """
        if self.limits is not None:
            self.limits.take(count, self.token)

    def slot(self) -> AbstractContextManager[None]:
        """Return a block that waits until the limit of parallel requests allows one more.

        Raises:
            Cancelled: the token was cancelled, on entering the block.
        """
        return nullcontext() if self.limits is None else self.limits.slot(self.token)


@contextmanager
def finishing(work: Work, seconds: float = FINISHING_SECONDS) -> Iterator[Work]:
    """Yield work for what must be completed or undone even if a cancel is requested.

    A cancel ends this work too, but only after a while: a server that answers is given the time to
    confirm, and one that does not answer does not block.

    Args:
        work: whose cancel counts; it may have been requested already.
        seconds: how long the block may go on after a cancel.
    """
    token = CancelToken()
    timer = threading.Timer(seconds, token.cancel)
    timer.daemon = True
    with work.token.on_cancel(timer.start):
        try:
            yield replace(work, token=token)
        finally:
            timer.cancel()
    if timer.ident is not None:
        timer.join()


def default_work(work: Work | None) -> Work:
    """Return `work`, or a new one without cancel and progress: the default for scripts."""
    return work or Work()


class Coalescer:
    """Rate limit for progress reports: forwards the newest one, ten times a second.

    First reports of a step (`Progress.note`) are forwarded at once, because the next report may
    follow after minutes; of them, too, at most ten in a second. It may be called from any thread.
    """

    def __init__(self, sink: Callable[[Progress], None], seconds: float = 0.1) -> None:
        self._sink, self._seconds = sink, seconds
        self._lock = threading.Lock()
        self._waiting: Progress | None = None
        self._passed, self._step = float("-inf"), ""
        #: When the last steps began.
        self._stepped = deque[float](maxlen=_STEPS)

    def take(self, progress: Progress) -> None:
        """Accept a report; it is forwarded now or by `flush`, unless a newer one replaces it."""
        now = time.monotonic()
        with self._lock:
            self._waiting = progress
            if progress.note == self._step:
                if now - self._passed < self._seconds:
                    return
            else:
                many = len(self._stepped) == _STEPS
                if many and now - self._stepped[0] < _STEPS * self._seconds:
                    return
                self._step = progress.note
                self._stepped.append(now)
            self._passed = now
        self.flush()

    def flush(self) -> None:
        """Report the pending progress."""
        with self._lock:
            progress, self._waiting = self._waiting, None
        if progress is not None:
            self._sink(progress)


class Standstill:
    """How long an operation has made no progress, for example since a server does not answer.

    A long lock or a long statement is no reason to end an operation, so this is only shown. Reports
    and questions may come from any thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._newest: Progress | None = None
        self._since = clock()

    def take(self, progress: Progress) -> None:
        """Add a report; one without a change is no sign that a server answers."""
        if progress != self._newest:
            self._newest, self._since = progress, self._clock()

    @property
    def text(self) -> str:
        """For example `no progress for 2 min`; empty in the first minute.

        It is also empty while the total is unknown, for example of a folder that is watched.
        """
        newest, seconds = self._newest, self._clock() - self._since
        if newest is None or newest.total is None or seconds < _STANDSTILL_SECONDS:
            return ""
        return f"no progress for {format_minutes(seconds)}"


def unexpected_error(error: Exception, where: str) -> StorageError:
    """Return the error for an exception that no code has translated: of a file, or else a bug.

    Args:
        error: what was raised; its text is redacted.
        where: `the engine` or `Strongroom`.
    """
    # Those of a connection are no errors of this machine.
    if isinstance(error, OSError) and not isinstance(error, (ConnectionError, TimeoutError)):
        return local_file_error(error)
    return StorageError(
        f"Something went wrong inside {where}",
        cause=f"{type(error).__name__}: this is a bug, not your mistake.",
        remedy="Try again. If the error persists, report it with the details.",
        details=redacted(f"{type(error).__name__}: {error}"),
        kind=ErrorKind.BUG,
    )


def local_file_error(error: OSError) -> LocalIOError:
    """Return the error for a file that could not be used, which no code has translated."""
    shown = local_io_error(error, f"{error.filename or 'A local file'} could not be used")
    named = isinstance(error.filename, (str, bytes))
    if named and is_for_own_folder(Path(os.fsdecode(error.filename))):
        # A read-only home, as in a container or a service of systemd with ProtectHome.
        shown.remedy = (
            f"Set {HOME_VARIABLE} to a folder in which you may write: Strongroom's own files, such as "
            "the state of interrupted work, cannot be stored in the usual one."
        )
    return shown
