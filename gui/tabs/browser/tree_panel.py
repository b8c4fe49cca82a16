"""The left column: the folder tree of the bucket, with counts."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from core.errors import StorageError
from core.units import format_count, format_counted
from gui import theme
from gui.tabs.browser.counting import Counts
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.tree_model import PREFIX_ROLE, TRASH_ROLE, PrefixTreeModel, State
from gui.widgets.icons import icon
from gui.widgets.labels import muted_label
from gui.widgets.panel import Panel
from gui.widgets.table import make_tree

#: Indentation of each level in pixels: preferred, and minimum.
_INDENTATION, _MIN_INDENTATION = 14, 4
#: Width in pixels reserved for the name and count of the selected folder.
_NAME = 92


class TreePanel(Panel):
    """The folder tree of the bucket.

    Signals:
        chosen: the prefix of the folder that the user selected.
        trash_chosen: the user selected the trash.
    """

    chosen = Signal(str)
    trash_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Bucket")
        self.setParent(parent)
        self.model = PrefixTreeModel(self)
        # Connected before the view connects itself, which would select the row below a removed one.
        self.model.rowsAboutToBeRemoved.connect(self._on_removing)
        self.view = make_tree(self.model, "Folders of the bucket")
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.total = muted_label()
        self.total.setFont(theme.number_font())
        self.head.add_action(self.total)
        self.add(self.view, 1)
        # The folder to select once its parents are loaded, and the folder that is shown.
        self._wanted = self._prefix = ""
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.clicked.connect(self._on_clicked)
        self.view.activated.connect(self.model.activate)
        theme.current().changed.connect(self._paint)
        self._paint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Reduce the indentation if the names of deep folders would have no room."""
        super().resizeEvent(event)
        self._indent()

    def _indent(self) -> None:
        depth = self._prefix.count("/") + 1
        width = self.view.viewport().width() - _NAME
        # At least 4 pixels, since a deep folder must still be seen to be inside its parent.
        self.view.setIndentation(max(min(_INDENTATION, width // depth), _MIN_INDENTATION))

    def clear(self) -> None:
        """Clear the tree."""
        self._wanted = ""
        self.total.setText("")
        self.model.clear()

    def show_counts(self, counts: Counts) -> None:
        """Show the number of objects in the folders."""
        everything = {"": counts.total, **counts.below}
        self.model.set_counts(everything, complete_until=counts.until)
        count, complete = counts.total.count, counts.until is None
        text = format_counted(count, "object") if complete else f"{format_count(count)}+ objects"
        self.total.setText(text)

    def select_folder(self, prefix: str) -> None:
        """Select a folder that was opened elsewhere; expands its parents as they are loaded."""
        self._wanted = self._prefix = prefix
        self._indent()
        self.model.add_known(prefix)
        index = self.model.index_of(prefix)
        if index.isValid() or not prefix:
            self._select(index)
            self._wanted = ""
            return
        self._select(QModelIndex())
        above = _parents(prefix)
        # Expanding the nearest known parent loads its sub-folders; `continue_selection` goes on
        # from there.
        known = [parent for parent in above if parent and self.model.index_of(parent).isValid()]
        if known:
            self._select(self.model.index_of(known[-1]))
            self.view.expand(self.model.index_of(known[-1]))

    def select_trash(self) -> None:
        """Select the trash when it was opened elsewhere."""
        self._wanted = ""
        self._select(self.model.trash_index())

    def continue_selection(self, prefix: str) -> None:
        """Continue towards the folder to select after the answer for a parent has arrived."""
        if self._wanted and self._wanted.startswith(prefix):
            self.select_folder(self._wanted)

    def show_failed(self, prefix: str, error: StorageError) -> None:
        """Show below a folder why it cannot be listed; one that is shown nevertheless is added."""
        self.model.set_failed(prefix, error)
        self.continue_selection(prefix)

    def _on_removing(self, parent: QModelIndex, first: int, last: int) -> None:
        """Move from a removed line to its parent folder without opening that."""
        current = self.view.currentIndex()
        if current.parent() == parent and first <= current.row() <= last:
            self._set_current(parent)

    def _select(self, index: QModelIndex) -> None:
        self._set_current(index)
        self.view.scrollTo(index)
        self.view.viewport().update()

    def _set_current(self, index: QModelIndex) -> None:
        # With an explicit command, since Ctrl or Shift would change the default one.
        flags = QItemSelectionModel.SelectionFlag
        # Selecting from the program must not open the folder: it is open already. The view does not
        # hear of the change either, so `_select` repaints it.
        self.view.selectionModel().blockSignals(True)  # noqa: FBT003 - Qt's own
        self.view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.view.selectionModel().blockSignals(False)  # noqa: FBT003 - Qt's own

    def _on_selection(self, selected: QItemSelection, _before: QItemSelection) -> None:
        """Open the selected folder; the current row also moves when the tree gets the focus."""
        index = selected.indexes()[0] if selected.indexes() else QModelIndex()
        prefix = index.data(PREFIX_ROLE) if index.isValid() else None
        if isinstance(prefix, str):
            self._wanted = ""
            self.chosen.emit(prefix)
        elif index.data(TRASH_ROLE):
            self._wanted = ""
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
    """Return the parent prefixes of a prefix, the outermost first."""
    parts = prefix.split("/")[:-1]
    return ["/".join(parts[: number + 1]) + "/" for number in range(len(parts) - 1)]


def folder_of_row(index: QModelIndex) -> Entry | None:
    """Return the folder of a row of the tree; None for its other rows, such as the trash."""
    prefix = index.data(PREFIX_ROLE) if index.isValid() else None
    return Entry(prefix, None) if isinstance(prefix, str) and prefix else None
