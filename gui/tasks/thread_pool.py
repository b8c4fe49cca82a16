"""A pool of worker threads that run jobs from a queue and post messages, without widgets."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from core.aws.current_work import in_work
from core.errors import Cancelled, ErrorKind, StorageError
from core.limits import TransferLimits
from core.work import CancelToken, Coalescer, Work, unexpected_error

_log = logging.getLogger(__name__)

#: Kinds of messages: the number of the job, one of these, and its payload.
PROGRESS, BATCH, DONE, FAILED, CANCELLED = range(5)
Post = Callable[[int, int, Any], None]


class Job:
    """A job of a thread pool; the first to claim it, a worker or a cancel, ends it.

    Args:
        number: identifies the job in messages.
        fn: the work.
        token: cancels it.
        limits: the limits of its transfers; None for none.
    """

    def __init__(
        self,
        number: int,
        fn: Callable[[Work], Any],
        token: CancelToken,
        limits: TransferLimits | None = None,
    ) -> None:
        self.number, self.fn, self.token, self.limits = number, fn, token, limits
        self.waiting = contextlib.ExitStack()
        self._claim = threading.Lock()

    def claim(self) -> bool:
        """Claim the job; return True to the first caller only."""
        return self._claim.acquire(blocking=False)


class ThreadPool:
    """Up to `size` daemon threads, which are started on demand.

    They are daemons, since a request that hangs must not prevent the process from ending.

    Args:
        name: the prefix of the names of the threads.
        size: the maximum number of threads.
        post: receives the messages, in the thread of the job.
    """

    def __init__(self, name: str, size: int, post: Post) -> None:
        self._name, self._size, self._post = name, size, post
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unfinished = 0
        self._threads: list[threading.Thread] = []

    def put(self, job: Job) -> None:
        """Queue a job; a thread is started if all are busy. A cancel ends a waiting job at once."""

        def cancel_waiting() -> None:
            if job.claim():
                self._post(job.number, CANCELLED, None)

        job.waiting.enter_context(job.token.on_cancel(cancel_waiting))
        with self._lock:
            self._unfinished += 1
            if self._unfinished > len(self._threads) < self._size:
                name = f"{self._name}-{len(self._threads)}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def stop(self) -> None:
        """Let the threads end after their current job."""
        for _ in self._threads:
            self._jobs.put(None)

    def join(self, deadline: float) -> bool:
        """Wait for the threads until `deadline` (monotonic seconds); True when all have ended."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                # Exactly one of worker and cancel posts the end, so that no task ends twice.
                if job.claim():
                    job.waiting.close()
                    self._run_job(job)
            finally:
                del job  # else an idle thread would refer to the last result until the next job
                with self._lock:
                    self._unfinished -= 1

    def _run_job(self, job: Job) -> None:
        number = job.number
        reports = Coalescer(lambda progress: self._post(number, PROGRESS, progress))
        work = Work(
            job.token,
            reports.take,
            lambda batch: self._post(number, BATCH, batch),
            limits=job.limits,
        )
        try:
            with in_work(work):  # a cancel reaches every request of the block
                result = job.fn(work)
        except StorageError as error:
            # A cancel closes connections, which the interrupted code may report as a failure of the
            # network.
            stopped = isinstance(error, Cancelled) or job.token.cancelled
            self._post(number, *((CANCELLED, error) if stopped else (FAILED, error)))
        except Exception as error:  # noqa: BLE001 - the thread must live; it is logged and shown
            shown = unexpected_error(error, "Strongroom")
            if shown.kind is ErrorKind.BUG:
                _log.exception("A task failed in a way that is a bug")
            self._post(number, FAILED, shown)
        else:
            # The last progress may have been withheld by the limit of reports per second.
            reports.flush()
            self._post(number, DONE, result)
