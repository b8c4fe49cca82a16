"""The actions on objects and folders: entries of the context menus and what each of them requires.

Each action is implemented once, for a `Subject`: the rows selected in the list, or the folder of
the tree while the tree has the focus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QTreeView, QWidget

from gui import actions, shortcuts
from gui.tabs.browser.counting import folders_of
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import parent_of
from gui.tabs.browser.tree_panel import folder_of_row
from gui.widgets.icons import icon
from gui.widgets.labels import tooltip

NO_BUCKET = "Connect to a bucket first."
_NO_FOLDER = "Select a folder of the tree first."


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action applies to.

    Attributes:
        entries: the selected objects and folders.
        below: the folder that they are in; names below it are the names of downloaded files.
        folder: the folder into which a paste or an upload puts something.
        of_tree: whether it is the folder of the tree, not the selection of a list.
    """

    entries: Sequence[Entry]
    below: str
    folder: str
    of_tree: bool = False


#: Runs an action.
Slot = Callable[[Subject], object]
#: Returns why an action is not possible, or an empty text.
Reason = Callable[[Subject], str]


@dataclass(frozen=True, slots=True)
class ListAction:
    """One entry of the menu: an action of `gui.actions`, its icon, and the required selection.

    `needs` is "" for no selection, "any" for one or more rows, "one" for exactly one row,
    "objects" for objects without folders, "object" for exactly one object. `in_tree` is whether the
    menu of the tree has the entry; its keys work there in any case.
    """

    name: str
    action: str
    icon: str = ""
    needs: str = ""
    writes: bool = False
    in_tree: bool = True


#: In the order of the menu; None is a separator.
LIST_ACTIONS: tuple[ListAction | None, ...] = (
    ListAction("open", "objects.open", "forward", "one", in_tree=False),
    ListAction("preview", "objects.preview", "eye", "one", in_tree=False),
    None,
    ListAction("download", "browser.download", "down", "any"),
    ListAction("upload", "upload", "up", writes=True),
    ListAction("link", "browser.link", "link", "objects", in_tree=False),
    ListAction("query", "objects.query_folder", "database"),
    None,
    ListAction("copy", "objects.copy", "copy", "any"),
    ListAction("copy_uri", "objects.copy_uri", "", "any"),
    ListAction("copy_as", "objects.copy_as", "", "object", in_tree=False),
    ListAction("copy_files", "objects.copy_files", "", "any"),
    ListAction("cut", "objects.cut", "", "any", writes=True),
    ListAction("paste", "objects.paste"),
    None,
    # A copy may have another profile as its target, so that its dialog refuses locked ones.
    ListAction("copy_to", "objects.copy_to", "copy", "any"),
    ListAction("move_to", "objects.move_to", "move", "any", writes=True),
    ListAction("rename", "objects.rename", "edit", "one", writes=True),
    ListAction("properties", "objects.properties", "info", "any"),
    ListAction("versions", "objects.versions", "history", "object", in_tree=False),
    None,
    ListAction("up", "objects.up"),
    ListAction("goto", "go_to", "search", in_tree=False),
    ListAction("refresh", "refresh", "refresh"),
    None,
    ListAction("delete", "objects.delete", "delete", "any", writes=True),
    ListAction("undo", "browser.undo", "undo"),
    ListAction("trash", "browser.trash"),
)


