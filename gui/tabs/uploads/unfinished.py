"""What interrupted programs have left in the bucket: unfinished uploads and backups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QVBoxLayout, QWidget

from core.engine.leftovers import Leftovers
from core.errors import AccessDenied, StorageError
from core.model.backup_listing import OrphanParts
from core.transfer.sweep import Owner, SweepReport, UnfinishedUpload
from core.units import format_age, format_count, format_counted, format_size
from gui.context import Context
from gui.dialogs.confirm import ask
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.widgets.buttons import danger_button, quiet_button
from gui.widgets.labels import AgePill, muted_label, shown
from gui.widgets.panel import Panel
from gui.widgets.table import make_table

#: Height in pixels of the table.
_HEIGHT = 168
#: Width in pixels below which the section has a shorter title.
_WIDE = 620
_HEADS = ("Key", "Type", "Started", "Size", "Owner")
KEY, WHAT, BEGUN, SIZE, WHOSE = range(len(_HEADS))
_Row = UnfinishedUpload | OrphanParts


class UnfinishedModel(Columns):
    """One row for each unfinished upload and each folder with parts of a backup."""

    heads = _HEADS
    numbers = frozenset({SIZE})
    ages = True

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[_Row] = []

    def show(self, rows: Sequence[_Row]) -> None:
        """Show these rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() in self.numbers else None
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == KEY:
            return shown(_key(self.rows[index.row()]))
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(self.rows[index.row()])[index.column()]
        return None

    def _count(self) -> int:
        return len(self.rows)


