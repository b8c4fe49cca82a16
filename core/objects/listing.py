"""Flat listings of all objects below a prefix, which list several ranges of keys concurrently.

The ranges are folders first. Where the keys have no folders, a thread that has nothing to do takes a
part of the range of another one: ListObjectsV2 can start after any key, whether it exists or not.
"""

from __future__ import annotations

import queue
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from core.objects.bucket import Bucket
from core.objects.direct_pages import DirectPages
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
_PAGE_SECONDS = 0.003

#: Number of requests after which a listing counts as long, and its pages are requested directly.
_LONG = 8
#: Number of pages of a range after which it is divided: parts of small ones would often be empty.
_UNDIVIDED = 3
#: Number of keys of a page whose characters are examined for a division.
_SAMPLE = 50

_Item = Columns | BaseException
_Answer = tuple[Columns, str | None]


class _Request(Protocol):
    """Function that requests a page: it checks for a cancel before and counts the objects after."""

    def __call__(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, after: str = ""
    ) -> _Answer:
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
        self._direct: DirectPages | None = None
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

    def _request(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, after: str = ""
    ) -> _Answer:
        self._work.check()
        began, computed = time.monotonic(), time.thread_time()
        answer = None if delimiter else self._directly(prefix, token, after)
        answer = answer or page_of(
            self._bucket, prefix, delimiter=delimiter, token=token, after=after, work=self._work
        )
        # The time without the processor time of this thread is what it waited for the network.
        waited = time.monotonic() - began - (time.thread_time() - computed)
        with self._lock:
            self.list_calls += 1
            # The smallest one: others include waiting for the interpreter lock.
            self._latency = min(self._latency, waited)
        return answer

    def _directly(self, prefix: str, token: str | None, after: str) -> _Answer | None:
        """Return a page of a long listing; None if it has to be requested with botocore."""
        if self._direct is None:
            if self.list_calls < _LONG:
                return None
            # Several threads may create one, of which the last is used: they are interchangeable.
            self._direct = DirectPages(self._bucket, self._work)
        return self._direct.page_of(prefix, token=token, after=after)

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
        for folder, (columns, token) in zip(explore, _levels_of(ask, explore), strict=True):
            if token is not None:
                flat.append(folder)
                continue
            deeper += columns.folders
            if columns.keys:
                pages.append(columns)
        explore = deeper
    # Folders that were not explored any further are listed completely.
    return flat + explore, pages


def _levels_of(ask: _Request, folders: list[str]) -> list[_Answer]:
    """Return the first page of the level of each folder, requested at the same time."""
    if len(folders) == 1:
        return [ask(folders[0], delimiter="/")]
    with ThreadPoolExecutor(len(folders), thread_name_prefix="listing") as pool:
        return list(pool.map(lambda folder: ask(folder, delimiter="/"), folders))


@dataclass(slots=True)
class _Range:
    """The keys of a prefix after one key and up to another; `until` is None for its end.

    `pages` is the number of pages that were listed.
    """

    prefix: str
    after: str = ""
    until: str | None = None
    pages: int = 0


