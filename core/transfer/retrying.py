"""One pause for all workers when the service asks for fewer requests or fails for a moment."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import ErrorKind, StorageError
from core.work import Work

T = TypeVar("T")

#: Kinds that a short wait may cure. Being offline is not among them: the clients have tried that.
_MOMENTARY = frozenset({ErrorKind.THROTTLED, ErrorKind.SERVICE})
#: Kinds that all files of a transfer would meet: the first one ends it.
HOPELESS = frozenset(
    {
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
        ErrorKind.NO_SUCH_BUCKET,
        ErrorKind.WRONG_REGION,
        ErrorKind.OFFLINE,
        ErrorKind.NOT_S3,
    }
)
_ATTEMPTS = 4
_FIRST_SECONDS, _MOST_SECONDS = 0.5, 20.0


class Backoff:
    """Shared by the workers of a transfer: when one is told to slow down, all do."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._until = 0.0
        self._seconds = _FIRST_SECONDS

    def tried(self, send: Callable[[], T]) -> T:
        """Return what `send` returns, tried again after momentary failures.

        Raises:
            StorageError: it kept failing, or failed in a way that waiting does not cure.
            Cancelled: the token of the work was cancelled.
        """
        for attempt in range(_ATTEMPTS):
            self._wait()
            try:
                result = send()
            except StorageError as error:
                if error.kind not in _MOMENTARY or attempt == _ATTEMPTS - 1:
                    raise
                self._slow_down()
            else:
                self._ease()
                return result
        raise AssertionError

    def _wait(self) -> None:
        seconds = self._until - time.monotonic()
        if seconds > 0:
            self._work.token.wait(seconds)
        self._work.check()

    def _slow_down(self) -> None:
        with self._lock:
            jitter = 0.5 + random.random()  # noqa: S311 - it spreads requests, it hides nothing
            self._until = max(self._until, time.monotonic() + self._seconds * jitter)
            self._seconds = min(self._seconds * 2, _MOST_SECONDS)

    def _ease(self) -> None:
        with self._lock:
            self._seconds = _FIRST_SECONDS
