"""The view of texts and logs: numbered lines, coloured levels, and a search."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from core.preview import Lines, Problem
from gui import shortcuts, theme
from gui.views.lines_model import LinesModel
from gui.views.rows_view import copy_with, dense, reveal
from gui.widgets.buttons import icon_button
from gui.widgets.fields import filter_of
from gui.widgets.labels import muted_label
from gui.widgets.table import make_table

_SEARCH_MS = 150
#: Maximum width of the text in pixels; longer lines end there.
_WIDEST = 20_000


class LinesView(QWidget):
    """Lines with a search field above them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = LinesModel(self)
        self.view = make_table(self.model, "Lines of this object", sortable=False, multiple=True)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find in this text")
        self.search.setAccessibleName("Find in this text")
        filter_of(self.search, self.view)
        self.count = muted_label()
        self._found: list[int] = []
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SEARCH_MS)
        self._later.timeout.connect(self._search)
        self._lay_out()
        self.search.textChanged.connect(self._later.start)
        self.search.returnPressed.connect(lambda: self.step(1))
        shortcuts.bind("lines.find", self.view, self.search.setFocus)

    def _lay_out(self) -> None:
        dense(self.view)
        copy_with(self.view)
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 6, 12, 6)
        bar.addWidget(self.search, 1)
        bar.addWidget(self.count)
        bar.addWidget(icon_button("chevron-up", "Find previous", lambda: self.step(-1)))
        bar.addWidget(icon_button("chevron-down", "Find next", lambda: self.step(1)))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(bar)
        box.addWidget(self.view, 1)
        self.setMinimumHeight(theme.ROW * 6)

    def show_content(self, lines: Lines) -> None:
        """Show lines."""
        self.search.clear()
        self.model.set_lines(lines)
        letter = QFontMetricsF(theme.mono_font()).horizontalAdvance("0")
        numbers = max(3, len(str(self.model.rowCount())))
        self.view.horizontalHeader().resizeSection(0, int(numbers * letter) + 26)
        width = min(_WIDEST, int((self.model.longest() + 1) * letter) + 28)
        self.view.horizontalHeader().setStretchLastSection(False)
        self.view.setColumnWidth(1, max(width, 300))

    def go_to(self, problem: Problem) -> None:
        """Select the line of a problem."""
        if problem.row is not None:
            reveal(self.view, self.model.index(problem.row, 0))

    def step(self, by: int) -> None:
        """Select the next or previous line found."""
        # Enter follows the last key faster than the delay of the search.
        if self._later.isActive():  # the typed text was not searched yet
            self._later.stop()
            self._search()
            return
        if not self._found:
            self.search.setFocus()
            return
        here = self.view.currentIndex().row()
        after = [row for row in self._found if (row > here if by > 0 else row < here)]
        around = self._found[0 if by > 0 else -1]
        self._go((after[0] if by > 0 else after[-1]) if after else around)

    def _search(self) -> None:
        self._found = self.model.found(self.search.text())
        if not self.search.text():
            self.count.setText("")
        elif not self._found:
            self.count.setText("nothing found")
        else:
            self._go(self._found[0])

    def _go(self, row: int) -> None:
        reveal(self.view, self.model.index(row, 0))
        self.count.setText(f"{self._found.index(row) + 1:,} of {len(self._found):,}")
