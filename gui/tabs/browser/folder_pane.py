"""The centre column: path, age of the list, filter, objects and the summary of the selection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from core.errors import AccessDenied, StorageError
from gui import actions, shortcuts, theme
from gui.context import Context
from gui.tabs.browser.counting import list_text, selection_text
from gui.tabs.browser.folder_columns import Entries
from gui.tabs.browser.folder_model import MANY_ROWS, ONE_BY_ONE, FolderModel
from gui.tabs.browser.folder_rows import KIND, MODIFIED, NAME
from gui.tabs.browser.list_pane import bar, lay_out_list_pane, remedy_of
from gui.tabs.browser.loading import Page
from gui.tabs.browser.path_bar import PathBar
from gui.tabs.browser.tree_model import Total
from gui.widgets.buttons import icon_button, link_button, plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import filter_of
from gui.widgets.icons import icon
from gui.widgets.labels import AgePill, Elided
from gui.widgets.table import choose_row, columns_of, make_table

_MODIFIED_FROM, _KIND_FROM = 400, 640  # minimum width of the pane in pixels for each column
#: Milliseconds without a key press after which the filter is applied.
_FILTER_MS = 80
_SKELETON_MS = 150  # milliseconds; no loading state for folders that load faster
#: Widths of size, date and kind in pixels.
_WIDTHS = (88, 190, 100)
#: Selecting more separate rows than this takes seconds, so they are not selected again.
_RUNS = 500
#: Width in pixels that the table needs for readable names.
_MIN_TABLE_WIDTH = 340


class FolderPane(QWidget):
    """The list of one folder.

    Signals:
        selection_changed: other rows are selected.
        opened: an `Entry` was opened by double click or Enter.
        stop_wanted, more_wanted: end the listing, or continue it.
        upload_wanted: the user wants to upload into an empty folder.
        filtered: the current filter.
        nearest_wanted: the folder does not exist; the user wants the nearest existing one.
    """

    selection_changed = Signal()
    opened = Signal(object)
    stop_wanted = Signal()
    more_wanted = Signal()
    upload_wanted = Signal()
    nearest_wanted = Signal()
    filtered = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.model = FolderModel(self, self._in_background)
        self.back = icon_button("back", actions.tip("browser.back"))
        self.forward = icon_button("forward", actions.tip("browser.forward"))
        self.bookmarks = icon_button("star", "Bookmarks and recent folders")
        self.path = PathBar()
        self.age = AgePill()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter this folder; * and ? are wildcards")
        self.upload = plain_button(actions.action("upload").text)
        self.upload.set_hint(actions.tip("upload"))
        self.download = primary_button(actions.action("browser.download").text)
        self.download.set_hint(actions.tip("browser.download"))
        self.table = make_table(
            self.model, "Objects of this folder",
            settings=context.settings, key="browser/folder", multiple=True,
            rising=NAME,
        )  # fmt: skip
        filter_of(self.filter, self.table)
        self.state = Loadable(self.table, EmptyState("", ""))
        self.count = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.stop = link_button("Stop", self.stop_wanted.emit)
        self.more = link_button("Load more", self.more_wanted.emit)
        # `_more`: the listing is incomplete. `_stale`: the rows are those of the former listing.
        # `_quiet`: changes of the selection are not announced.
        # `_announced`: rows were selected when the selection was announced last.
        self._more = self._stale = self._quiet = self._announced = False
        self._total: tuple[Total, bool] | None = None
        #: Returns the total of a folder of the list, if it is known.
        self.total_of: Callable[[str], tuple[Total, bool] | None] = lambda _prefix: None
        self._prefix = self._filled = self._chosen = ""
        self._focus_due = False  # whether the list had the focus when something replaced it
        self._stand_in: QWidget | None = None
        self._scrolled = 0  # the scroll position before the list is reloaded
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        lay_out_list_pane(
            self, bar(self.path, self.age, self.bookmarks, before=(self.back, self.forward)), (self.filter, self.upload, self.download), self.state,
            (self.count, self.stop, self.more),
        )  # fmt: skip
        self._size_columns()

    def _size_columns(self) -> None:
        """Give the name the remaining width; the other columns have texts of known widths."""
        self.table.setMinimumWidth(_MIN_TABLE_WIDTH)
        columns_of(self.table).fill_with_names(*_WIDTHS)

    def _connect(self) -> None:
        self._loading = QTimer(self, singleShot=True, interval=_SKELETON_MS)
        self._loading.timeout.connect(self._show_skeleton)
        self._filtering = QTimer(self, singleShot=True, interval=_FILTER_MS)
        self._filtering.timeout.connect(self._on_filter)
        self.filter.textChanged.connect(self._filtering.start)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.model.modelReset.connect(self._on_selection)
        self.model.filter_about_to_change.connect(self._before_filter)
        self.model.filter_changed.connect(self._after_filter)
        self.table.activated.connect(self._on_activated)
        self.state.empty.button.clicked.connect(self._on_empty_button)
        theme.current().changed.connect(self._paint)
        self.bind_unfilter(self.table)
        self._paint()

    def bind_unfilter(self, view: QWidget, *, listed: bool = True) -> None:
        """Let Esc in a view clear the filter; the search (Ctrl+K) lists one of these views."""
        shortcuts.bind(
            "objects.unfilter", view, self.filter.clear,
            lambda: "" if self.filter.text() else "There is no filter to clear.", listed=listed,
        )  # fmt: skip

    # Content

    def show_rows_of(self, prefix: str) -> None:
        """Show another folder, whose rows `add` adds; rows of the same folder stay until then."""
        self._stale = True
        if prefix != self.model.prefix or not self.model.total:
            self._stale = False
            self.path.show_prefix(prefix)
            self.filter.clear()
            self._filtering.stop()
            self._replace(prefix)
            self.model.set_filter("")
            self.age.clear_age()
            self._loading.start()
        self._prefix = prefix
        self._total = self.total_of(prefix)
        self.show_listing(running=True, more=False)

    def _replace(self, prefix: str) -> None:
        """Remove the old rows."""
        self._scrolled = self.table.verticalScrollBar().value() if self._stale else 0
        self._stale = False
        self.age.clear_age()
        self.model.clear(prefix)

    def add(self, page: Page, select: str = "") -> bool:
        """Add one page and select a key; return whether the page contains it."""
        self._loading.stop()
        self._quiet = True
        if self._stale:
            self._replace(self._prefix)
        self.model.add(page.rows)
        self._filled = self._prefix if self.model.total else self._filled
        if not self.age.text():
            self.age.set_fetched(page.fetched)
        self._show_list()
        found = bool(select) and self.select(select)
        self._quiet = False
        self.show_listing(running=True, more=False)
        # A page seldom changes the selection, whose announcement takes 10 ms.
        if self._announced or len(self.selected):
            self._on_selection()
        return found

    def show_listing(self, *, running: bool, more: bool) -> None:
        """Show whether the listing is running or stopped before its end."""
        self.stop.setVisible(running)
        self.more.setVisible(more and not running)
        self._more = more or running
        self._show_count()

    def finished(self, *, more: bool) -> None:
        """Show that the listing has ended, or stopped before its end."""
        self._loading.stop()
        if self._scrolled:
            self.table.verticalScrollBar().setValue(self._scrolled)
            self._scrolled = 0
        self.show_listing(running=False, more=more)
        if self.model.total == 0:
            self._show_nothing()

    def scroll_later(self, position: int) -> None:
        """Scroll to a position once the rows are listed."""
        self._scrolled = position

    def _show_nothing(self) -> None:
        """Show why there are no rows: in S3 a folder exists only while it contains objects."""
        if self._prefix:
            emptied = self._filled == self._prefix
            title = "This folder is empty now" if emptied else "No such folder"
            text = f"No key in this bucket starts with {self._prefix}"
            self.state.empty.set_text(title, text, "Go to the nearest folder")
        else:
            text = "Drop files here or upload them."
            self.state.empty.set_text("This bucket is empty", text, "Upload…")
        self._hide_list(self.state.show_empty)
        if self._focus_due:
            self.state.empty.button.setFocus()
            self._stand_in = self.state.empty.button

    def _on_empty_button(self) -> None:
        (self.nearest_wanted if self._prefix else self.upload_wanted).emit()

    def focus_list(self) -> None:
        """Focus the selected or first row of the list or, without rows, what is shown instead."""
        if not self.model.rowCount():
            self.state.empty.button.setFocus()
            return
        if not self.table.currentIndex().isValid():
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            top = max(self.table.rowAt(theme.ROW - 1), 0)  # another row would be scrolled to
            self.table.selectionModel().setCurrentIndex(self.model.index(top, NAME), flag)
        self.table.setFocus()

    def show_unconnected(self, choose: Callable[[], object]) -> None:
        """Show that a connection is required."""
        self._loading.stop()
        self.path.show_prefix("")
        self._replace("")
        self.age.clear_age()
        self.show_listing(running=False, more=False)
        self.count.setText("")
        self.state.show_unconnected(choose)

    def failed(self, error: StorageError) -> None:
        """Show the reason instead of rows."""
        self._loading.stop()
        self.show_listing(running=False, more=False)
        self.count.setText("")
        # Rows that were listed before are more useful than a message.
        if self.model.total:
            self._stale = False
            self.age.set_failed()
            return
        title = (
            "Access to this folder is denied" if isinstance(error, AccessDenied) else error.summary
        )
        self.state.empty.set_text(title, remedy_of(error), "")
        self._hide_list(self.state.show_empty)

    # Selection

    @property
    def selected(self) -> Entries:
        """The selected rows from top to bottom."""
        return self.model.entries(self._ranges())

    def _ranges(self) -> list[tuple[int, int]]:
        """Return the selected rows as ranges instead of one by one: there may be 200,000."""
        ranges: list[QItemSelectionRange] = list(
            self.table.selectionModel().selection()  # type: ignore[call-overload]  # it is a list
        )
        return [(each.top(), each.bottom()) for each in ranges]

    def select(self, key: str) -> bool:
        """Select a key; return False if it is not listed."""
        index = self.model.index_of(key)
        if index.isValid():
            choose_row(self.table, index.row())
        return index.isValid()

    def remove(self, keys: Iterable[str]) -> None:
        """Remove rows after a delete and select the row that follows them."""
        removed = frozenset(keys)
        if self._stale and len(removed) > ONE_BY_ONE and self.model.total > MANY_ROWS:
            # The listing that has begun replaces them soon; removing them now takes 100 ms.
            self.table.clearSelection()
            return
        first = next(iter(self.model.runs_of(removed)), (-1, -1))[0]
        self._quiet = True
        self.model.remove(removed, replaced=self._stale)
        self._quiet = False
        if first >= 0 and self.model.rowCount():
            choose_row(self.table, min(first, self.model.rowCount() - 1))
        self._on_selection()

    def select_all_of(self, keys: Sequence[str] | Callable[[], Sequence[str]]) -> None:
        """Select the listed rows of some keys and make the first one current.

        With many rows a worker thread finds them, in which a function is called for the keys; what
        the user selects until they are found stays selected.
        """
        before = self._ranges()
        find = keys if callable(keys) else lambda: keys
        self.model.find_runs(find, lambda runs: self._select_runs(runs, before))

    def _select_runs(self, runs: list[tuple[int, int]], before: list[tuple[int, int]]) -> None:
        if not runs or self._ranges() != before:
            return
        model, selection = self.model, self.table.selectionModel()
        flags = QItemSelectionModel.SelectionFlag
        chosen, top = QItemSelection(), model.index(runs[0][0], NAME)
        for first, last in runs if len(runs) <= _RUNS else ():
            chosen.append(QItemSelectionRange(model.index(first, NAME), model.index(last, KIND)))
        selection.setCurrentIndex(top, flags.NoUpdate)
        selection.select(chosen, flags.ClearAndSelect)
        self.table.scrollTo(top)

    def _show_skeleton(self) -> None:
        self._hide_list(self.state.show_empty)
        self.state.show_loading()

    def _hide_list(self, show: Callable[[], object]) -> None:
        """Hide the list behind another widget; it regains the focus when it is shown again."""
        had = self.table.hasFocus() or (
            self._focus_due and QApplication.focusWidget() is self._stand_in
        )
        show()
        if had:
            self._stand_in = QApplication.focusWidget()
            self._focus_due = True

    def _show_list(self) -> None:
        self.state.show_view()
        if self._focus_due and QApplication.focusWidget() in {self._stand_in, None}:
            self.table.setFocus()
        self._focus_due, self._stand_in = False, None

    def _on_selection(self, *_what: object) -> None:
        if self._quiet:
            return
        self._announced = bool(len(self.selected))
        self._show_count()
        self.selection_changed.emit()

    def show_total(self, prefix: str, total: tuple[Total, bool] | None) -> None:
        """Show the total of the folder as in the tree, and whether it is complete."""
        self._total = total if prefix == self._prefix else None
        self._show_count()

    def _show_count(self) -> None:
        chosen = self.selected
        if self._more and not self.model.total:
            self.count.setText("listing…")
        elif len(chosen) > 1:
            self.count.setText(selection_text(chosen, self.total_of))
        else:
            self.count.setText(list_text(self.model, more=self._more, below=self._total))

    def _in_background(self, compute: Callable[[], Any], then: Callable[[Any], None]) -> None:
        runner = self._context.runner
        runner.run("Arrange the list", lambda _work: compute(), owner=self, then=then, quiet=True)

    def _on_filter(self) -> None:
        self.model.set_filter(self.filter.text())
        self.filtered.emit(self.filter.text())

    def _before_filter(self) -> None:
        # A single selected row stays selected, so that its preview stays; several are not selected
        # again.
        chosen = self.selected
        self._chosen = chosen[0].key if len(chosen) == 1 else ""
        self._quiet = True

    def _after_filter(self) -> None:
        if self._chosen:
            self.select(self._chosen)
        self._quiet = False
        self._on_selection()

    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(self.model.entry(index.row()))

    # Layout

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the columns of date and kind if there is room beside the names."""
        super().resizeEvent(event)
        self.table.setColumnHidden(MODIFIED, self.width() < _MODIFIED_FROM)
        self.table.setColumnHidden(KIND, self.width() < _KIND_FROM)

    def _paint(self) -> None:
        self.model.set_icons(icon("folder", "muted"), icon("file", "muted"))
        self.table.viewport().update()
