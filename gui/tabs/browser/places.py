"""The left side: the folders of the bucket, with counts as they become known."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from core.errors import StorageError
from core.units import format_count, format_counted
from gui import theme
from gui.models.tree_model import PREFIX_ROLE, TRASH_ROLE, PrefixTreeModel, State
from gui.tabs.browser.counting import Counts
from gui.widgets.icons import icon
from gui.widgets.labels import muted_label
from gui.widgets.panel import Panel
from gui.widgets.table import make_tree

#: Pixels for each level of folders, if there is room, and at the least.
_INDENTATION, _LEAST_INDENTATION = 14, 4
#: Pixels for the name and the count of the folder that is shown.
_NAME = 92


class Places(Panel):
    """The tree of prefixes.

    Signals:
        chosen: the prefix of the folder that the user chose.
        trash_chosen: the user chose the trash.
    """

    chosen = Signal(str)
    trash_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Bucket")
        self.setParent(parent)
        self.model = PrefixTreeModel(self)
        # Before the view connects itself: it would choose the row below a line that is removed.
        self.model.rowsAboutToBeRemoved.connect(self._on_removing)
        self.view = make_tree(self.model, "Folders of the bucket")
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.total = muted_label()
        self.total.setFont(theme.number_font())
        self.head.add_action(self.total)
        self.add(self.view, 1)
        self._following = self._prefix = ""
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.clicked.connect(self._on_clicked)
        self.view.activated.connect(self.model.activate)
        theme.current().changed.connect(self._paint)
        self._paint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Indent folders less where the names of deep ones would have no room."""
        super().resizeEvent(event)
        self._indent()

    def _indent(self) -> None:
        depth = self._prefix.count("/") + 1
        room = self.view.viewport().width() - _NAME
        self.view.setIndentation(max(min(_INDENTATION, room // depth), _LEAST_INDENTATION))

    def clear(self) -> None:
        """Forget the bucket."""
        self._following = ""
        self.total.setText("")
        self.model.clear()

    def show_counts(self, counts: Counts) -> None:
        """Show how many objects lie in the folders."""
        everything = {"": counts.total, **counts.below}
        self.model.set_counts(everything, whole_until=counts.until)
        count, whole = counts.total.count, counts.until is None
        words = format_counted(count, "object") if whole else f"{format_count(count)}+ objects"
        self.total.setText(words)

    def follow(self, prefix: str) -> None:
        """Select a folder that was chosen elsewhere; opens the way to it as it becomes known."""
        self._following = self._prefix = prefix
        self._indent()
        index = self.model.index_of(prefix)
        if index.isValid() or not prefix:
            self._select(index)
            self._following = ""
            return
        self._select(QModelIndex())
        above = _parents(prefix)
        known = [parent for parent in above if parent and self.model.index_of(parent).isValid()]
        if known:
            self._select(self.model.index_of(known[-1]))
            self.view.expand(self.model.index_of(known[-1]))

    def follow_trash(self) -> None:
        """Select the trash, which was chosen elsewhere."""
        self._following = ""
        self._select(self.model.trash_index())

    def arrived(self, prefix: str) -> None:
        """A folder's page has come: go on to the folder that is to be selected."""
        if self._following and self._following.startswith(prefix):
            self.follow(self._following)

    def failed(self, prefix: str, error: StorageError) -> None:
        """Tell below a folder why it cannot be listed."""
        self.model.fail(prefix, error)

    def _on_removing(self, parent: QModelIndex, first: int, last: int) -> None:
        """Move from a line that goes to the folder that holds it, without going there."""
        current = self.view.currentIndex()
        if current.parent() == parent and first <= current.row() <= last:
            self._set_current(parent)

    def _select(self, index: QModelIndex) -> None:
        self._set_current(index)
        self.view.scrollTo(index)
        self.view.viewport().update()

    def _set_current(self, index: QModelIndex) -> None:
        flags = QItemSelectionModel.SelectionFlag  # named: else Ctrl or Shift would change them
        self.view.selectionModel().blockSignals(True)  # noqa: FBT003 - Qt's own
        self.view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.view.selectionModel().blockSignals(False)  # noqa: FBT003 - Qt's own

    def _on_selection(self, selected: QItemSelection, _before: QItemSelection) -> None:
        """Follow the selection, not the current row: that one moves when the tree gets the focus."""
        index = selected.indexes()[0] if selected.indexes() else QModelIndex()
        prefix = index.data(PREFIX_ROLE) if index.isValid() else None
        if isinstance(prefix, str):
            self._following = ""
            self.chosen.emit(prefix)
        elif index.data(TRASH_ROLE):
            self._following = ""
            self.trash_chosen.emit()

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.data(PREFIX_ROLE) is None:
            self.model.activate(index)
        elif self.model.state_of(str(index.data(PREFIX_ROLE))) is State.FAILED:
            self.model.load(str(index.data(PREFIX_ROLE)))

    def _paint(self) -> None:
        self.model.set_lock(icon("lock", "muted"))
        self.model.set_trash_icon(icon("delete", "muted"))


def _parents(prefix: str) -> list[str]:
    """Return the prefixes above one, from the outermost on."""
    parts = prefix.split("/")[:-1]
    return ["/".join(parts[: number + 1]) + "/" for number in range(len(parts) - 1)]
