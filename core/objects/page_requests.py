"""Requests for pages of a listing, many at the same time, whose answers one thread receives."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from core.objects.bucket import Bucket
from core.objects.direct_pages import DirectPages
from core.objects.key_ranges import PageRequest
from core.objects.pages import Columns
from core.work import Work

#: Maximum number of requests that botocore sends at the same time, each in a thread.
FAN_OUT = 16
#: Maximum number of direct requests at the same time.
MOST = 64
#: Longest wait in seconds for an answer, after which a cancel is detected.
_STEP_SECONDS = 0.05
#: Seconds that the end of a listing waits for running requests of botocore.
_END_SECONDS = 1.5

_Result = tuple[Columns, str | None] | BaseException
#: A function that requests a page with botocore and returns it and its token.
Regular = Callable[[PageRequest], tuple[Columns, str | None]]


class PageRequests:
    """Requests that are sent directly, or else by threads with botocore."""

    def __init__(self, bucket: Bucket, regular: Regular, work: Work, *, fan_out: int) -> None:
        """Prepare requests.

        Args:
            bucket: the bucket.
            regular: requests a page with botocore; called by several threads.
            work: cancel token.
            fan_out: the maximum number of requests of botocore at the same time.

        Raises:
            StorageError: the access keys cannot be determined.
        """
        self._regular, self._work, self._fan_out = regular, work, fan_out
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._wake.settimeout(0)
        self._woken.settimeout(0)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._direct = DirectPages.of(bucket, self._selector)
        self._jobs: queue.SimpleQueue[PageRequest | None] = queue.SimpleQueue()
        self._done: deque[tuple[PageRequest, _Result]] = deque()
        self._threads: list[threading.Thread] = []
        self._waiting = 0
        self._examined = self._began = time.monotonic()
        self._waited = 0.0

    @property
    def in_flight(self) -> int:
        """The number of requests whose answers were not returned."""
        return self._waiting + (self._direct.in_flight if self._direct is not None else 0)

    @property
    def most(self) -> int:
        """The maximum number of requests at the same time."""
        return self._fan_out if self._direct is None else MOST

    def share_of_waiting(self) -> float:
        """Return the part of the time since the last call in which no answer was there."""
        now = time.monotonic()
        share = self._waited / max(now - self._began, 1e-9)
        self._began, self._waited = now, 0.0
        return share

    def send(self, request: PageRequest) -> None:
        """Send a request without waiting for its answer."""
        if self._direct is None or not self._direct.send(request):
            self._send_regularly(request)

    def answers(self) -> Iterator[tuple[PageRequest, _Result]]:
        """Wait for answers and yield them with their requests; an answer may be an error.

        Raises:
            Cancelled: the work was cancelled.
        """
        self._work.check()
        began = time.monotonic()
        ready = self._selector.select(_STEP_SECONDS)
        self._waited += time.monotonic() - began
        for key, _events in ready:
            if key.data is None:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
                continue
            yield from self._advance(key.fd)
        while self._done:
            self._waiting -= 1
            yield self._done.popleft()
        now = time.monotonic()
        if self._direct is not None and now - self._examined > 1.0:
            self._examined = now
            for request, _ in self._direct.silent():
                self._send_regularly(request)

    def close(self) -> None:
        """Close the connections and end the threads."""
        if self._direct is not None:
            self._direct.close()
        for _ in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._selector.close()
        self._woken.close()
        self._wake.close()

    def _advance(self, number: int) -> Iterator[tuple[PageRequest, _Result]]:
        assert self._direct is not None
        found = self._direct.advance(number)
        if found is None:
            return
        request, page = found
        if page is None:
            self._send_regularly(request)
        else:
            yield request, (page.columns, page.token)

    def _send_regularly(self, request: PageRequest) -> None:
        self._waiting += 1
        self._jobs.put(request)
        if self._waiting > len(self._threads) < self._fan_out:
            name = f"listing-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._serve, name=name, daemon=True))
            self._threads[-1].start()

    def _serve(self) -> None:
        while (request := self._jobs.get()) is not None:
            try:
                answer: _Result = self._regular(request)
            except BaseException as error:  # noqa: BLE001 - raised where the pages are read
                answer = error
            self._done.append((request, answer))
            # It is closed at the end of the listing; a full buffer wakes the reader as well.
            with suppress(OSError):
                self._wake.send(b"\0")
