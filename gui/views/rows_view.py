"""Views of JSON trees and bytes, and how the cells of all previews are copied."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout, QWidget

from core.preview import HexDump, Problem, Tree
from core.preview.cells import safe_cell
from gui import shortcuts, theme
from gui.views.json_model import JsonModel
from gui.views.lines_model import BYTES, FEW_BYTES, HexModel
from gui.widgets.cells import PADDING
from gui.widgets.table import columns_of, make_table, make_tree

#: Approximate number of tree rows expanded at once, and size of branches always expanded.
_ROWS_OPENED = 40
_SHORT_BRANCH = 12
_NAMES_WIDE = 190


class TreeView(QWidget):
    """A JSON value as a tree, expanded to fill a screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = JsonModel(self)
        self.view = make_tree(self.model, "JSON tree", header=True)
        columns_of(self.view).leave()
        # Of a long value the beginning matters, of a key the end.
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.view.setColumnWidth(0, _NAMES_WIDE)
        _filling(self, self.view)
        copy_with(self.view)

    def show_content(self, tree: Tree) -> None:
        """Show a value with its first branches expanded."""
        self.model.set_root(tree.value)
        self._open(QModelIndex(), _ROWS_OPENED)

    def _open(self, parent: QModelIndex, remaining: int) -> int:
        """Expand the branches below a row in order while more rows may become visible.

        A long branch is expanded only if nothing follows it.

        Args:
            parent: the row, or the invalid index for the root.
            remaining: how many more rows may become visible.

        Returns:
            How many more rows may become visible after that.
        """
        rows = self.model.rowCount(parent)
        for row in range(rows):
            if remaining <= 0:
                break
            index = self.model.index(row, 0, parent)
            if not self.model.hasChildren(index):
                continue
            size = self.model.size(index)
            if size <= _SHORT_BRANCH or row == rows - 1:
                # Only of these: creating the rows of all branches would take too long.
                if self.model.rowCount(index) == 0:
                    self.model.fetchMore(index)
                self.view.expand(index)
                remaining = self._open(index, remaining - min(size, _SHORT_BRANCH))
        return remaining

    def go_to(self, problem: Problem) -> None:
        """Do nothing, since problems refer to table rows."""


class HexView(QWidget):
    """Bytes in hexadecimal beside their characters."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = HexModel(self)
        self.view = make_table(self.model, "Bytes", sortable=False, multiple=True)
        dense(self.view)
        _filling(self, self.view)
        copy_with(self.view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many bytes in a line as the width has room for."""
        super().resizeEvent(event)
        room = self.width() - self.view.verticalScrollBar().sizeHint().width()
        self.model.set_width(BYTES if sum(_hex_widths(BYTES)) <= room else FEW_BYTES)
        for column, width in enumerate(_hex_widths(self.model.width)):
            self.view.setColumnWidth(column, width)

    def show_content(self, dump: HexDump) -> None:
        """Show bytes."""
        self.model.set_dump(dump)

    def go_to(self, problem: Problem) -> None:
        """Do nothing, since problems of bytes have no position."""


def _hex_widths(count: int) -> tuple[int, int, int]:
    """Return the widths of offset, bytes and letters with so many bytes in a line."""
    letter = QFontMetricsF(theme.mono_font()).horizontalAdvance("0")
    offset, numbers, letters = (
        int(length * letter) + 2 * PADDING + 2 for length in (8, 3 * count - 1, count)
    )
    return offset, numbers, letters


def dense(view: QTableView) -> None:
    """Give a table of lines low rows and no header."""
    columns_of(view).leave()
    view.horizontalHeader().hide()
    view.verticalHeader().setMinimumSectionSize(18)
    view.verticalHeader().setDefaultSectionSize(20)
    view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)


def reveal(view: QAbstractItemView, index: QModelIndex) -> None:
    """Select a row and scroll to it."""
    if index.isValid():
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        rows = QItemSelectionModel.SelectionFlag.Rows
        view.selectionModel().setCurrentIndex(index, flags | rows)
        view.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)


def copy_with(view: QAbstractItemView) -> None:
    """Let Ctrl+C copy the selected rows with tab-separated cells."""
    shortcuts.bind("rows.copy", view, lambda: copy_rows(view))


def copy_rows(view: QAbstractItemView) -> None:
    """Copy the selected rows to the clipboard; cells that look like formulas get a quote."""
    rows = sorted(view.selectionModel().selectedRows(), key=lambda index: index.row())
    lines = []
    for index in rows:
        cells = (index.siblingAtColumn(n) for n in range(index.model().columnCount()))
        # Data of a bucket may contain formulas, which a spreadsheet would execute after pasting.
        lines.append("\t".join(safe_cell(str(cell.data() or "")) for cell in cells))
    if lines:
        QGuiApplication.clipboard().setText("\n".join(lines))
    else:
        shortcuts.explain(view, "Select rows first.")


def _filling(holder: QWidget, view: QAbstractItemView) -> None:
    box = QVBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    box.addWidget(view)
    holder.setFocusProxy(view)
    holder.setMinimumHeight(theme.ROW * 5)
