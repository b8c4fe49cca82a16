"""Settings of the window and the command line: JSON values by key in one file, no secrets."""

from __future__ import annotations

import atexit
import logging
import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

from core.errors import LocalIOError
from core.local.atomic import quarantine, translate_os_errors, write_atomically
from core.local.locking import locked
from core.paths import config_dir

_log = logging.getLogger(__name__)


class Settings:
    """Values are read once, changed in memory, and written by `flush` or when the process ends.

    Only what was changed here is written: what another process has changed meanwhile stays.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_dir() / "settings.json"
        self._lock = threading.Lock()
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
            if values.get(key) != value:
                self._changes[key] = value
                _unwritten.add(self)
            _apply(values, {key: value})

    def flush(self) -> None:
        """Write what changed since the last time; call it off the GUI thread or at the end.

        Raises:
            LocalIOError: the file could not be written; the old one is untouched.
        """
        with self._lock:
            if not self._changes:
                return
            import json

            with locked(self._path):
                values = self._read()
                _apply(values, self._changes)
                text = json.dumps(values, indent=1, ensure_ascii=False, sort_keys=True)
                write_atomically(self._path, text.encode("utf-8", "backslashreplace"))
            self._values, self._changes = values, {}
            _unwritten.discard(self)

    def _loaded(self) -> dict[str, Any]:
        if self._values is None:
            self._values = self._read()
        return self._values

    def _read(self) -> dict[str, Any]:
        """Return what the file holds; one that cannot be read is set aside."""
        with translate_os_errors(self._path, "read"):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return {}
        import json  # only now: without a file the window's first picture need not wait for it

        try:
            values = json.loads(data)
        except (ValueError, RecursionError):  # also what is no UTF-8, or nested too deep
            values = None
        if isinstance(values, dict):
            return values
        quarantine(self._path)
        return {}


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
        except LocalIOError as error:  # nobody is left to be shown it
            _log.warning("%s", error.summary)
