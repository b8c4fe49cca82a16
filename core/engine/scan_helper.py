"""A second core for a scan on the command line: an engine that counts prefixes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from core.engine.client import EngineClient
from core.model.connection import Connection
from core.statistics.tally import Tally
from core.work import Work


class ScanHelper:
    """Hands prefixes to an engine process; see `core.statistics.scan.Helper`."""

    def __init__(self, client: EngineClient, connection: Connection, work: Work) -> None:
        self._client, self._connection = client, connection
        self._work = Work(work.token)

    def count(self, prefix: str) -> tuple[Tally, int]:
        """Return the tally of everything below `prefix`, and the LIST calls it took.

        Raises:
            StorageError: it may not be listed, a call failed, or the engine ended.
        """
        found: tuple[Tally, int] = self._client.call(
            "statistics.count",
            {"prefix": prefix},
            connection=self._connection,
            work=self._work,
        )
        return found


@contextmanager
def scan_helper(connection: Connection, work: Work) -> Iterator[ScanHelper | None]:
    """Yield a helper where there is a core for it; its engine starts when it is first asked."""
    if (os.cpu_count() or 1) < 2:
        yield None
        return
    client = EngineClient(niceness=0)  # no window waits: the scan itself does
    try:
        yield ScanHelper(client, connection, work)
    finally:
        client.close()
