"""Flat listings of everything below a prefix, fanned out over the folders found on the way."""

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

#: How many prefixes are listed at the same time; what hides the latency of one.
FAN_OUT = 16
#: Folders are looked into until there are enough of them, at most so deep.
_DISCOVERY_DEPTH = 6
#: Pages that wait for a slow consumer: memory stays flat.
_WAITING_PAGES = 64
#: How long an ended listing waits for requests under way, in seconds.
_END_SECONDS = 1.5
#: Computing a page takes so many seconds, about: while one waits, another thread can do that.
_PAGE_SECONDS = 0.004

_Item = Columns | BaseException | None
_Answer = tuple[Columns, str | None]


class _Ask(Protocol):
    """Asks for one page; checks for a cancel before, counts after."""

    def __call__(self, prefix: str, *, delimiter: str = "", token: str | None = None) -> _Answer:
        """Return the page and the token that continues it."""


def list_pages(
    bucket: Bucket, prefix: str = "", *, fan_out: int = FAN_OUT, work: Work | None = None
) -> Iterator[Columns]:
    """Yield all objects below `prefix` as pages of columns, in no certain order.

    Each object comes once. Closing the iterator ends the listing.

    Raises:
        StorageError: a prefix may not be listed, or a call failed; nothing is passed over.
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
        """Yield all pages that nobody else has taken; see `list_pages`."""
        prefixes, pages = _discovered(self._ask, self._prefix, self._fan_out)
        if prefixes:
            self._fan = _Fan(self._ask, prefixes, self._threads(), self._work)
        yield from pages
        if self._fan is not None:
            yield from self._fan.pages()

    @property
    def computing(self) -> bool:
        """Whether computing is what takes the time: one thread is enough to keep up."""
        return self._fan is not None and self._fan.threads == 1

    def take(self) -> str | None:
        """Take a prefix away for somebody else to list; None when all are taken."""
        return self._fan.take() if self._fan is not None else None

    def _ask(self, prefix: str, *, delimiter: str = "", token: str | None = None) -> _Answer:
        self._work.check()
        began, computed = time.monotonic(), time.thread_time()
        answer = page_of(self._bucket, prefix, delimiter=delimiter, token=token, work=self._work)
        waited = time.monotonic() - began - (time.thread_time() - computed)
        with self._lock:
            self.list_calls += 1
            self._latency = min(self._latency, waited)
        return answer

    def _threads(self) -> int:
        """Return how many threads the latency seen so far is worth.

        Where there is none, more of them only fight over the interpreter: a million keys on the
        loopback take twice as long with 16 threads as with one.
        """
        if self._latency == float("inf"):
            return 1
        return min(self._fan_out, 1 + int(self._latency / _PAGE_SECONDS))


def _discovered(ask: _Ask, prefix: str, fan_out: int) -> tuple[list[str], list[Columns]]:
    """Return prefixes that together hold what is below `prefix`, and the pages seen on the way.

    A level that goes on after its first page is flat: it is not worth discovering, and is left
    to the parallel listing as a whole. Half as many prefixes as threads are enough: finding more
    costs a request each, and small folders are not worth it.
    """
    flat: list[str] = []
    pages: list[Columns] = []
    explore = [prefix]
    for _ in range(_DISCOVERY_DEPTH):
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
    return flat + explore, pages


class _Fan:
    """Threads that list prefixes, and a queue of pages to the one who asked."""

    def __init__(self, ask: _Ask, prefixes: list[str], threads: int, work: Work) -> None:
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
        """Yield pages until all prefixes are done; stop the threads however this ends."""
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
            self._offer(None)
        except BaseException as error:  # noqa: BLE001 - raised where the pages are read
            self._offer(error)

    @property
    def threads(self) -> int:
        """How many threads list."""
        return len(self._threads)

    def take(self) -> str | None:
        """Return the next prefix, or None when all are taken or the listing was ended."""
        try:
            return None if self._stop.is_set() else self._prefixes.get_nowait()
        except queue.Empty:
            return None

    def _offer(self, item: _Item) -> None:
        while not self._stop.is_set():
            try:
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
