"""The actions on the selected folder of the tree: its keys and its context menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QMenu, QTreeView

from gui import shortcuts
from gui.tabs.base import Tab
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.tree_model import PREFIX_ROLE
from gui.widgets.icons import icon
from gui.widgets.labels import tooltip

_NO_FOLDER = "Select a folder of the tree first."

#: Gets the selected folder.
TreeSlot = Callable[[Sequence[Entry]], object]


@dataclass(frozen=True, slots=True)
class TreeAction:
    """One entry of the menu: an action of `gui.actions`, its icon, and whether it changes objects."""

    name: str
    action: str
    icon: str = ""
    writes: bool = False


#: In the order of the menu; None is a separator.
TREE_ACTIONS: tuple[TreeAction | None, ...] = (
    TreeAction("copy", "objects.copy", "copy"),
    TreeAction("copy_uri", "objects.copy_uri"),
    TreeAction("copy_files", "objects.copy_files"),
    TreeAction("cut", "objects.cut", writes=True),
    TreeAction("paste", "objects.paste"),
    None,
    TreeAction("copy_to", "objects.copy_to", "copy"),
    TreeAction("move_to", "objects.move_to", "move", writes=True),
    TreeAction("rename", "objects.rename", "edit", writes=True),
)


class TreeActions:
    """Binds the keys of the tree, and opens its menu: what drags do has a twin for the keyboard.

    Args:
        tab: the Browser tab.
        tree: the tree of folders.
        slots: the function of each action, by its name.
        reasons: for actions that depend on more than the folder: return why one is not possible.
    """

    def __init__(
        self,
        tab: Tab,
        tree: QTreeView,
        slots: Mapping[str, TreeSlot],
        reasons: Mapping[str, Callable[[], str]],
    ) -> None:
        self._tab, self._tree, self._slots, self._reasons = tab, tree, slots, reasons
        for item in TREE_ACTIONS:
            if item is not None:
                run, reason = partial(self._run, item), partial(self.reason, item)
                # The search (Ctrl+K) lists these actions for the list of objects.
                shortcuts.bind(item.action, tree, run, reason, listed=False)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(self.open_menu)

    def reason(self, item: TreeAction) -> str:
        """Return why an action is not possible now, or an empty text."""
        own = self._reasons.get(item.name)
        if own is not None:
            return own()
        locked = self._tab.context.locked_reason if item.writes else ""
        folder = folder_of_row(self._tree.currentIndex())
        return locked or ("" if folder is not None else _NO_FOLDER)

    def open_menu(self, where: QPoint) -> QMenu:
        """Show the menu at a position of the tree, and return it."""
        menu = QMenu(self._tree)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)  # the tooltip of a disabled entry is the reason
        for item in TREE_ACTIONS:
            if item is None:
                menu.addSeparator()
                continue
            entry = shortcuts.menu_action(item.action, menu, partial(self._run, item))
            why = self.reason(item)
            entry.setEnabled(not why)
            entry.setToolTip(tooltip(why or entry.text()))
            if item.icon:
                entry.setIcon(icon(item.icon, "muted"))
            menu.addAction(entry)
        menu.popup(self._tree.viewport().mapToGlobal(where))
        return menu

    def _run(self, item: TreeAction) -> None:
        folder = folder_of_row(self._tree.currentIndex())
        self._slots[item.name]([folder] if folder is not None else [])


def folder_of_row(index: QModelIndex) -> Entry | None:
    """Return the folder of a row of the tree; None for its other rows, such as the trash."""
    prefix = index.data(PREFIX_ROLE) if index.isValid() else None
    return Entry(prefix, None) if isinstance(prefix, str) and prefix else None
