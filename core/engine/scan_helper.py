"""A second process for scans of the command line: an engine that counts prefixes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from core.engine.client import EngineClient
from core.model.connection import Connection
from core.statistics.totals import Totals
from core.work import Work


class ScanHelper:
    """Helper that counts prefixes in an engine process; see `core.statistics.scan.Helper`."""

    def __init__(self, client: EngineClient, connection: Connection, work: Work) -> None:
        self._client, self._connection = client, connection
        self._work = Work(work.token)

    def count(self, prefix: str) -> tuple[Totals, int]:
        """Return the totals of all objects below `prefix`, and the number of LIST requests.

        Raises:
            StorageError: a request was denied or failed, or the engine ended.
        """
        found: tuple[Totals, int] = self._client.call(
            "statistics.count",
            {"prefix": prefix},
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