class Actions:
    """The Qt actions on objects and folders, with their keyboard shortcuts.

    Args:
        owner: the tab.
        table: the list of objects.
        tree: the tree of folders.
        slots: the function of each action, by its name.
        reasons: for actions that depend on more than the selection: return why one is disabled.
        of_list: returns what the actions apply to unless the tree has the focus.
    """

    def __init__(
        self,
        owner: QWidget,
        table: QAbstractScrollArea,
        tree: QTreeView,
        slots: Mapping[str, Slot],
        reasons: Mapping[str, Reason],
        of_list: Callable[[], Subject],
    ) -> None:
        self._owner, self._tree, self._of_list = owner, tree, of_list
        self._slots, self._extra_reasons = slots, reasons
        self._locked, self._connected = "", False
        self._all: dict[str, QAction] = {}
        #: Why each action is disabled for the selection of the list; empty for enabled ones.
        self._reasons: dict[str, str] = {}
        for item in _ITEMS:
            row = actions.action(item.action)
            self._all[item.name] = shortcuts.menu_action(
                item.action, owner, partial(self.run, item, in_tree=False)
            )
            # The window binds the keys of its actions.
            if row.where == "browser" and not row.own:
                self._bind(item, owner, None, listed=True)
        self.bind_list(table, listed=True)
        for item in _bound_to_views():
            self._bind(item, tree, in_tree=True, listed=False)
        _on_menu(tree, self.open_menu_of_tree)

    def bind_list(self, table: QAbstractScrollArea, *, listed: bool = False) -> None:
        """Bind the keys and the menu of the actions to a list of objects, for example of a page.

        Args:
            table: the list.
            listed: whether the search (Ctrl+K) lists the actions for this list.
        """
        for item in _bound_to_views():
            self._bind(item, table, in_tree=False, listed=listed)
        _on_menu(table, lambda where: self.open_menu(table, table.viewport().mapToGlobal(where)))

    def _bind(self, item: ListAction, view: QWidget, in_tree: bool | None, *, listed: bool) -> None:
        shortcuts.bind(
            item.action, view, partial(self.run, item, in_tree=in_tree),
            partial(self._reason_of, item, in_tree=in_tree), listed=listed,
        )  # fmt: skip

    def __getitem__(self, name: str) -> QAction:
        return self._all[name]

    def subject(self, *, in_tree: bool | None = None) -> Subject:
        """Return what an action applies to.

        Args:
            in_tree: whether it is the folder of the tree; None for the view that has the focus.
        """
        if in_tree is None:
            in_tree = self._owner.window().focusWidget() is self._tree
        if not in_tree:
            return self._of_list()
        folder = folder_of_row(self._tree.currentIndex())
        prefix = folder.key if folder is not None else self._of_list().folder
        entries = [folder] if folder is not None else []
        return Subject(entries, parent_of(prefix), prefix, of_tree=True)

    def run(self, item: ListAction, *, in_tree: bool | None = None) -> None:
        """Run an action, which is possible now.

        Args:
            item: the action.
            in_tree: whether it applies to the folder of the tree; None if the focus decides.
        """
        self._slots[item.name](self.subject(in_tree=in_tree))

    def reason(self, name: str, *, in_tree: bool | None = False) -> str:
        """Return why an action is disabled, or an empty text.

        Args:
            name: its name in `LIST_ACTIONS`.
            in_tree: whether it would apply to the folder of the tree; None if the focus decides.
        """
        item = next(each for each in _ITEMS if each.name == name)
        return self._reason_of(item, in_tree=in_tree)

    def _reason_of(
        self, item: ListAction, *, in_tree: bool | None, subject: Subject | None = None
    ) -> str:
        subject = subject or self.subject(in_tree=in_tree)
        why = self._reason_in_tree(item, subject) if subject.of_tree else self._reasons[item.name]
        own = self._extra_reasons.get(item.name)
        return why or (own(subject) if own is not None else "")

    def _reason_in_tree(self, item: ListAction, subject: Subject) -> str:
        if not self._connected:
            return NO_BUCKET
        locked = self._locked if item.writes else ""
        if locked or not item.needs:
            return locked
        if item.needs in {"object", "objects"}:
            return "Only objects can be used here, not folders: select them in the list."
        return "" if subject.entries else _NO_FOLDER

    def allow(self, entries: Sequence[Entry], *, locked: str, connected: bool) -> None:
        """Enable the actions that are possible with a selection; the others show the reason.

        Args:
            entries: the rows selected in the list.
            locked: why nothing can be changed; empty while changes are allowed.
            connected: whether a bucket is open.
        """
        self._locked, self._connected = locked, connected
        selected, folders = len(entries), len(folders_of(entries))
        # Once, since 500 separate ranges of rows may be selected.
        subject = self.subject(in_tree=False)
        for item in _ITEMS:
            reason = NO_BUCKET if not connected else _missing(item, selected, folders)
            if item.writes:
                reason = locked or reason
            self._reasons[item.name] = reason
            self._show_reason(item, self._all[item.name], subject)

    def _show_reason(self, item: ListAction, entry: QAction, subject: Subject) -> None:
        reason = self._reason_of(item, in_tree=subject.of_tree, subject=subject)
        entry.setEnabled(not reason)
        entry.setToolTip(tooltip(reason or actions.action(item.action).text))

    def menu(self, parent: QWidget, *, in_tree: bool = False) -> QMenu:
        """Return the context menu of a list, or of the tree."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)  # the tooltip of a disabled entry is the reason
        subject = self.subject(in_tree=in_tree)
        for item in LIST_ACTIONS:
            if item is None:
                menu.addSeparator()
                continue
            if in_tree and not item.in_tree:
                continue
            entry = self._all[item.name]
            if in_tree:
                run = partial(self.run, item, in_tree=True)
                entry = shortcuts.menu_action(item.action, menu, run)
            self._show_reason(item, entry, subject)
            if item.icon:
                entry.setIcon(icon(item.icon, "danger" if item.name == "delete" else "muted"))
            menu.addAction(entry)
        return menu

    def open_menu(self, parent: QWidget, where: QPoint) -> QMenu:
        """Show the context menu of a list at a screen position and return it."""
        menu = self.menu(parent)
        menu.popup(where)
        return menu

    def open_menu_of_tree(self, where: QPoint) -> QMenu:
        """Show the context menu of the tree at a position of it, and return it."""
        menu = self.menu(self._tree, in_tree=True)
        menu.popup(self._tree.viewport().mapToGlobal(where))
        return menu


_ITEMS = tuple(item for item in LIST_ACTIONS if item is not None)


def _on_menu(view: QAbstractScrollArea, open_at: Callable[[QPoint], object]) -> None:
    """Let a view open a context menu at a position of its viewport."""
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    view.customContextMenuRequested.connect(open_at)


def _bound_to_views() -> list[ListAction]:
    """Return the actions whose keys apply in a list or in the tree, not in the tab or the window."""
    rows = [(item, actions.action(item.action)) for item in _ITEMS]
    return [item for item, row in rows if row.where not in {"window", "browser"} and not row.own]


def _missing(item: ListAction, selected: int, folders: int) -> str:
    if item.needs == "any" and not selected:
        return "Select objects first."
    if item.needs == "one" and selected != 1:
        return "Select one row first."
    if item.needs == "object" and (selected != 1 or folders):
        return "Select one object first."
    if item.needs == "objects" and (not selected or folders):
        return "Select objects, not folders, first."
    return ""
