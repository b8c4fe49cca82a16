"""A test of a new value that has to succeed several times in a row."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.errors import Cancelled, StorageError
from core.model.rotation import RotationTiming
from core.rotation.strategy import ProbeFailed
from core.work import Work


def succeed_in_a_row(
    attempt: Callable[[int], None],
    timing: RotationTiming,
    *,
    seconds: float,
    value: str,
    work: Work,
) -> int:
    """Run a test until it has succeeded `timing.successes` times in a row.

    One success proves little: a new value may have reached some of several servers only.

    Args:
        attempt: the test, with its number from 1; it raises a StorageError if the value is refused.
        timing: the number of successes, and the pause between attempts.
        seconds: the time limit; a failure after it is final.
        value: the tested value in the summary of an error, for example `The new key`.
        work: cancel token.

    Returns:
        the number of attempts.

    Raises:
        ProbeFailed: the test failed after the time limit; it has the error of the last attempt.
        Cancelled: the token of `work` was cancelled.
    """
    tries, in_a_row = 0, 0
    end = time.monotonic() + seconds
    while in_a_row < timing.successes:
        tries += 1
        failure = _failure(attempt, tries, work)
        in_a_row = 0 if failure else in_a_row + 1
        # Only after a failure: successes that have begun may finish after the limit.
        if failure and time.monotonic() >= end:
            # A throttled request or a network that is down says nothing about the value.
            found = "could not be tested" if failure.retryable else "does not work"
            raise ProbeFailed.of(failure, f"{value} {found}: {failure.summary}") from failure
        if failure or in_a_row < timing.successes:
            work.token.wait(timing.pause)
    return tries


def _failure(attempt: Callable[[int], None], number: int, work: Work) -> StorageError | None:
    try:
        attempt(number)
    except Cancelled:
        raise
    except StorageError as error:
        work.check()  # a cancel closes connections, so it appears as a failed attempt
        return error
    return None
