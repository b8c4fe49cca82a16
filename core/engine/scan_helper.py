"""A second process for scans of the command line: an engine that counts ranges of keys."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import Cancelled
from core.model.connection import Connection
from core.objects.key_ranges import KeyRange
from core.work import Work

if TYPE_CHECKING:
    from core.engine.client import EngineClient
    from core.statistics.totals import Totals


class ScanHelper:
    """Helper that counts ranges of keys in an engine process; see `core.statistics.scan.Helper`."""

    def __init__(self, connection: Connection, work: Work) -> None:
        self._connection, self._work = connection, Work(work.token)
        self._client: EngineClient | None = None
        self._closed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process and let it prepare its requests.

        Raises:
            StorageError: the process cannot be started, or there are no credentials.
        """
        self._call(KeyRange("", until=""), 0)  # no key is before the first one

    def count(self, part: KeyRange, depth: int) -> tuple[Totals, int]:
        """Return the totals of the objects of a range, and the number of LIST requests.

        Raises:
            StorageError: a request was denied or failed, or the engine ended.
        """
        return self._call(part, depth)

    def close(self) -> None:
        """End the process if there is one; a running call is cancelled."""
        with self._lock:
            self._closed = True
        if self._client is not None:
            self._client.close()

    def _call(self, part: KeyRange, depth: int) -> tuple[Totals, int]:
        found: tuple[Totals, int] = self._opened().call(
            "statistics.count",
            {"prefix": part.prefix, "after": part.after, "until": part.until, "depth": depth},
            connection=self._connection,
            work=self._work,
        )
        return found

    def _opened(self) -> EngineClient:
        # Most scans end before a second process would be of use.
        from core.engine.client import EngineClient

        with self._lock:
            if self._closed:
                raise Cancelled("The scan has ended")
            if self._client is None:
                self._client = EngineClient(niceness=0)  # no window waits: the scan itself does
            return self._client


@contextmanager
def scan_helper(connection: Connection, work: Work) -> Iterator[ScanHelper | None]:
    """Yield a helper if there is a second CPU core; its engine starts on the first use."""
    if (os.cpu_count() or 1) < 2:
        yield None
        return
    helper = ScanHelper(connection, work)
    try:
        yield helper
    finally:
        helper.close()
