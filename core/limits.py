"""Limits of bandwidth and parallelism that can be changed while transfers run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

#: How many seconds of unused bandwidth may be used up at once.
_BURST_SECONDS = 0.1
#: Bytes that are allowed at once.
_PIECE_BYTES = 64 * 1024
#: The longest pause in seconds before the limits are read again, which may have been changed.
_STEP_SECONDS = 0.2
#: Seconds between two divisions of a bandwidth by the measured speeds.
_DIVIDE_SECONDS = 1.0
#: The speed, as part of its share, from which a transfer counts as limited by it.
_FULL = 0.9
#: What a slower transfer gets: its speed and a reserve, but at least this part of the bandwidth.
_RESERVE, _LEAST_SHARE = 1.25, 0.05


class Waits(Protocol):
    """A cancel token: `wait` sleeps, and raises `Cancelled` after a cancel."""

    def wait(self, seconds: float) -> None:
        """Sleep up to `seconds`."""


@dataclass(frozen=True, slots=True)
class LimitValues:
    """The values of `TransferLimits`, which can be stored and sent to another process.

    Attributes:
        bytes_per_second: the bandwidth of all requests together; None if unlimited.
        parallel: the number of requests at a time; None if the transfer chooses it.
    """

    bytes_per_second: float | None = None
    parallel: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: a value is not positive.
        """
        if self.bytes_per_second is not None and not self.bytes_per_second > 0:
            raise ValueError("the bandwidth must be positive")
        if self.parallel is not None and self.parallel < 1:
            raise ValueError("at least one request must be allowed at a time")


def divide(total: float, wanted: Sequence[float | None]) -> list[float]:
    """Divide a bandwidth: no one gets more than it wants while another one wants more.

    Args:
        total: the bandwidth.
        wanted: what each one can use; None for all that it can get.

    Returns:
        The shares, whose sum is `total`.
    """
    shares = [0.0] * len(wanted)
    left, count = total, len(wanted)
    # The smallest first: what they do not want is divided among the others.
    for number in sorted(range(count), key=lambda n: (wanted[n] is None, wanted[n] or 0.0)):
        equal, most = left / count, wanted[number]
        shares[number] = equal if most is None else min(equal, most)
        left, count = left - shares[number], count - 1
    # Each one can become faster than it was.
    return [share + left / len(wanted) for share in shares]


class TransferLimits:
    """Limits that all threads of a transfer share; they may be changed at any time.

    `take` is called for each block of bytes before it is sent or after it is received, and `slot`
    is held for the duration of one request. A thread that holds a slot must not request another:
    with one request at a time it would wait for itself.
    """

    def __init__(self, bytes_per_second: float | None = None, parallel: int | None = None) -> None:
        """Use the values of `LimitValues`.

        Raises:
            ValueError: a value is not positive.
        """
        self._values = LimitValues(bytes_per_second, parallel)
        self._lock = threading.Lock()
        # Seconds of bandwidth that are available; negative after a block that was larger.
        self._available = 0.0
        self._filled = time.monotonic()
        self._running = 0
        self._observers: list[Callable[[], None]] = []

    @property
    def values(self) -> LimitValues:
        """The present values."""
        return self._values

    @property
    def bytes_per_second(self) -> float | None:
        """The bandwidth of all requests together; None if unlimited."""
        return self._values.bytes_per_second

    @property
    def parallel(self) -> int | None:
        """The number of requests at a time; None if the transfer chooses it."""
        return self._values.parallel

    def change(self, values: LimitValues) -> None:
        """Replace the limits; waiting threads continue under the new ones within 0.2 seconds."""
        with self._lock:
            self._values = values
            observers = tuple(self._observers)
        # Outside the lock: an observer reads the values.
        for changed in observers:
            changed()

    @contextmanager
    def on_change(self, changed: Callable[[], None]) -> Iterator[None]:
        """Call `changed` after each change that is made in the block, in the thread that made it."""
        with self._lock:
            self._observers.append(changed)
        try:
            yield
        finally:
            with self._lock:
                self._observers.remove(changed)

    def take(self, count: int, token: Waits) -> None:
        """Wait until `count` bytes may be sent or received.

        Args:
            count: the number of bytes.
            token: ends the wait if it is cancelled.

        Raises:
            Cancelled: the token was cancelled during the wait.
        """
        # A large block in pieces: a block is allowed before its bytes have been waited for, so that
        # a single one, for example a file of 5 MB, would not be limited.
        for start in range(0, count, _PIECE_BYTES):
            while (seconds := self._missing(min(count - start, _PIECE_BYTES))) > 0:
                token.wait(min(seconds, _STEP_SECONDS))
            if self._values.bytes_per_second is None:
                return

    @contextmanager
    def slot(self, token: Waits) -> Iterator[None]:
        """Wait until another request is allowed, which the block then sends.

        Raises:
            Cancelled: the token was cancelled during the wait.
        """
        while not self._entered():
            token.wait(_STEP_SECONDS / 10)  # requests are short, so a free slot must be found soon
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def _missing(self, count: int) -> float:
        """Take the bytes and return 0, or return the seconds until they may be available."""
        with self._lock:
            rate = self._values.bytes_per_second
            now = time.monotonic()
            elapsed, self._filled = now - self._filled, now
            if rate is None:
                self._available = 0.0
                return 0.0
            # In seconds instead of bytes: after a change of the bandwidth, a debt of megabytes
            # would otherwise block a transfer for hours.
            self._available = min(self._available + elapsed, _BURST_SECONDS)
            if self._available < 0:
                # The rest of a debt may be too small to change the clock, a floating-point number.
                return max(-self._available, 0.001)
            # A block may exceed what is available, since it may be larger than a burst; the
            # difference delays the next one.
            self._available -= count / rate
            return 0.0

    def _entered(self) -> bool:
        with self._lock:
            parallel = self._values.parallel
            if parallel is not None and self._running >= parallel:
                return False
            self._running += 1
            return True


