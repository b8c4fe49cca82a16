"""The files of the plan: key, size, conflict and decision of each."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from core.transfer.values import IfExists
from core.units import format_counted
from gui import theme
from gui.context import Context
from gui.tabs.uploads.plan_model import ALL, EXISTING, FILE, REFUSED, PlanModel
from gui.widgets.buttons import button_menu, icon_button, plain_button, quiet_button
from gui.widgets.decision import LABELS
from gui.widgets.labels import Elided
from gui.widgets.panel import Panel, row
from gui.widgets.segmented import Segmented
from gui.widgets.table import columns_of, make_table

_FILTERS = ((ALL, "All"), (EXISTING, "Existing"), (REFUSED, "Cannot be uploaded"))
#: Widths of size, conflict and decision in pixels, and the share of the rest for the file.
_WIDTHS, _FILE_PART, _NARROW = (84, 92, 104), 0.4, 640
#: Width of the pane in pixels below which there is no room for a note beside the buttons.
_NARROW_NOTE = 480
_FOLLOW = "Default"
#: The decisions with a button; the others are in a menu.
_FIRST = (IfExists.SKIP, IfExists.OVERWRITE, IfExists.KEEP_BOTH)


class PlanPane(QWidget):
    """The list of files, hidden until the user opens it; decisions apply to selected rows.

    Signals:
        closed: the user closed it.
    """

    closed = Signal()

    def __init__(self, context: Context, model: PlanModel) -> None:
        super().__init__()
        self.model = model
        self.filter = Segmented(_FILTERS, name="Which files are shown")
        self.table = make_table(
            model, "Files of the plan", settings=context.settings, key="uploads/plan", multiple=True
        )
        self._share_width(0)
        self._note = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self._note.setFont(theme.text_font(12))
        self.buttons = {
            decision: plain_button(text, partial(self._decide, decision))
            for decision, text in LABELS.items()
        }
        self.more = quiet_button("More ▾", self._on_more)
        self.more.setAccessibleName("More decisions")
        self.follow = quiet_button(_FOLLOW, partial(self._decide, None))
        self.follow.set_hint("Use the decision for all files")
        self._lay_out()
        self.filter.selected.connect(self._on_filter)
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._on_menu)
        model.modelReset.connect(self._update)
        model.decided.connect(self._update)
        self._update()
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width between keys and files; a narrow list hides the files."""
        super().resizeEvent(event)
        self.table.setColumnHidden(FILE, event.size().width() < _NARROW)
        self._note.setVisible(event.size().width() >= _NARROW_NOTE)
        self._share_width(event.size().width())

    def _share_width(self, width: int) -> None:
        file = max(int((width - sum(_WIDTHS)) * _FILE_PART), 150)
        columns_of(self.table).fill_with_names(file, *_WIDTHS)

    def open_at(self, name: str) -> None:
        """Show the list with a filter."""
        self.show()
        self.filter.select(name)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _lay_out(self) -> None:
        close = icon_button("close", "Hide the list of files", self.closed.emit)
        panel = Panel("Files of the plan", self.table, actions=(close,))
        panel.head.add_beside(self.filter)
        bar = row(self._note, margins=(12, 6, 12, 6))
        layout = bar.layout()
        assert isinstance(layout, QBoxLayout)
        for decision, button in self.buttons.items():
            if decision in _FIRST:
                layout.addWidget(button)
            else:  # only in menus
                button.setParent(self)
                button.hide()
        layout.addWidget(self.more)
        layout.addWidget(self.follow)
        layout.addStretch(1)
        panel.add(bar)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(panel)

    def _on_filter(self, name: str) -> None:
        self.model.show_only(name)

    def _selected(self) -> list[int]:
        """Return the selected rows that need a decision, without creating an index for each."""
        selection = self.table.selectionModel().selection()
        ranges = [selection.at(place) for place in range(selection.count())]
        rows = (n for each in ranges for n in range(each.top(), each.bottom() + 1))
        return [number for number in rows if self.model.exists(number)]

    def _decide(self, decision: IfExists | None) -> None:
        self.model.decide(self._selected(), decision)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _update(self, *_changed: object) -> None:
        """Show the number of rows of each filter, and enable the decisions for the selection."""
        for name, text in _FILTERS:
            count = self.model.count(name)
            self.filter.allow(
                name, bool(count) or name == ALL, f"No file matches the filter “{text}”."
            )
        count = len(self._selected())
        if count:
            self._note.setText(f"{format_counted(count, 'existing file')} selected:")
        else:
            self._note.setText(
                "Select files with an existing key to decide about them individually."
            )
        for button in (*self.buttons.values(), self.more, self.follow):
            button.allow(count > 0, "None of the selected files has an existing key.")

    def _on_more(self) -> None:
        others = [button for decision, button in self.buttons.items() if decision not in _FIRST]
        below = self.more.mapTo(self, self.more.rect().bottomLeft())
        where = self.table.viewport().mapFrom(self, below)
        button_menu(self.table, where, [("", button) for button in others])

    def _on_menu(self, where: QPoint) -> None:
        buttons = (*self.buttons.values(), self.follow)
        button_menu(self.table, where, [("", button) for button in buttons])
