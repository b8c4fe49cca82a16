"""Prefetching: the next items are produced while the current one is processed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_TURN_SECONDS = 0.1


class _End:
    """The last item of a queue: the end of the source, or its error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Prefetch(Iterator[T]):
    """The items of `source`, which a separate thread begins to produce at once.

    Up to `depth` of them are produced in advance. An error of the source is raised here. `close`
    ends the thread and closes the source, also if nothing was read.
    """

    def __init__(self, source: Iterator[T], depth: int = 4) -> None:
        self._box: Queue[T | _End] = Queue(depth)
        self._left = threading.Event()
        self._ended = False
        arguments = (source, self._box, self._left)
        self._thread = threading.Thread(target=_fill, args=arguments, name="prefetch", daemon=True)
        self._thread.start()

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        item = self._box.get()
        if not isinstance(item, _End):
            return item
        self._ended = True
        if item.error is not None:
            raise item.error
        raise StopIteration

    def close(self) -> None:
        """End the thread; repeated calls are allowed."""
        self._ended = True
        self._left.set()
        self._thread.join()


def _fill(source: Iterator[T], box: Queue[T | _End], left: threading.Event) -> None:
    try:
        for item in source:
            if not _put(box, item, left):
                break
        end = _End()
    except BaseException as error:  # noqa: BLE001 - raised again by the reader
        end = _End(error)
    close = getattr(source, "close", None)
    if close is not None:
        close()
    _put(box, end, left)


def _put(box: Queue[T | _End], item: T | _End, left: threading.Event) -> bool:
    while not left.is_set():
        try:
            box.put(item, timeout=_TURN_SECONDS)
        except Full:
            continue
        return True
    return False


def in_parallel(
    function: Callable[[T], R], items: Iterable[T], threads: int
) -> Generator[R, None, None]:
    """Yield `function(item)` in order, with up to `threads` concurrent calls.

    After the first error, running calls are awaited and pending ones are dropped.
    """
    running: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, "backup") as pool:
        try:
            for item in items:
                running.append(pool.submit(function, item))
                if len(running) >= threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
