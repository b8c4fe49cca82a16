"""A second process for scans of the command line: an engine that counts ranges of keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from core.engine.client import EngineClient
from core.model.connection import Connection
from core.objects.key_ranges import KeyRange
from core.statistics.totals import Totals
from core.work import Work


class ScanHelper:
    """Helper that counts ranges of keys in an engine process; see `core.statistics.scan.Helper`."""

    def __init__(self, client: EngineClient, connection: Connection, work: Work) -> None:
        self._client, self._connection = client, connection
        self._work = Work(work.token)

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

    def _call(self, part: KeyRange, depth: int) -> tuple[Totals, int]:
        found: tuple[Totals, int] = self._client.call(
            "statistics.count",
            {"prefix": part.prefix, "after": part.after, "until": part.until, "depth": depth},
            connection=self._connection,
            work=self._work,
        )
        return found


@contextmanager
def scan_helper(connection: Connection, work: Work) -> Iterator[ScanHelper | None]:
    """Yield a helper if there is a second CPU core; its engine starts on the first use."""
    if (os.cpu_count() or 1) < 2:
        yield None
        return
    client = EngineClient(niceness=0)  # no window waits: the scan itself does
    try:
        yield ScanHelper(client, connection, work)
    finally:
        client.close()
