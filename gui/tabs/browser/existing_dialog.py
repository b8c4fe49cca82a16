"""The question what a download does with files that already exist, for all or for single ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QWidget

from core.transfer.values import IfExists
from core.units import format_count, format_counted, format_moment, format_size
from gui.dialogs.confirm import Question
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, TONE_ROLE
from gui.widgets.buttons import button_menu, plain_button, primary_button, quiet_button
from gui.widgets.decision import LABELS, DecisionBox
from gui.widgets.labels import Elided, muted_label, shown
from gui.widgets.panel import row
from gui.widgets.table import columns_of, make_table

NAME, OBJECT, FILE, CHANGED, DECISION = range(5)
#: Height in pixels of the dialog.
_HEIGHT = 480
_WIDTHS = (84, 84, 170, 120)
_MEANING = {
    IfExists.SKIP: "These files stay as they are; the others are downloaded.",
    IfExists.OVERWRITE: "The files are replaced, which cannot be undone.",
    IfExists.KEEP_BOTH: "Each object is stored beside the file, as “name (2)”.",
    IfExists.IF_DIFFERENT: "Contents are compared by a hash; equal files stay as they are.",
    IfExists.IF_NEWER: "Files are replaced by objects that were stored after they were changed.",
    IfExists.IF_SIZE_DIFFERS: "Files of the same size stay, even if their content differs.",
}
_TONES = {IfExists.SKIP: "neutral", IfExists.OVERWRITE: "danger", IfExists.KEEP_BOTH: "accent"}
#: Decisions for single files, by their numbers in the download.
Decisions = Mapping[int, IfExists]


@dataclass(frozen=True, slots=True)
class ExistingFile:
    """A file that exists where an object would be stored.

    Attributes:
        number: the number of the object in the download.
        name: the local name below the target folder.
        size: the size of the object in bytes.
        file_size: the size of the file in bytes.
        changed: when the file was changed; None if that is not known.
    """

    number: int
    name: str
    size: int
    file_size: int
    changed: datetime | None


class ExistingModel(Columns):
    """The existing files, and the decision about each.

    `choice` is the decision for all files; `single` has different ones by number.

    Signals:
        decided: the decision about some files changed.
    """

    heads = ("File", "Object", "On disk", "Changed", "Decision")
    numbers = frozenset({OBJECT, FILE})
    moments = frozenset({CHANGED})
    decided = Signal()

    def __init__(self, files: Sequence[ExistingFile], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows = list(files)
        self.choice = IfExists.SKIP
        self.single: dict[int, IfExists] = {}

    def decide_all(self, choice: IfExists) -> None:
        """Set the decision for all files without a different one."""
        self.choice = choice
        self.single = {n: each for n, each in self.single.items() if each is not choice}
        self._emit_decided()

    def decide(self, rows: Iterable[int], decision: IfExists | None) -> None:
        """Set the decision for the files of some rows; None applies the decision for all."""
        for place in rows:
            number = self.rows[place].number
            if decision is None or decision is self.choice:
                self.single.pop(number, None)
            else:
                self.single[number] = decision
        self._emit_decided()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; clears the selection."""
        if column < 0:
            return
        keys: dict[int, Callable[[ExistingFile], Any]] = {
            NAME: lambda one: one.name,
            OBJECT: lambda one: one.size,
            FILE: lambda one: one.file_size,
            CHANGED: lambda one: one.changed.timestamp() if one.changed else -math.inf,
            DECISION: lambda one: self._decision(one).value,
        }
        self.beginResetModel()
        self.rows.sort(key=keys[column], reverse=order is Qt.SortOrder.DescendingOrder)
        self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or appearance."""
        if not index.isValid():
            return None
        one, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(one, column)
        if role == PILL_ROLE:
            return _TONES.get(self._decision(one), "warning") if column == DECISION else None
        return _appearance(column, role)

    def _count(self) -> int:
        return len(self.rows)

    def _decision(self, one: ExistingFile) -> IfExists:
        return self.single.get(one.number, self.choice)

    def _text(self, one: ExistingFile, column: int) -> str:
        texts: dict[int, Callable[[], str]] = {
            NAME: lambda: shown(one.name),
            OBJECT: lambda: format_size(one.size),
            FILE: lambda: format_size(one.file_size),
            CHANGED: lambda: format_moment(one.changed) if one.changed else "unknown",
            DECISION: lambda: LABELS[self._decision(one)],
        }
        return texts[column]()

    def _emit_decided(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, DECISION), self.index(len(self.rows) - 1, DECISION))
        self.decided.emit()


def _appearance(column: int, role: int) -> Any:
    if role == Qt.ItemDataRole.TextAlignmentRole:
        return RIGHT if column in {OBJECT, FILE} else None
    if role == MONO_ROLE:
        return True if column == NAME else None
    return "muted" if role == TONE_ROLE and column in {FILE, CHANGED} else None


class ExistingFiles(Question):
    """The files that exist, one decision for all of them, and others for selected ones.

    Args:
        parent: the view that asks.
        files: the existing files.
        total: the number of objects of the download.
        then: gets the decision for all files and those for single files after a confirmation.
    """

    def __init__(
        self,
        parent: QWidget | None,
        files: Sequence[ExistingFile],
        total: int,
        then: Callable[[IfExists, Decisions], object],
    ) -> None:
        count, objects = format_count(len(files)), format_count(total)
        title = (
            "1 file already exists"
            if len(files) == 1
            else f"{count} of {objects} files already exist"
        )
        super().__init__(
            parent, title, "Nothing has been downloaded yet. What happens to them?", width=700
        )
        self.model = ExistingModel(files, self)
        self.choice = DecisionBox("What to do with files that already exist")
        self._meaning = muted_label("", wrap=True, small=True)
        self.table = make_table(self.model, "Existing files", multiple=True)
        columns_of(self.table).fill_with_names(*_WIDTHS)
        self._note = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.buttons = {
            decision: plain_button(text, partial(self._decide, decision))
            for decision, text in LABELS.items()
        }
        self.follow = quiet_button("Default", partial(self._decide, None))
        self.follow.set_hint("Use the decision for all files")
        self.more = plain_button("Decide for the selection ▾", self._on_more)
        self.more.setAccessibleName("Decide for the selection")
        self.go = primary_button("Download", self.accept)
        # The height that the content needs does not include that of the table.
        self._wanted.setHeight(_HEIGHT)
        self._lay_out()
        self._connect(then)

    def _lay_out(self) -> None:
        for button in self._in_menu:
            button.setParent(self)
            button.hide()
        self.body.addWidget(self.choice)
        self.body.addWidget(self._meaning)
        self.add_stretching(self.table, least=150)
        self.body.addWidget(row(self.more, self._note, stretch=True))
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self.go.setDefault(True)
        self.choice.setFocus()

    def _connect(self, then: Callable[[IfExists, Decisions], object]) -> None:
        self.choice.selected.connect(self._on_choice)
        self.model.decided.connect(self._update)
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._open_menu)
        self.accepted.connect(lambda: then(self.model.choice, dict(self.model.single)))
        self._on_choice()

    @property
    def _in_menu(self) -> tuple[QWidget, ...]:
        return (*self.buttons.values(), self.follow)

    def _selected(self) -> list[int]:
        return [index.row() for index in self.table.selectionModel().selectedRows()]

    def _decide(self, decision: IfExists | None) -> None:
        self.model.decide(self._selected(), decision)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_choice(self, _value: str = "") -> None:
        self._meaning.setText(_MEANING[self.choice.decision])
        self.model.decide_all(self.choice.decision)

    def _on_more(self) -> None:
        below = self.more.mapToGlobal(self.more.rect().bottomLeft())
        self._open_menu(self.table.viewport().mapFromGlobal(below))

    def _open_menu(self, where: QPoint) -> None:
        buttons = (*self.buttons.values(), self.follow)
        button_menu(self.table, where, [("", button) for button in buttons])

    def _update(self, *_changed: object) -> None:
        """Show how many files have a different decision, and enable those for the selection."""
        single = len(self.model.single)
        self._note.setText(
            f"{format_counted(single, 'file')} decided individually" if single else ""
        )
        chosen = self.table.selectionModel().hasSelection()
        for button in (*self.buttons.values(), self.follow, self.more):
            button.allow(chosen, "Select files first.")