@dataclass(slots=True)
class _Share:
    """The limits of one transfer, and its speed in bytes per second; None if it is unknown."""

    limits: TransferLimits
    speed: float | None = None


class SharedLimits:
    """One bandwidth for several transfers, which may run in different processes.

    Each transfer has a share of it. A transfer that does not use its share leaves the rest to the
    others, so that a slow download does not slow down an upload. The number of parallel requests
    applies to each transfer. All methods are called in one thread.
    """

    def __init__(self, values: LimitValues = LimitValues()) -> None:
        self._values = values
        self._shares: list[_Share] = []
        self._divided = time.monotonic()

    @property
    def values(self) -> LimitValues:
        """The present values for all transfers together."""
        return self._values

    def change(self, values: LimitValues) -> None:
        """Replace the limits; running transfers use the new ones at once."""
        self._values = values
        self._divide()

    def join(self) -> TransferLimits:
        """Return the limits of a transfer that begins."""
        share = _Share(TransferLimits())
        self._shares.append(share)
        self._divide()
        return share.limits

    def leave(self, limits: TransferLimits) -> None:
        """Give the share of a transfer that has ended to the others."""
        self._shares = [share for share in self._shares if share.limits is not limits]
        self._divide()

    def measure(self, limits: TransferLimits, speed: float) -> None:
        """Take the speed of a transfer in bytes per second, and divide the bandwidth accordingly."""
        for share in self._shares:
            if share.limits is limits:
                share.speed = speed
        if time.monotonic() - self._divided >= _DIVIDE_SECONDS:
            self._divide()

    def _divide(self) -> None:
        self._divided = time.monotonic()
        total = self._values.bytes_per_second
        rates: Sequence[float | None] = [None] * len(self._shares)
        if total is not None:
            rates = divide(total, [_wanted(share, total) for share in self._shares])
        for share, rate in zip(self._shares, rates, strict=True):
            values = replace(self._values, bytes_per_second=rate)
            # Each change is sent to the process of the transfer.
            if values != share.limits.values:
                share.limits.change(values)


def _wanted(share: _Share, total: float) -> float | None:
    """Return what a transfer can use; None for all that it can get."""
    present = share.limits.bytes_per_second
    if share.speed is None or present is None or share.speed >= _FULL * present:
        return None
    return max(share.speed * _RESERVE, total * _LEAST_SHARE)