class UnfinishedPane(QWidget):
    """The unfinished uploads and backups; hidden while there are none.

    Signals:
        remove_wanted: the rows that the user has selected and confirmed.
        rule_wanted: the user wants a lifecycle rule that removes unfinished uploads.
        retry_wanted: the user wants another listing after a failed one.
    """

    remove_wanted = Signal(object)
    rule_wanted = Signal()
    retry_wanted = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.model = UnfinishedModel(self)
        self.table = make_table(
            self.model, "Unfinished in the bucket", settings=context.settings,
            key="uploads/unfinished", sortable=False, multiple=True,
        )  # fmt: skip
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setMaximumHeight(_HEIGHT)
        self.remove = danger_button("Remove…", self._on_remove)
        self.toggle = quiet_button("Show", self._on_toggle)
        self.rule = quiet_button("Expire by rule…", self.rule_wanted.emit)
        self.rule.set_hint("Add a lifecycle rule by which S3 removes unfinished uploads itself")
        self.retry = quiet_button("Retry", self.retry_wanted.emit)
        self.retry.set_hint("List the unfinished uploads again")
        self._note = ""
        self._problem = muted_label("", wrap=True)
        self._problem.setContentsMargins(12, 6, 12, 6)
        self._panel = Panel(
            "Unfinished in the bucket", self._problem, self.table,
            actions=(self.retry, self.toggle, self.rule, self.remove),
        )  # fmt: skip
        self.age = AgePill()
        self._panel.head.add_pill(self.age)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self.table.hide()
        self.hide()
        self.table.selectionModel().selectionChanged.connect(self.update_state)

    def show_found(self, found: Leftovers) -> None:
        """Show the rows; hide the section without any."""
        self.model.show([*found.uploads, *found.parts])
        size = sum(each.size or 0 for each in self.model.rows)
        self._note = _counts(found, size)
        self._show_title(self.width())
        self.age.set_fetched()
        self._show_problem(found.problem)
        self.setVisible(bool(self.model.rows) or bool(found.problem))
        self.toggle.setVisible(bool(self.model.rows))
        self.remove.setVisible(bool(self.model.rows))
        self.rule.setVisible(bool(found.uploads))
        self.update_state()

    def show_failed(self, error: StorageError) -> None:
        """Show that the listing failed; rows that were found before stay."""
        self.age.set_failed()
        if self.model.rows:
            self._show_problem(_problem_of(error))
            self.update_state()
            return
        self._note = "unknown"
        self._show_title(self.width())
        self._show_problem(_problem_of(error))
        self.toggle.hide()
        self.rule.hide()
        self.remove.hide()
        self.table.hide()
        self.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the long or the short title according to the available width."""
        super().resizeEvent(event)
        self._show_title(event.size().width())

    def _show_title(self, width: int) -> None:
        if width >= _WIDE:
            self._panel.head.set_title("Unfinished in the bucket", self._note)
        else:  # a note that is cut to a few letters says nothing
            self._panel.head.set_title("Unfinished")
        self.toggle.set_hint(self._note)

    def clear(self) -> None:
        """Clear and hide the section, for example for another bucket."""
        self.model.show([])
        self.age.clear_age()
        self.hide()

    def update_state(self, *_changes: object) -> None:
        """Enable the button if there is something to remove."""
        if locked := self._context.locked_reason:
            self.remove.allow(allowed=False, reason=locked)
        else:
            self.remove.allow(
                bool(self._removable()), "It is still being uploaded from this computer."
            )
        self.toggle.setText("Hide" if self.table.isVisibleTo(self) else "Show")

    def _removable(self) -> list[_Row]:
        """Return the selected rows, or all, without uploads that are running on this computer."""
        chosen = {index.row() for index in self.table.selectionModel().selectedRows()}
        # Without a selection the button applies to all rows.
        rows = [self.model.rows[number] for number in sorted(chosen)] or self.model.rows
        # Removing a running upload would make it fail.
        return [row for row in rows if _whose(row) != Owner.RUNNING.value]

    def _show_problem(self, text: str) -> None:
        self._problem.setText(text)
        self._problem.setVisible(bool(text))
        self.retry.setVisible(bool(text))

    def _on_toggle(self) -> None:
        self.table.setVisible(not self.table.isVisibleTo(self))
        self.update_state()

    def _on_remove(self) -> None:
        rows = self._removable()
        others = sum(_whose(row) == Owner.OTHERS.value for row in rows)
        text = (
            "The uploaded parts are deleted, and the missing ones cannot be uploaded later: "
            "this cannot be undone. Objects and complete backups stay."
        )
        if others:
            text = (
                f"{text} {format_count(others)} of them may still be running on another computer: "
                "that upload or backup would fail."
            )
        ask(
            self,
            "Remove 1 entry?" if len(rows) == 1 else f"Remove {format_count(len(rows))} entries?",
            text,
            lambda: self.remove_wanted.emit(rows),
            names=[
                f"{_key(row)}   {_texts(row)[SIZE]}, {_texts(row)[BEGUN]}, {_whose(row)}"
                for row in rows
            ],
            button="Remove",
            danger=True,
            typed=self._name_to_type(rows),
        )

    def _name_to_type(self, rows: Sequence[_Row]) -> str:
        """Return the last part of the only key, or the bucket name for several keys."""
        if len(rows) == 1:
            key = _key(rows[0])
            return key.removesuffix("/").rpartition("/")[2] or key
        workspace = self._context.workspace
        return workspace.bucket.name if workspace is not None else ""


def arguments_of(rows: Sequence[_Row]) -> dict[str, Any]:
    """Return the arguments of the operation `leftovers.remove` for these rows."""
    uploads = [row for row in rows if isinstance(row, UnfinishedUpload)]
    parts = [row for row in rows if isinstance(row, OrphanParts)]
    return {
        "uploads": [(row.key, row.upload_id) for row in uploads],
        "folders": [row.folder for row in parts],
    }


def removal_text(report: SweepReport) -> tuple[str, str]:
    """Return what was removed, and what could not be removed (empty for none)."""
    count = len(report.uploads)
    done = "1 entry removed." if count == 1 else f"{format_count(count)} entries removed."
    if not report.failed:
        return done, ""
    first = report.failed[0]
    return done, f"{format_count(len(report.failed))} not removed. {first.key}: {first.reason}."


def _counts(found: Leftovers, size: int) -> str:
    uploads = format_counted(len(found.uploads), "upload")
    backups, bytes_ = format_counted(len(found.parts), "backup"), format_size(size)
    if found.uploads and found.parts:
        return f"{uploads} · parts of {backups} · {bytes_}"
    if found.uploads:
        return f"{uploads} · {bytes_}"
    return f"parts of {backups} · {bytes_}" if found.parts else ""


def _key(row: _Row) -> str:
    return row.folder if isinstance(row, OrphanParts) else row.key


def _whose(row: _Row) -> str:
    if isinstance(row, OrphanParts):
        return str((Owner.OURS if row.mine else Owner.OTHERS).value)
    return str(row.owner.value)


def _texts(row: _Row) -> tuple[str, ...]:
    if isinstance(row, OrphanParts):
        what, began = f"backup of {row.table}", row.modified
    else:
        what, began = "upload", row.began
    age = format_age(began) if began is not None else ""
    size = "unknown" if row.size is None else format_size(row.size)
    return shown(_key(row)), what, age, size, _whose(row)


def _problem_of(error: StorageError) -> str:
    """Return that the listing failed, and the missing permission if it was denied."""
    needs = f" This needs {error.action}." if isinstance(error, AccessDenied) else ""
    return f"Unfinished uploads could not be listed: {error.summary}.{needs}"
