"""Attempts at the files of one transfer: all share one retry budget, and one outage ends them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from core.errors import ErrorKind, StorageError
from core.work import RETRY_SECONDS, Progress, RetryBudget, Work

T = TypeVar("T")

#: Kinds that a wait may cure.
_MOMENTARY = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVICE, ErrorKind.OFFLINE})
#: Kinds that all files of a transfer would meet: the first one ends it.
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
#: So many files in a row that are answered by something else than S3 end the transfer, too.
_NO_ANSWERS = 2


class TransferBudget(RetryBudget):
    """A retry budget that only arriving bytes fill up again.

    A transfer asks more than it sends: while every PUT fails, HEAD may well succeed, and that
    does not end an outage.
    """

    def succeeded(self) -> None:
        """Ignore that a request succeeded."""

    def arrived(self) -> None:
        """Count bytes that arrived: the outage, if there was one, is over."""
        super().succeeded()


def with_budget(work: Work) -> Work:
    """Return the work with a budget for a transfer, as long as the one it has, or as usual."""
    seconds = work.budget.seconds if work.budget is not None else RETRY_SECONDS
    return replace(work, budget=TransferBudget(seconds))


class Attempts:
    """Shared by the threads of a transfer. `ended` is the error that all further files share."""

    def __init__(self, work: Work) -> None:
        """Take the work of the transfer, which `with_budget` has given a budget."""
        assert isinstance(work.budget, TransferBudget)
        self._work, self._budget = work, work.budget
        self._furthest: dict[int, int] = {}
        self._no_answers = 0
        self.ended: StorageError | None = None

    def work_for(self, number: int, report: Callable[[Progress], None]) -> Work:
        """Return the work for one file: the cancel and the budget of all, its own progress."""

        def take(progress: Progress) -> None:
            if progress.done > self._furthest.get(number, 0):  # not what is only repeated
                self._furthest[number] = progress.done
                self._budget.arrived()
            report(progress)

        return Work(self._work.token, take, budget=self._budget)

    def arrived(self) -> None:
        """Count a file that arrived by another way than `attempted`."""
        self._budget.arrived()

    def attempted(self, send: Callable[[], T]) -> T:
        """Return what `send` returns; momentary failures are tried again within the budget.

        A file that keeps failing while others succeed has the length of the budget, too.

        Raises:
            StorageError: it kept failing, or failed in a way that waiting does not cure, or the
                transfer has ended by an error that all files meet.
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
                failing_since = began if failing_since is None else failing_since
                if not self._may_retry(error, began, failing_since):
                    raise
            else:
                self._budget.arrived()
                self._no_answers = 0
                return result

    def _may_retry(self, error: StorageError, began: float, failing_since: float) -> bool:
        self._no_answers += error.kind is ErrorKind.NOT_S3
        if error.kind in HOPELESS or self._no_answers >= _NO_ANSWERS:
            self.ended = error
        if error.kind not in _MOMENTARY:
            return False
        if not self._budget.failed(began):
            self.ended = error
            return False
        return time.monotonic() - failing_since < self._budget.seconds
