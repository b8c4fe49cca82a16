"""Settings of the window and the command line: JSON values by key, no secrets."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from core.errors import LocalIOError
from core.local.state.database import state_database
from core.local.writer_thread import WriterThread

_log = logging.getLogger(__name__)


class Settings:
    """Values are read once, changed in memory, and written by `flush` or when the process ends.

    Only settings that were changed here are written: changes of other processes are preserved.

    Attributes:
        changed: Called after a change in memory, in the thread that made it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Use the user's database, or the one in another folder."""
        self._database = state_database(folder)
        self.changed: Callable[[], object] = lambda: None
        self._writer = WriterThread("settings")
        self._lock = threading.Lock()
        #: Held while the database is written, which can take seconds; `_lock` never is.
        self._writing = threading.Lock()
        self._values: dict[str, Any] | None = None
        self._changes: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        with self._lock:
            return self._loaded().get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Change a value in memory; None removes it. `value` must be plain JSON data."""
        with self._lock:
            values = self._loaded()
            # Unchanged values are not written: they might undo a change of another process.
            if values.get(key) == value:
                return
            self._changes[key] = value
            _unwritten.add(self)
            _apply(values, {key: value})
        self.changed()

    def flush_later(self, failed: Callable[[LocalIOError], object]) -> None:
        """Write what changed in another thread, in which `failed` gets the error."""

        def write() -> None:
            try:
                self.flush()
            except LocalIOError as error:
                failed(error)

        self._writer.add(write)

    def flush(self) -> None:
        """Write what changed since the last time, which can take seconds.

        Raises:
            LocalIOError: it could not be written; nothing was changed.
        """
        with self._writing:
            with self._lock:
                changes = dict(self._changes)
            if not changes:
                return
            self._write(changes)
            # Read again, so that changes of other processes are known from now on.
            stored = self._read()
            with self._lock:
                for key, value in changes.items():
                    if self._changes[key] == value:  # else it was changed again in between
                        del self._changes[key]
                _apply(stored, self._changes)
                self._values = stored
                if not self._changes:
                    _unwritten.discard(self)

    def _write(self, changes: dict[str, Any]) -> None:
        import json

        with self._database.transaction(durable=True) as connection:
            for key, value in changes.items():
                if value is None:
                    connection.execute("DELETE FROM settings WHERE key = ?", (key,))
                else:
                    connection.execute(_WRITE, (key, json.dumps(value)))

    def _loaded(self) -> dict[str, Any]:
        if self._values is None:
            self._values = self._read()
        return self._values

    def _read(self) -> dict[str, Any]:
        """Return what is stored, without values that cannot be read."""
        rows = self._database.rows("SELECT key, value FROM settings")
        if not rows:  # the window's first picture need not wait for the import
            return {}
        import json

        values = {}
        for key, value in rows:
            try:
                values[key] = json.loads(value)
            except (ValueError, RecursionError):
                _log.warning("the setting %s cannot be read", key)
        return values


_WRITE = """
INSERT INTO settings (key, value) VALUES (?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value
"""


def _apply(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value


#: Settings with changes that are not written yet.
_unwritten: WeakSet[Settings] = WeakSet()


@atexit.register
def _flush_all() -> None:
    for settings in tuple(_unwritten):
        try:
            settings.flush()
        except LocalIOError as error:  # the window has already closed
            _log.warning("%s", error.summary)
