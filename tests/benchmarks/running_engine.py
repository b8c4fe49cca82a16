"""The engine process of the window, as a click finds it: the tab has used it for its list of backups."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.engine.client import EngineClient
from core.engine.operation import reads
from core.engine.operations import OPERATIONS as _OF_THE_WINDOW
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.work import Work

_RESTORE = "benchmark.restore"
#: Those of the window, and one that restores from a file: what is measured is no server of objects.
OPERATIONS = (
    *_OF_THE_WINDOW,
    reads(_RESTORE, f"{__name__}:restore_saved", "Restoring a saved backup"),
)


class RunningEngine:
    """An engine that is connected to the responder at `endpoint`."""

    def __init__(self, client: EngineClient, endpoint: str) -> None:
        self._client = client
        profile = Profile(
            "rig", KeySource.SESSION, endpoint_url=endpoint, bucket="b", region="us-east-1"
        )
        keys = AccessKeys("AKIARIG", Secret("rig-secret-0123456789"))
        self._connection = Connection(profile, keys)

    def seconds(self, operation: str, **arguments: Any) -> float:
        """Run an operation; return the seconds from the call to its result."""
        began = time.perf_counter()
        self._client.call(operation, arguments, connection=self._connection, work=Work())
        return time.perf_counter() - began

    def back_up(self, database: str) -> float:
        """Back up the table `orders` of a database; return the seconds."""
        return self.seconds("backup.run", database=database, tables=["orders"])

    def restore(self, saved: Path, database: str) -> float:
        """Restore the table of a pickled store and backup; return the seconds."""
        return self.seconds(_RESTORE, saved=str(saved), database=database)


@contextmanager
def running_engine(endpoint: str) -> Iterator[RunningEngine]:
    """Start an engine, let it list the backups like the tab, and end it."""
    client = EngineClient(operations_module=__name__)
    try:
        engine = RunningEngine(client, endpoint)
        engine.seconds("backup.list")
        yield engine
    finally:
        client.close()


def restore_saved(_workspace: object, work: Work, *, saved: str, database: str) -> str:
    """Restore a backup from a pickled store, and prove it."""
    from core.backup.restore import Choices, restore_of

    store, backup = pickle.loads(Path(saved).read_bytes())
    report = restore_of(store, backup, database, Choices(), work)
    assert report.verified == "verified (SHA-256 and server fingerprint)", report.verified
    return report.verified
