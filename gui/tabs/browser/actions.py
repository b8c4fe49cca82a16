"""The actions of the object list: entries of the context menu and what each of them requires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from gui import actions, shortcuts
from gui.tabs.browser.counting import summary_of
from gui.tabs.browser.folder_rows import Entry
from gui.widgets.icons import icon
from gui.widgets.labels import tooltip

NO_BUCKET = "Connect to a bucket first."


@dataclass(frozen=True, slots=True)
class ListAction:
    """One entry of the menu: an action of `gui.actions`, its icon, and the required selection.

    `needs` is "" for no selection, "any" for one or more rows, "one" for exactly one row,
    "objects" for objects without folders, "object" for exactly one object.
    """

    name: str
    action: str
    icon: str = ""
    needs: str = ""
    writes: bool = False


#: In the order of the menu; None is a separator.
LIST_ACTIONS: tuple[ListAction | None, ...] = (
    ListAction("open", "objects.open", "forward", "one"),
    ListAction("preview", "objects.preview", "eye", "one"),
    None,
    ListAction("download", "browser.download", "down", "any"),
    ListAction("upload", "upload", "up", writes=True),
    ListAction("link", "browser.link", "link", "objects"),
    ListAction("query", "objects.query_folder", "database"),
    None,
    ListAction("copy", "objects.copy", "copy", "any"),
    ListAction("copy_uri", "objects.copy_uri", "", "any"),
    ListAction("copy_as", "objects.copy_as", "", "object"),
    ListAction("copy_files", "objects.copy_files", "", "any"),
    ListAction("cut", "objects.cut", "", "any", writes=True),
    ListAction("paste", "objects.paste"),
    None,
    # A copy may have another profile as its target, so that its dialog refuses locked ones.
    ListAction("copy_to", "objects.copy_to", "copy", "any"),
    ListAction("move_to", "objects.move_to", "move", "any", writes=True),
    ListAction("rename", "objects.rename", "edit", "one", writes=True),
    ListAction("properties", "objects.properties", "info", "any"),
    ListAction("versions", "objects.versions", "history", "object"),
    None,
    ListAction("up", "objects.up"),
    ListAction("goto", "go_to", "search"),
    ListAction("refresh", "refresh", "refresh"),
    None,
    ListAction("delete", "objects.delete", "delete", "any", writes=True),
    ListAction("undo", "browser.undo", "undo"),
    ListAction("trash", "browser.trash"),
)


class Actions:
    """The Qt actions of the object list, with their keyboard shortcuts.

    Args:
        owner: the tab.
        table: the list of objects.
        slots: the function of each action, by its name.
        reasons: for actions that depend on more than the selection: return why one is disabled.
    """

    def __init__(
        self,
        owner: QWidget,
        table: QWidget,
        slots: dict[str, Callable[[], object]],
        reasons: dict[str, Callable[[], str]],
    ) -> None:
        self._slots, self._extra_reasons = slots, reasons
        self._all: dict[str, QAction] = {}
        #: Why each action is disabled, by its name; empty for enabled ones.
        self._reasons: dict[str, str] = {}
        for item in LIST_ACTIONS:
            if item is None:
                continue
            name, row = item.name, actions.action(item.action)
            self._all[name] = shortcuts.menu_action(item.action, owner, slots[name])
            if row.where == "browser" and not row.own:  # the window binds the keys of its actions
                shortcuts.bind(item.action, owner, slots[name], partial(self.reason, name))
        self.bind_list(table, listed=True)

    def bind_list(self, table: QWidget, *, listed: bool = False) -> None:
        """Bind the keys of the actions to a list of objects, for example of a page.

        Args:
            table: the list.
            listed: whether the search (Ctrl+K) lists the actions for this list.
        """
        for item in LIST_ACTIONS:
            if item is None:
                continue
            row = actions.action(item.action)
            if row.where not in {"window", "browser"} and not row.own:
                reason = partial(self.reason, item.name)
                slot = self._slots[item.name]
                shortcuts.bind(item.action, table, slot, reason, listed=listed)

    def __getitem__(self, name: str) -> QAction:
        return self._all[name]

    def reason(self, name: str) -> str:
        """Return why an action is disabled, or an empty text."""
        asked = self._extra_reasons.get(name)
        return self._reasons.get(name, "") or (asked() if asked is not None else "")

    def allow(self, entries: Sequence[Entry], *, locked: str, connected: bool) -> None:
        """Enable the actions that are possible with a selection; the others show the reason.

        Args:
            entries: the selected rows.
            locked: why nothing can be changed; empty while changes are allowed.
            connected: whether a bucket is open.
        """
        selected, folders = len(entries), len(summary_of(entries)[1])
        for item in LIST_ACTIONS:
            if item is not None:
                reason = NO_BUCKET if not connected else _missing(item, selected, folders)
                if item.writes:
                    reason = locked or reason
                self._reasons[item.name] = reason
                self._show_reason(item)

    def _show_reason(self, item: ListAction) -> None:
        reason, entry = self.reason(item.name), self._all[item.name]
        entry.setEnabled(not reason)
        entry.setToolTip(tooltip(reason or actions.action(item.action).text))

    def menu(self, parent: QWidget) -> QMenu:
        """Return the context menu."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)  # the tooltip of a disabled entry is the reason
        for item in LIST_ACTIONS:
            if item is None:
                menu.addSeparator()
                continue
            self._show_reason(item)
            action = self._all[item.name]
            if item.icon:
                action.setIcon(icon(item.icon, "danger" if item.name == "delete" else "muted"))
            menu.addAction(action)
        return menu

    def open_menu(self, parent: QWidget, where: QPoint) -> QMenu:
        """Show the context menu at a screen position and return it."""
        menu = self.menu(parent)
        menu.popup(where)
        return menu


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
