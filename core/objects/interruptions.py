"""Limit for the interruptions of a download."""

from __future__ import annotations

import time

from core.aws.limits import MIB
from core.errors import StorageError
from core.work import INTERACTIVE_SECONDS, RetryBudget, Work

#: Maximum number of consecutive interruptions without this many bytes in between.
_BREAKS = 5
_ADVANCE_BYTES = MIB


class Interruptions:
    """Limit for the interruptions of a download, within the retry budget."""

    def __init__(self, work: Work) -> None:
        self._token = work.token
        self._budget = work.budget or RetryBudget(INTERACTIVE_SECONDS)
        self._since, self._count, self._at = time.monotonic(), 0, 0

    def advanced(self, done: int) -> None:
        """Record that `done` bytes have been received."""
        if done >= self._at + _ADVANCE_BYTES:
            # Progress proves that the server is up: only interruptions in a row count against the
            # limit.
            self._since, self._count, self._at = time.monotonic(), 0, done
            self._budget.succeeded()

    def wait(self, error: StorageError) -> None:
        """Wait before the next attempt, or raise `error` if the limit is reached.

        Raises:
            Cancelled: the work was cancelled.
        """
        self._count += 1
        if not error.retryable or self._count >= _BREAKS or not self._budget.failed(self._since):
            raise error
        self._budget.pause(self._token)
