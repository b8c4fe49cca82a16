"""Saves and restores the window's geometry, splitters and last tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QSplitter, QWidget

from core.errors import LocalIOError

if TYPE_CHECKING:
    from core.local.settings import Settings


class WindowState:
    """Reads and writes the window's settings; unreadable ones are replaced by defaults."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def state(self, key: str) -> QByteArray | None:
        """Return the stored Qt state of a part of the window."""
        stored = self._stored(key)
        return QByteArray.fromBase64(stored.encode()) if isinstance(stored, str) else None

    def last_tab(self, ids: Sequence[str]) -> int:
        """Return the index of the last open tab; that of the Browser at the first start."""
        last = self._stored("window/tab")
        # A stored id may be that of a tab that a later version has renamed.
        return ids.index(last if isinstance(last, str) and last in ids else "browser")

    def restore_splitters(self, tab_id: str, tab: QWidget) -> None:
        """Restore the splitters of a tab."""
        for number, split in enumerate(tab.findChildren(QSplitter)):
            state = self.state(f"splitters/{tab_id}/{number}")
            if state is not None:
                split.restoreState(state)

    def save(
        self, states: Mapping[str, QByteArray], tab_id: str, tabs: Mapping[str, QWidget]
    ) -> None:
        """Store the state of the window.

        Args:
            states: Qt's states of parts of the window, by settings key.
            tab_id: the id of the current tab.
            tabs: the created tabs by id, whose splitters are stored.

        Raises:
            LocalIOError: the settings cannot be written.
        """
        found: dict[str, QByteArray | None] = dict(states)
        for each, tab in tabs.items():
            for number, split in enumerate(tab.findChildren(QSplitter)):
                # A hidden part has no size: the next window would show it with its smallest one.
                parts = map(split.widget, range(split.count()))
                hidden = any(part is not None and part.isHidden() for part in parts)
                state = None if hidden else split.saveState()
                found[f"splitters/{each}/{number}"] = state
        for key, state in found.items():
            self._settings.set(key, None if state is None else state.toBase64().toStdString())
        self._settings.set("window/tab", tab_id)
        self._settings.flush()

    def _stored(self, key: str) -> object:
        try:
            return self._settings.get(key)
        except LocalIOError:
            return None
