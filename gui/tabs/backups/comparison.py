"""Comparison of two selected backups, and the dialog with the differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from core.model.backup import Backup
from core.model.comparison import BackupComparison, ComparedRow, RowChange
from core.units import format_counted, format_duration
from gui.models.roles import PILL_ROLE, TONE_ROLE
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.models import when
from gui.tabs.backups.rows_model import Rows
from gui.tabs.base import Tab
from gui.widgets.buttons import primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import shown, text_label, tooltip
from gui.widgets.table import make_table

_NONE = "\N{EN DASH}"
_TONES = {RowChange.ADDED: "good", RowChange.CHANGED: "warning", RowChange.REMOVED: "danger"}
#: Lines about schemas and filters that are shown; all of them are in the tooltip.
_MOST_LINES = 4


class ComparisonModel(Rows):
    """Sampled rows that differ: one line for each changed value, or for an added or removed row."""

    heads = ("Change", "Row", "Column", "First backup", "Second backup")
    mono = frozenset((1, 2, 3, 4))

    def __init__(self, found: BackupComparison, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changes: list[RowChange] = []
        self.heads = ("Change", ", ".join(found.by_key) or "Row", *self.heads[2:])
        lines = []
        for row in found.rows:
            for line in _lines(found, row):
                self._changes.append(row.change)
                lines.append((row.change.value, *line))
        self._replace([tuple(shown(text) for text in line) for line in lines], list(lines))

    def _drawn(self, row: int, column: int, role: int) -> Any:
        change = self._changes[row]
        if role == PILL_ROLE and column == 0:
            return _TONES[change]
        if role == TONE_ROLE and column >= 3:
            return "danger" if column == 3 else "good"
        if role == Qt.ItemDataRole.ToolTipRole and column >= 1:
            return tooltip(str(self._values[row][column]))
        return super()._drawn(row, column, role)


def _lines(found: BackupComparison, row: ComparedRow) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, column, and the values in both backups."""
    before = dict(zip(found.columns, row.before, strict=False))
    after = dict(zip(found.columns, row.after, strict=False))
    present = before or after
    key = ", ".join(present[name] for name in found.by_key) or _NONE
    if row.change is RowChange.CHANGED:
        for name in row.different:
            yield key, name, before[name], after[name]
        return
    values = [f"{name}: {present[name]}" for name in found.columns if name not in found.by_key]
    text = ", ".join(values) or _NONE
    yield key, "(row)", text if before else _NONE, text if after else _NONE


class ComparisonDialog(Dialog):
    """The differences of two backups: counts, schemas, and sampled rows side by side."""

    def __init__(self, parent: QWidget | None, found: BackupComparison) -> None:
        title = f"Two backups of {shown(found.before.table)}"
        super().__init__(parent, title, width=900, height=560)
        times = f"First: {when(found.before.taken)}. Second: {when(found.after.taken)}."
        self.times = text_label(times, wrap=True)
        self.counts = text_label(counts_text(found), wrap=True)
        lines = [*found.notes, *found.drift]
        shown_lines = lines[:_MOST_LINES]
        if len(lines) > _MOST_LINES:
            shown_lines.append("The tooltip shows more differences of the schemas.")
        self.notes = text_label("\n".join(map(shown, shown_lines)), wrap=True)
        self.notes.setToolTip(tooltip("\n".join(lines)))
        self.notes.setVisible(bool(lines))
        self.model = ComparisonModel(found, self)
        self.table = make_table(self.model, "Rows that differ", sortable=False)
        for column, width in enumerate((96, 120, 120, 240)):
            self.table.setColumnWidth(column, width)
        self.table.horizontalHeader().setStretchLastSection(True)
        empty = EmptyState("The rows are equal", _how_compared(found))
        self.view = Loadable(self.table, empty)
        if self.model.rowCount():
            self.view.show_view()
        else:
            self.view.show_empty()
        self.method = text_label(_method_text(found), wrap=True)
        self.method.setProperty("tone", "muted")
        for label in (self.times, self.counts, self.notes):
            self.body.addWidget(label)
        self.add_stretching(self.view)
        self.body.addWidget(self.method)
        self.add_buttons(primary_button("Close", self.reject))


def counts_text(found: BackupComparison) -> str:
    """Return how many rows were added, changed and removed from the first to the second backup."""
    return (
        f"{format_counted(found.added, 'row')} added, {format_counted(found.changed, 'row')} "
        f"changed, {format_counted(found.removed, 'row')} removed, "
        f"{format_counted(found.unchanged, 'row')} unchanged."
    )


def _how_compared(found: BackupComparison) -> str:
    if found.by_hash:
        return "The hashes of all rows are equal, so no row had to be read."
    return "All rows were read and compared."


def _method_text(found: BackupComparison) -> str:
    took = format_duration(found.seconds)
    if found.by_hash:
        return f"Compared by hash in {took}."
    samples = format_counted(len(found.rows), "row")
    if found.by_key:
        return f"Compared by {', '.join(found.by_key)} in {took}; {samples} shown."
    return f"Complete rows were compared in {took}, since there is no common key; {samples} shown."


class ComparisonActions(QObject):
    """Compares the two selected backups of the list.

    Args:
        tab: runs the operation.
        backups: the list of backups.
    """

    def __init__(self, tab: Tab, backups: BackupsPanel) -> None:
        super().__init__(tab)
        self._tab = tab
        backups.compare_wanted.connect(self.compare)

    def compare(self, before: Backup, after: Backup) -> None:
        """Compare two backups of a table, and show the differences in a dialog."""
        self._tab.bulk(
            f"Compare two backups of {before.table}",
            "backup.compare",
            {"table": before.table, "before": before.id, "after": after.id},
            self._on_compared,
            command=self._tab.command("backup.compare", before.table, before.id, after.id),
        )

    def _on_compared(self, found: BackupComparison) -> None:
        ComparisonDialog(self._tab, found).open()