class _Fan:
    """Threads that list ranges of keys, and the queue from which their pages are read."""

    def __init__(self, ask: _Request, prefixes: list[str], threads: int, work: Work) -> None:
        self._ask, self._work = ask, work
        self._ranges: deque[_Range] = deque(map(_Range, prefixes))
        self._pages: queue.Queue[_Item | None] = queue.Queue(_WAITING_PAGES)
        self._stop = threading.Event()
        # Guards the ranges and the number of threads that are listing one.
        self._changed = threading.Condition()
        self._listing = self._idle = 0
        #: The ends of the pages of each prefix without it, in order: others may have similar keys.
        self._ends: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
        self._threads = [
            threading.Thread(target=self._run, name=f"listing-{number}", daemon=True)
            for number in range(threads)
        ]

    def pages(self) -> Iterator[Columns]:
        """Yield pages until all ranges are listed, and always stop the threads."""
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

    def _next(self) -> _Item | None:
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
        with self._changed:
            self._changed.notify_all()
        deadline = time.monotonic() + _END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        try:
            while (part := self._take_range()) is not None:
                self._list(part)
                with self._changed:
                    self._listing -= 1
                    self._changed.notify_all()
            # Marks the end of one thread; the reader counts these marks.
            self._offer(None)
        except BaseException as error:  # noqa: BLE001 - raised where the pages are read
            self._offer(error)

    @property
    def threads(self) -> int:
        """The number of threads."""
        return len(self._threads)

    def take(self) -> str | None:
        """Return a prefix that no thread has begun, or None if there is none."""
        with self._changed:
            return self._ranges.popleft().prefix if self._ranges and not self._stopped else None

    @property
    def _stopped(self) -> bool:
        return self._stop.is_set()

    def _take_range(self) -> _Range | None:
        """Return the next range; waits while other threads may still divide theirs."""
        with self._changed:
            self._idle += 1
            while not self._ranges and self._listing and not self._stopped:
                self._changed.wait()
            self._idle -= 1
            if self._stopped or not self._ranges:
                return None
            self._listing += 1
            return self._ranges.popleft()

    def _offer(self, item: _Item | None) -> None:
        while not self._stopped:
            try:
                # A full queue must not block a thread of a listing that was closed.
                self._pages.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def _list(self, part: _Range) -> None:
        token: str | None = None
        while not self._stopped:
            columns, token = self._ask(part.prefix, token=token, after=part.after)
            inside = columns_between(columns, part.after, part.until)
            if inside.keys:
                self._offer(inside)
            last = columns.keys[-1] if columns.keys else ""
            if token is None or (part.until is not None and last > part.until):
                return
            part.pages += 1
            # A server that ignores the beginning of a range lists what belongs to other ranges.
            if last > part.after:
                self._divide(part, columns.keys)

    def _divide(self, part: _Range, keys: list[str]) -> None:
        """Leave parts of the remaining range to idle threads.

        Args:
            part: the range; its end becomes the beginning of the first part.
            keys: the last listed page.
        """
        with self._changed:
            insort(self._ends[part.prefix], keys[-1][len(part.prefix) :])
            idle = self._idle - len(self._ranges)
            if idle <= 0:
                return
            bounds = self._bounds_of_others(part, keys[-1], idle)
            if not bounds and part.pages >= _UNDIVIDED:
                bounds = boundaries(part.prefix, keys, part.until)[:idle]
            if not bounds:
                return
            for begin, end in zip(bounds, [*bounds[1:], part.until], strict=True):
                self._ranges.append(_Range(part.prefix, begin, end))
            part.until = bounds[0]
            self._changed.notify_all()

    def _bounds_of_others(self, part: _Range, last: str, most: int) -> list[str]:
        """Return ascending texts after a key at which the pages of the longest other prefix end.

        The folders of a bucket usually have similar keys, for example a file for each hour.
        """
        others = (ends for prefix, ends in self._ends.items() if prefix != part.prefix)
        texts = [part.prefix + end for end in max(others, key=len, default=[])]
        end = len(texts) if part.until is None else bisect_left(texts, part.until)
        found = texts[bisect_right(texts, last) : end]
        if len(found) <= most:
            return found
        return [found[(number + 1) * len(found) // (most + 1)] for number in range(most)]


def columns_between(columns: Columns, after: str, until: str | None) -> Columns:
    """Return the rows of a page with keys after `after` and up to `until` (None for the end)."""
    keys = columns.keys
    begin = bisect_right(keys, after) if after and keys and keys[0] <= after else 0
    end = len(keys) if until is None or not keys or keys[-1] <= until else bisect_right(keys, until)
    if begin == 0 and end == len(keys):
        return columns
    return Columns(
        keys[begin:end], columns.sizes[begin:end], columns.modified[begin:end],
        columns.classes[begin:end], columns.etags[begin:end], columns.folders,
    )  # fmt: skip


def boundaries(prefix: str, keys: list[str], until: str | None) -> list[str]:
    """Return ascending texts that divide the keys after a page at likely places.

    A text has the beginning of the last key and then a greater character that also occurs in the
    keys: after `k0017` of numbered keys, these are `k002` to `k009`, or `k01` to `k09`. The shortest
    ones are returned, as they divide the largest range. The division is complete whatever keys follow.

    Args:
        prefix: the common prefix of all keys.
        keys: the keys of the page, in order.
        until: the end of the range; None for the end of the prefix.
    """
    if keys != sorted(keys):
        return []  # a directory bucket, which has no order in which a listing could start
    last = keys[-1]
    sample = [last, *keys[:: max(1, len(keys) // _SAMPLE)]]
    alphabet = sorted({char for key in sample for char in key[len(prefix) :]})
    for at in range(len(prefix), len(last)):
        greater = [last[:at] + char for char in alphabet if char > last[at]]
        found = [text for text in greater if until is None or text < until]
        if found:
            return found
    return []
