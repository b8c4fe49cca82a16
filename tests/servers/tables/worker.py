"""A process that backs tables up and restores them in children, which may be killed at any step.

It reads one request a line (JSON) and prints the result of the child and how it ended. Its
children are copies of a process that has imported everything, so that each one takes milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw  # noqa: F401 - imported once, before the children are made
import pg8000.core  # noqa: F401 - the same
import pymysql.cursors  # noqa: F401 - the same
import sqlalchemy.engine  # noqa: F401 - the same
from helpers.folder_store import FolderStore

from core.backup import checked_reading, packing
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql import session as mysql_sessions
from core.backup.databases.mysql import snapshot as mysql_snapshot
from core.backup.databases.postgresql import reading as postgresql_reading
from core.backup.databases.postgresql import session as postgresql_sessions
from core.backup.databases.postgresql import snapshot as postgresql_snapshot
from core.backup.databases.sqlite import connection as sqlite_connections
from core.backup.listing import backups_in
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.errors import Offline, StorageError
from core.redaction import Secret
from core.work import CancelToken, Progress, Work

#: A lock of another session is waited for this long, instead of ten seconds.
_LOCK_SECONDS = 1


@dataclass
class Steps(CancelToken):
    """Counts the points at which an operation can be cancelled, and does harm at one of them."""

    fault: str
    at: int
    done: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        CancelToken.__init__(self)

    def check(self) -> None:
        """Count a step; kill this process or request a cancel at the chosen one."""
        with self.lock:
            self.done += 1
            due = self.done == self.at
        if due and self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if due and self.fault == "cancel":
            self.cancel()
        super().check()

    def report(self, _progress: Progress) -> None:
        """Count a report as a step."""
        self.check()


class Failing(FolderStore):
    """A store that cannot be reached from its n-th call on."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(folder)
        self.calls, self._at = 0, at

    def _call(self) -> None:
        self.calls += 1
        if self._at and self.calls >= self._at:
            raise Offline("The endpoint cannot be reached", remedy="Try again.")

    def put(self, *arguments: Any, **more: Any) -> Any:
        self._call()
        return super().put(*arguments, **more)

    def read(self, *arguments: Any, **more: Any) -> Any:
        self._call()
        return super().read(*arguments, **more)

    def list(self, *arguments: Any, **more: Any) -> Any:
        self._call()
        return super().list(*arguments, **more)

    def delete(self, *arguments: Any, **more: Any) -> Any:
        self._call()
        return super().delete(*arguments, **more)


def main() -> None:
    """Serve requests until the input ends."""
    checked_reading.PAUSES = (0.0, 0.0)  # what is damaged is read again at once
    postgresql_sessions._SETTINGS["lock_timeout"] = f"{_LOCK_SECONDS}s"
    mysql_sessions._SETTINGS = tuple(  # type: ignore[assignment] # of any length
        text.replace("wait_timeout=10", f"wait_timeout={_LOCK_SECONDS}")
        for text in mysql_sessions._SETTINGS
    )
    mysql_sessions._LOCK_SECONDS = _LOCK_SECONDS
    sqlite_connections.BUSY_MILLISECONDS = 1000 * _LOCK_SECONDS
    # The table counts as large, so that it is read by two connections.
    postgresql_snapshot._LARGE_PAGES, postgresql_reading._RANGE_PAGES = 1, 20
    mysql_snapshot._LARGE_BYTES, mysql_snapshot._RANGE_BYTES = 1, 100_000
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _say({"ended": status})


def _run(request: dict[str, Any]) -> None:
    """Run one operation in the child, print its result, and end the process."""
    os.environ["STRONGROOM_HOME"] = request["home"]
    steps = Steps(request["fault"], request["at"])
    store = Failing(Path(request["store"]), request["at"] if request["fault"] == "offline" else 0)
    result: dict[str, Any] = {"error": "", "former": ""}
    try:
        result["former"] = _operation(request, store, Work(steps, steps.report))
    except StorageError as error:
        result["error"] = f"{type(error).__name__}: {error.summary} {error.cause}"
    except BaseException as error:  # noqa: BLE001 - reported as what went wrong
        result["error"] = result["crash"] = f"{type(error).__name__}: {error}"
    _say(result | {"steps": steps.done, "calls": store.calls})
    os._exit(0)


def _say(values: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _operation(request: dict[str, Any], store: FolderStore, work: Work) -> str:
    address = DatabaseAddress(request["url"], Secret(request["password"]))
    if request["operation"] == "backup":
        packing.PART_BYTES = request.get("part_bytes", packing.PART_BYTES)
        with open_database(address, work=work) as source:
            back_up(store, source, ["orders"], "a note", work)
        return ""
    if request["operation"] in ("undo", "drop"):
        with open_database(address, write=True, work=work) as target, target.change(work=work):
            act = target.undo if request["operation"] == "undo" else target.drop_former
            act(request["former"])
        return ""
    (backup,) = (one for one in backups_in(store, None, work) if one.id == request["backup"])
    return restore_of(store, backup, address, Choices(), work).kept


if __name__ == "__main__":
    main()
