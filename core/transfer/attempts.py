"""Retries of the files of one transfer, which share one budget: an outage ends all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from core.errors import ErrorKind, StorageError
from core.work import RETRY_SECONDS, Progress, RetryBudget, Work

T = TypeVar("T")

#: Kinds of errors that may be temporary.
_MOMENTARY = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVICE, ErrorKind.OFFLINE})
#: Kinds of errors that would affect all files of a transfer: the first one ends it.
HOPELESS = frozenset(
    {
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
        ErrorKind.NO_SUCH_BUCKET,
        ErrorKind.WRONG_REGION,
        ErrorKind.READ_ONLY,
    }
)
#: Number of consecutive files without an S3 answer that ends the transfer.
_NO_ANSWERS = 2


class TransferBudget(RetryBudget):
    """A retry budget that only successful transfers of files reset.

    A transfer also sends other requests: HEAD may succeed while every PUT fails, which does not end
    an outage. `ended` is the error that has ended the transfer.
    """

    def __init__(self, seconds: float = RETRY_SECONDS) -> None:
        super().__init__(seconds)
        self.ended: StorageError | None = None

    def succeeded(self) -> None:
        """Do nothing: a successful request does not reset the budget."""

    def arrived(self) -> None:
        """Reset the budget after a file was transferred."""
        super().succeeded()


def work_with_budget(work: Work) -> Work:
    """Return the work with a transfer budget, of its present or the default length."""
    seconds = work.budget.seconds if work.budget is not None else RETRY_SECONDS
    return replace(work, budget=TransferBudget(seconds))


class Attempts:
    """Retry state of a transfer, shared by its threads; `ended` is the error that ended it."""

    def __init__(self, work: Work) -> None:
        """Use the work of the transfer, to which `work_with_budget` has added a budget."""
        assert isinstance(work.budget, TransferBudget)
        self._work, self._budget = work, work.budget
        self._furthest: dict[int, int] = {}
        self._no_answers = 0

    @property
    def ended(self) -> StorageError | None:
        """The first error that affects all files, after which none is tried any more."""
        return self._budget.ended

    @ended.setter
    def ended(self, error: StorageError) -> None:
        self._budget.ended = self._budget.ended or error

    def work_for(self, number: int, report: Callable[[Progress], None]) -> Work:
        """Return the work for one file, with the shared cancel token, budget and limits."""

        def take(progress: Progress) -> None:
            # Repeated bytes do not count, nor those that an interrupted transfer had sent.
            if progress.done > max(self._furthest.get(number, 0), progress.reused):
                self._furthest[number] = progress.done
                self._budget.arrived()
            report(progress)

        return replace(self._work, report=take, batch=Work().batch)

    def arrived(self) -> None:
        """Count a file that was transferred without `attempted`."""
        self._budget.arrived()

    def attempted(self, send: Callable[[], T]) -> T:
        """Call `send` and return its result; temporary failures are retried within the budget.

        The same time limit applies to a file that fails while others succeed.

        Raises:
            StorageError: the budget is used up, the error is not temporary, or the transfer has
                ended because of an error that affects all files.
            Cancelled: the token of the work was cancelled.
        """
        failing_since: float | None = None
        while True:
            if self.ended is not None:
                raise self.ended
            self._budget.pause(self._work.token)
            began = time.monotonic()
            try:
                result = send()
            except StorageError as error:
                # From the start of the first failed attempt, which may itself have waited for a
                # time-out.
                failing_since = began if failing_since is None else failing_since
                if not self._may_retry(error, began, failing_since):
                    raise
            else:
                self._budget.arrived()
                self._no_answers = 0
                return result

    def _may_retry(self, error: StorageError, began: float, failing_since: float) -> bool:
        self._no_answers += error.kind is ErrorKind.NOT_S3
        # Set for all threads: the other files end with the same error instead of trying for
        # themselves.
        if error.kind in HOPELESS or self._no_answers >= _NO_ANSWERS:
            self.ended = error
        if error.kind not in _MOMENTARY:
            return False
        if not self._budget.failed(began):
            self.ended = error
            return False
        return time.monotonic() - failing_since < self._budget.seconds
