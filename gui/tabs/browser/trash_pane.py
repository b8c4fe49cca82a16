"""The trash of a versioned bucket: deleted objects that can be restored."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from core.errors import StorageError
from core.objects.trash import DeletedObject
from core.units import format_count, format_counted, format_size
from gui import shortcuts
from gui.context import Context
from gui.tabs.browser.list_pane import lay_out_list_pane, remedy_of
from gui.tabs.browser.trash_model import BY, DELETED, SIZE, TrashModel
from gui.widgets.buttons import link_button, plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import filter_of, line_edit
from gui.widgets.labels import AgePill, muted_label
from gui.widgets.panel import SectionHead
from gui.widgets.table import choose_row, columns_of, make_table, on_enter

#: Widths in pixels of size, time and user.
_WIDTHS = (88, 180, 150)
_SIZE_FROM, _BY_FROM = 400, 560  # minimum width of the pane in pixels for each column
_EMPTY = "The trash is empty"
_CLOSED = "Deleted objects cannot be opened. Restore them first."
_WHY = "Deleted objects of this versioned bucket appear here and can be restored."


class TrashPane(QWidget):
    """The list of deleted objects.

    Signals:
        selection_changed: other rows are selected.
        restore_wanted: `DeletedObject`s to restore, and whether the user chose all.
        stop_wanted, more_wanted: end the listing, or continue it.
        left: the user wants to return to the folder.
    """

    selection_changed = Signal()
    restore_wanted = Signal(list, bool)
    stop_wanted = Signal()
    more_wanted = Signal()
    left = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.model = TrashModel(self)
        self.age = AgePill()
        self.filter = line_edit("Filter the trash", "Filter the trash")
        self.back = link_button("Back to the folder", self.left.emit)
        self.restore_all = plain_button("Restore all…", self._on_restore_all)
        self.restore = primary_button("Restore", self._on_restore)
        self.table = make_table(
            self.model, "Deleted objects", settings=context.settings, key="browser/trash",
            multiple=True, falling=DELETED,
        )  # fmt: skip
        filter_of(self.filter, self.table)
        columns_of(self.table).fill_with_names(*_WIDTHS)
        self.state = Loadable(self.table, EmptyState(_EMPTY, _WHY))
        self.count = muted_label()
        self.stop = link_button("Stop", self.stop_wanted.emit)
        self.more = link_button("Load more", self.more_wanted.emit)
        self._running = self._more = self._failed = self._focus_due = False
        self._read = 0
        self._lay_out()
        on_enter(self.table, self._explain_no_preview)
        self.table.doubleClicked.connect(self._explain_no_preview)
        shortcuts.bind("objects.up", self.table, self.left.emit, listed=False)
        self.filter.textChanged.connect(self._on_filter)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.model.modelReset.connect(self._on_selection)
        context.read_only_changed.connect(self._on_selection)
        self._on_selection()

    def _lay_out(self) -> None:
        head = SectionHead("Trash")
        head.add_action(self.age)
        head.add_action(self.back)
        lay_out_list_pane(
            self, head, (self.filter, self.restore_all, self.restore), self.state,
            (self.count, self.stop, self.more),
        )  # fmt: skip

    # Content

    def show_started(self) -> None:
        """Show that the listing has started; rows of the former one stay until new ones arrive."""
        self._failed = False
        if not self.model.total:
            self.state.show_empty()
            self.state.show_loading()
        self.show_listing(running=True, more=False, versions=0)

    def show_rows(self, fetched: datetime) -> None:
        """Show the new rows and their age."""
        self.age.set_fetched(fetched)
        if self.model.total:
            self.state.show_view()
            if self._focus_due:
                self._focus_due = False
                self.focus_list()

    def show_listing(self, *, running: bool, more: bool, versions: int) -> None:
        """Show the state of the listing and how many versions it has read."""
        self._running, self._more, self._read = running, more, versions
        self.stop.setVisible(running)
        self.more.setVisible(more and not running)
        if not running and not self.model.total and not self._failed:
            self.state.empty.set_text(
                _EMPTY if not more else "No deleted objects found so far", _WHY
            )
            self.state.show_empty()
        self._show_count()

    def show_failed(self, error: StorageError) -> None:
        """Show the reason instead of rows."""
        self._failed = True
        self.age.set_failed()
        if not self.model.total:
            self.state.empty.set_text(error.summary, remedy_of(error))
            self.state.show_empty()
        self.show_listing(running=False, more=False, versions=self._read)

    def clear(self) -> None:
        """Clear the rows, for example for another bucket."""
        self.model.clear()
        self.filter.clear()
        self.age.clear_age()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the columns of size and user if there is room for them."""
        super().resizeEvent(event)
        self.table.setColumnHidden(SIZE, self.width() < _SIZE_FROM)
        self.table.setColumnHidden(BY, self.width() < _BY_FROM)

    # Selection

    @property
    def selected(self) -> list[DeletedObject]:
        """The selected rows from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.item(row) for row in rows]

    def remove(self, keys: tuple[str, ...]) -> None:
        """Remove restored rows and select the row that follows them."""
        first = min((row for row in map(self.model.row_of, keys) if row >= 0), default=-1)
        self.model.remove(keys)
        if first >= 0 and self.model.rowCount():
            choose_row(self.table, min(first, self.model.rowCount() - 1))
        self.show_listing(running=self._running, more=self._more, versions=self._read)

    def select(self, keys: set[str]) -> None:
        """Select the first of some keys that is shown."""
        rows = [row for row in map(self.model.row_of, keys) if row >= 0]
        if rows:
            choose_row(self.table, min(rows))

    def focus_soon(self) -> None:
        """Give the list the focus as soon as it has rows; until then the filter."""
        self._focus_due = True
        self.filter.setFocus()

    def focus_list(self) -> None:
        """Give the list the focus, or the filter while there are no rows."""
        (self.table if self.model.rowCount() else self.filter).setFocus()

    def _on_filter(self, text: str) -> None:
        chosen = {each.key for each in self.selected}
        self.model.set_filter(text)
        self.select(chosen)
        self._show_count()

    def _on_selection(self, *_what: object) -> None:
        locked = self._context.locked_reason
        chosen = len(self.selected)
        self.restore.allow(bool(chosen) and not locked, locked or "Select deleted objects first.")
        rows = self.model.rowCount()
        self.restore_all.allow(bool(rows) and not locked, locked or "There is nothing to restore.")
        self._show_count()
        self.selection_changed.emit()

    def _show_count(self) -> None:
        chosen = self.selected
        if self._failed and not self.model.total:
            self.count.setText("")  # the total number is unknown
            return
        if self._running and not self._read:
            self.count.setText("listing…")
            return
        if len(chosen) > 1:
            size = sum(each.size for each in chosen)
            self.count.setText(f"{format_count(len(chosen))} selected · {format_size(size)}")
            return
        rows, total = self.model.objects, self.model.total
        objects = format_counted(total, "deleted object")
        if len(rows) != total:
            objects = f"{format_count(len(rows))} of {objects}"
        bytes_ = format_size(sum(each.size for each in rows))
        read = format_counted(self._read, "version")
        self.count.setText(
            f"{objects} · {bytes_} · in {read} so far"
            if self._unfinished
            else f"{objects} · {bytes_}"
        )

    @property
    def _unfinished(self) -> bool:
        return self._running or self._more

    def _explain_no_preview(self, *_index: object) -> None:
        shortcuts.explain(self.table, _CLOSED)

    def _on_restore(self) -> None:
        self.restore_wanted.emit(self.selected, False)  # noqa: FBT003 - a signal has no names

    def _on_restore_all(self) -> None:
        self.restore_wanted.emit(self.model.objects, True)  # noqa: FBT003 - a signal has no names
