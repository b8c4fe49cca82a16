"""Writes to the disk that the window does not wait for: another process can lock a file for seconds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class WriterThread:
    """Runs writes one after another in a thread, which exists while there are any.

    The interpreter does not end before all of them have run.

    Args:
        name: The name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._pending: deque[Callable[[], object]] = deque()
        self._thread: threading.Thread | None = None

    def add(self, write: Callable[[], object]) -> None:
        """Run a write, which handles its own errors, after those that were added before."""
        with self._lock:
            self._pending.append(write)
            if self._thread is None:
                self._start()

    def wait(self) -> None:
        """Wait until everything that was added has run."""
        while (thread := self._thread) is not None:
            thread.join()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name)
        self._thread.start()

    def _run(self) -> None:
        try:
            while (write := self._next()) is not None:
                write()
        except BaseException:  # a bug of one write, which does not prevent the others
            with self._lock:
                self._start()
            raise

    def _next(self) -> Callable[[], object] | None:
        """Remove and return the oldest write; None ends the thread."""
        with self._lock:
            if self._pending:
                return self._pending.popleft()
            self._thread = None
            return None
