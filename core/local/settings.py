"""Settings of the window and the command line: JSON values by key in one file, no secrets."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from core.local.atomic import quarantine, told, write_atomically
from core.paths import config_dir


class Settings:
    """Values are read once, changed in memory, and written by `flush`."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_dir() / "settings.json"
        self._lock = threading.Lock()
        self._values: dict[str, Any] | None = None
        self._changed = False

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        with self._lock:
            return self._loaded().get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Change a value in memory; None removes it. `value` must be plain JSON data."""
        with self._lock:
            values = self._loaded()
            if values.get(key) != value:
                self._changed = True
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value

    def flush(self) -> None:
        """Write what changed since the last time; call it off the GUI thread or at the end.

        Raises:
            LocalIOError: the file could not be written; the old one is untouched.
        """
        with self._lock:
            if not self._changed:
                return
            text = json.dumps(self._values, indent=1, ensure_ascii=False, sort_keys=True)
            write_atomically(self._path, text.encode("utf-8", "backslashreplace"))
            self._changed = False

    def _loaded(self) -> dict[str, Any]:
        if self._values is None:
            self._values = self._read()
        return self._values

    def _read(self) -> dict[str, Any]:
        with told(self._path, "read"):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                return {}
        try:
            values = json.loads(data)
        except ValueError:
            values = None
        if isinstance(values, dict):
            return values
        quarantine(self._path)
        return {}
