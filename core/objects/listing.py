"""Flat listings of all objects below a prefix, which list several folders concurrently."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from core.objects.bucket import Bucket
from core.objects.level import page_of
from core.objects.pages import Columns
from core.work import Work, default_work

#: Number of prefixes that are listed concurrently, to hide the latency of a request.
FAN_OUT = 16
#: Maximum depth to which folders are searched for prefixes to list concurrently.
_DISCOVERY_DEPTH = 6
#: Maximum number of pages that wait for a slow consumer, to limit memory.
_WAITING_PAGES = 64
#: Seconds that a closed listing waits for its running requests.
_END_SECONDS = 1.5
#: Approximate seconds of computation for a page, which another thread can do during a request.
_PAGE_SECONDS = 0.004

_Item = Columns | BaseException | None
_Answer = tuple[Columns, str | None]


class _Request(Protocol):
    """Function that requests a page: it checks for a cancel before and counts the objects after."""

    def __call__(self, prefix: str, *, delimiter: str = "", token: str | None = None) -> _Answer:
        """Return the page and the token that continues it."""


def list_pages(
    bucket: Bucket, prefix: str = "", *, fan_out: int = FAN_OUT, work: Work | None = None
) -> Iterator[Columns]:
    """Yield all objects below a prefix as pages of columns, in undefined order.

    Each object appears once. Closing the iterator ends the listing.

    Raises:
        StorageError: a request was denied or failed; no prefix is skipped.
        Cancelled: the token of `work` was cancelled.
    """
    return Listing(bucket, prefix, fan_out=fan_out, work=work).pages()


class Listing:
    """One flat listing whose prefixes can be shared with another process."""

    def __init__(
        self, bucket: Bucket, prefix: str, *, fan_out: int = FAN_OUT, work: Work | None = None
    ) -> None:
        self._bucket, self._prefix, self._fan_out = bucket, prefix, fan_out
        self._work = default_work(work)
        self._fan: _Fan | None = None
        self._lock = threading.Lock()
        self._latency = float("inf")
        self.list_calls = 0

    def pages(self) -> Iterator[Columns]:
        """Yield all pages of the prefixes that were not taken by `take`; see `list_pages`."""
        prefixes, pages = _discovered(self._request, self._prefix, self._fan_out)
        if prefixes:
            self._fan = _Fan(self._request, prefixes, self._threads(), self._work)
        yield from pages
        if self._fan is not None:
            yield from self._fan.pages()

    @property
    def computing(self) -> bool:
        """Whether computation dominates over latency, so that one thread is sufficient."""
        return self._fan is not None and self._fan.threads == 1

    def take(self) -> str | None:
        """Remove a prefix for another process to list; None if all are taken."""
        return self._fan.take() if self._fan is not None else None

    def _request(self, prefix: str, *, delimiter: str = "", token: str | None = None) -> _Answer:
        self._work.check()
        began, computed = time.monotonic(), time.thread_time()
        answer = page_of(self._bucket, prefix, delimiter=delimiter, token=token, work=self._work)
        # The time without the processor time of this thread is what it waited for the network.
        waited = time.monotonic() - began - (time.thread_time() - computed)
        with self._lock:
            self.list_calls += 1
            # The smallest one: others include waiting for the interpreter lock.
            self._latency = min(self._latency, waited)
        return answer

    def _threads(self) -> int:
        """Return the number of threads that suits the latency so far.

        Without latency, more threads only compete for the interpreter lock: a million keys on the
        loopback take twice as long with 16 threads as with one.
        """
        if self._latency == float("inf"):
            return 1
        return min(self._fan_out, 1 + int(self._latency / _PAGE_SECONDS))


def _discovered(ask: _Request, prefix: str, fan_out: int) -> tuple[list[str], list[Columns]]:
    """Split a prefix into smaller ones; also return the pages that were listed for it.

    A level with more than one page is not split further but listed as one prefix. Half as many
    prefixes as threads are sufficient: each split costs a request, and small folders are not worth
    it.
    """
    flat: list[str] = []
    pages: list[Columns] = []
    explore = [prefix]
    for _ in range(_DISCOVERY_DEPTH):
        # The depth is limited, so that a bucket of single nested folders costs few extra requests.
        if not explore or len(flat) + len(explore) >= max(1, fan_out // 2):
            break
        deeper: list[str] = []
        for folder in explore:
            columns, token = ask(folder, delimiter="/")
            if token is not None:
                flat.append(folder)
                continue
            deeper += columns.folders
            if columns.keys:
                pages.append(columns)
        explore = deeper
    # Folders that were not explored any further are listed completely.
    return flat + explore, pages


class _Fan:
    """Threads that list prefixes, and the queue from which their pages are read."""

    def __init__(self, ask: _Request, prefixes: list[str], threads: int, work: Work) -> None:
        self._ask, self._work = ask, work
        self._prefixes: queue.SimpleQueue[str] = queue.SimpleQueue()
        for prefix in prefixes:
            self._prefixes.put(prefix)
        self._pages: queue.Queue[_Item] = queue.Queue(_WAITING_PAGES)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"listing-{number}", daemon=True)
            for number in range(min(threads, len(prefixes)))
        ]

    def pages(self) -> Iterator[Columns]:
        """Yield pages until all prefixes are listed, and always stop the threads."""
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        try:
            while running:
                item = self._next()
                if item is None:
                    running -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield item
        finally:
            self._end()

    def _next(self) -> _Item:
        while True:
            self._work.check()
            try:
                # With a time limit, so that a cancel is noticed while all threads wait for the
                # server.
                return self._pages.get(timeout=0.2)
            except queue.Empty:
                continue

    def _end(self) -> None:
        self._stop.set()
        deadline = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        try:
            while (prefix := self.take()) is not None:
                self._list(prefix)
            # Marks the end of one thread; the reader counts these marks.
            self._offer(None)
        except BaseException as error:  # noqa: BLE001 - raised where the pages are read
            self._offer(error)

    @property
    def threads(self) -> int:
        """The number of threads."""
        return len(self._threads)

    def take(self) -> str | None:
        """Return the next prefix, or None if all are taken or the listing was closed."""
        try:
            return None if self._stop.is_set() else self._prefixes.get_nowait()
        except queue.Empty:
            return None

    def _offer(self, item: _Item) -> None:
        while not self._stop.is_set():
            try:
                # A full queue must not block a thread of a listing that was closed.
                self._pages.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def _list(self, prefix: str) -> None:
        token: str | None = None
        while not self._stop.is_set():
            columns, token = self._ask(prefix, token=token)
            if columns.keys:
                self._offer(columns)
            if token is None:
                return
