"""Flat listings of everything below a prefix, fanned out over the folders found on the way."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
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
#: How much longer than computing a page must take before another thread is worth it.
_PATIENCE = 1.3

_Item = Columns | BaseException | None
_Answer = tuple[Columns, str | None]


class _Ask(Protocol):
    """Asks for one page; checks for a cancel before, counts after."""

    def __call__(self, prefix: str, *, delimiter: str = "", token: str | None = None) -> _Answer:
        """Return the page and the token that continues it."""


def list_pages(
    bucket: Bucket,
    prefix: str = "",
    *,
    fan_out: int = FAN_OUT,
    on_call: Callable[[], None] | None = None,
    work: Work | None = None,
) -> Iterator[Columns]:
    """Yield all objects below `prefix` as pages of columns, in no certain order.

    Each object comes once. Closing the iterator ends the listing. `on_call` is called after each
    LIST request, in whatever thread made it.

    Raises:
        StorageError: a prefix may not be listed, or a call failed; nothing is passed over.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)

    def ask(prefix: str, *, delimiter: str = "", token: str | None = None) -> _Answer:
        work.check()
        answer = page_of(bucket, prefix, delimiter=delimiter, token=token)
        if on_call is not None:
            on_call()
        return answer

    prefixes, pages = _discovered(ask, prefix, fan_out)
    yield from pages
    if prefixes:
        yield from _Fan(ask, prefixes, fan_out, work).pages()


def _discovered(ask: _Ask, prefix: str, fan_out: int) -> tuple[list[str], list[Columns]]:
    """Return prefixes that together hold what is below `prefix`, and the pages seen on the way.

    A level that goes on after its first page is flat: it is not worth discovering, and is left
    to the parallel listing as a whole.
    """
    flat: list[str] = []
    pages: list[Columns] = []
    explore = [prefix]
    for _ in range(_DISCOVERY_DEPTH):
        if not explore or len(flat) + len(explore) >= fan_out:
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
    """Threads that list prefixes, and a queue of pages to the one who asked.

    More threads hide latency, but where there is none they only fight over the interpreter: a
    million keys on the loopback take twice as long with 16 as with one. So it begins with one, and
    another is added as long as a page takes longer than all threads together would compute.
    """

    def __init__(self, ask: _Ask, prefixes: list[str], fan_out: int, work: Work) -> None:
        self._ask, self._work = ask, work
        self._prefixes: queue.SimpleQueue[str] = queue.SimpleQueue()
        for prefix in prefixes:
            self._prefixes.put(prefix)
        self._pages: queue.Queue[_Item] = queue.Queue(_WAITING_PAGES)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._most = min(fan_out, len(prefixes))
        self._threads: list[threading.Thread] = []
        self._running = 0

    def pages(self) -> Iterator[Columns]:
        """Yield pages until all prefixes are done; stop the threads however this ends."""
        self._add_thread()
        try:
            while True:
                item = self._next()
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._end()

    def _add_thread(self) -> None:
        with self._lock:
            if len(self._threads) >= self._most or (self._prefixes.empty() and self._threads):
                return
            name = f"listing-{len(self._threads)}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.append(thread)
            self._running += 1
        thread.start()

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
            while (prefix := self._taken()) is not None:
                self._list(prefix)
        except BaseException as error:  # noqa: BLE001 - raised where the pages are read
            self._offer(error)
        with self._lock:
            self._running -= 1
            last = not self._running
        if last:
            self._offer(None)

    def _taken(self) -> str | None:
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
            began, computed = time.monotonic(), time.thread_time()
            columns, token = self._ask(prefix, token=token)
            took, computed = time.monotonic() - began, time.thread_time() - computed
            if took > computed * _PATIENCE * (self._running + 1):
                self._add_thread()
            if columns.keys:
                self._offer(columns)
            if token is None:
                return
