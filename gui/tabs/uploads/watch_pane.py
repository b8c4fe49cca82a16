"""The watched folder: its files that were stored or refused, newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.filing.hot_files import HotFile, HotState
from core.units import format_count, format_size
from gui.context import Context
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, TONE_ROLE
from gui.widgets.buttons import icon_button, plain_button, quiet_button
from gui.widgets.labels import shown
from gui.widgets.panel import Panel
from gui.widgets.table import columns_of, make_table

NAME, STATE, SIZE, KEY = range(4)
_TONES = {
    HotState.FILED: "good",
    HotState.ALREADY_STORED: "good",
    HotState.REFUSED: "danger",
    HotState.POSTPONED: "warning",
}
#: Number of listed files; older ones are only counted.
_MOST_ROWS = 1000
_WIDTHS = (112, 84, 320)


class HotFilesModel(Columns):
    """The outcomes of the files of a watched folder, newest first."""

    heads = ("File", "State", "Size", "Key or reason")
    numbers = frozenset({SIZE})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[HotFile] = []
        self.counts: Counter[HotState] = Counter()

    def clear(self) -> None:
        """Remove all files."""
        self.beginResetModel()
        self.rows, self.counts = [], Counter()
        self.endResetModel()

    def add(self, outcome: HotFile) -> None:
        """Add an outcome at the top; a postponed file has only its latest one."""
        self._remove_postponed(outcome.name)
        self.counts[outcome.state] += 1
        self.beginInsertRows(NOWHERE, 0, 0)
        self.rows.insert(0, outcome)
        self.endInsertRows()
        if len(self.rows) > _MOST_ROWS:
            self._remove(len(self.rows) - 1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or appearance."""
        if not index.isValid():
            return None
        one, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(one)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            texts = {NAME: shown(one.moved or one.name), KEY: one.reason or shown(one.key)}
            return texts.get(column)
        return _appearance(one, column, role)

    def _count(self) -> int:
        return len(self.rows)

    def _remove_postponed(self, name: str) -> None:
        for row, former in enumerate(self.rows):
            if former.name == name and former.state is HotState.POSTPONED:
                self.counts[HotState.POSTPONED] -= 1
                self._remove(row)
                return

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(NOWHERE, row, row)
        del self.rows[row]
        self.endRemoveRows()


class WatchPane(QWidget):
    """The files of the watched folder, with the buttons to stop and start it; hidden at first."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.model = HotFilesModel(self)
        self.table = make_table(
            self.model, "Files of the watched folder", settings=context.settings,
            key="uploads/watch", sortable=False,
        )  # fmt: skip
        columns_of(self.table).fill_with_names(*_WIDTHS)
        self.stop = plain_button("Stop")
        self.stop.setAccessibleName("Stop watching the folder")
        self.folder = quiet_button("Open folder")
        self.close_list = icon_button("close", "Hide the list of the watched folder")
        self._panel = Panel(
            "Watched folder", self.table, actions=(self.folder, self.stop, self.close_list)
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self.hide()

    def show_state(self, name: str, *, running: bool) -> None:
        """Show the name of the folder, the counts, and whether it is watched."""
        self._panel.head.set_title("Watched folder", counts_text(name, self.model.counts))
        self.stop.setVisible(running)
        self.close_list.setVisible(not running)


def counts_text(name: str, counts: Counter[HotState]) -> str:
    """Return the name of a folder and the number of its files in each state."""
    filed = counts[HotState.FILED] + counts[HotState.ALREADY_STORED]
    parts = [shown(name), f"{format_count(filed)} filed"]
    if counts[HotState.REFUSED]:
        parts.append(f"{format_count(counts[HotState.REFUSED])} refused")
    if counts[HotState.POSTPONED]:
        parts.append(f"{format_count(counts[HotState.POSTPONED])} postponed")
    return " · ".join(parts)


def _appearance(one: HotFile, column: int, role: int) -> Any:
    if role == Qt.ItemDataRole.TextAlignmentRole:
        return RIGHT if column == SIZE else None
    if role == PILL_ROLE:
        return _TONES[one.state] if column == STATE else None
    if role == MONO_ROLE:
        return True if column == NAME or (column == KEY and not one.reason) else None
    return "muted" if role == TONE_ROLE and column in {SIZE, KEY} else None


def _texts(one: HotFile) -> Sequence[str]:
    reason = " ".join(one.reason.splitlines())
    return shown(one.name), one.state.value, format_size(one.size), reason or shown(one.key)
