"""What can be done with objects: one list for the context menu, the shortcuts and the tooltips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gui.models.folder_model import Entry
from gui.widgets.icons import icon
from gui.widgets.labels import tooltip

NO_BUCKET = "Connect to a bucket first."


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to do. `table` limits its shortcut to the table, where the key means nothing else.

    `needs` is what must be selected: "" nothing, "any" one or more rows, "one" exactly one,
    "objects" objects only.
    """

    name: str
    text: str
    keys: str = ""
    icon: str = ""
    needs: str = ""
    writes: bool = False
    table: bool = False


#: In the order of the menu; None is a separator.
DEEDS: tuple[Deed | None, ...] = (
    Deed("open", "Open", "Return", "forward", "one", table=True),
    Deed("preview", "Preview", "Space", "eye", "one", table=True),
    None,
    Deed("download", "Download…", "Ctrl+D", "down", "any"),
    Deed("upload", "Upload here…", "Ctrl+U", "up", writes=True),
    Deed("link", "Make link…", "", "link", "objects"),
    None,
    Deed("copy", "Copy key", "Ctrl+C", "copy", "any", table=True),
    Deed("copy_uri", "Copy S3 URI", "Ctrl+Shift+C", "", "any", table=True),
    None,
    Deed("up", "Up one folder", "Backspace, Alt+Up", "", table=True),
    Deed("goto", "Go to key…", "Ctrl+L", "search"),
    Deed("refresh", "Refresh", "", "refresh"),
    None,
    Deed("delete", "Delete…", "Del", "delete", "any", writes=True, table=True),
)


class Actions:
    """The deeds as Qt actions of one view."""

    def __init__(
        self, owner: QWidget, table: QWidget, slots: dict[str, Callable[[], object]]
    ) -> None:
        self._table = table
        self._all: dict[str, QAction] = {}
        for deed in DEEDS:
            if deed is None:
                continue
            action = QAction(deed.text, owner)
            # Enter is the table's own: its action shows the key but does not take it.
            if deed.name != "open":
                action.setShortcuts([QKeySequence(keys) for keys in deed.keys.split(", ") if keys])
            scope = Qt.ShortcutContext
            action.setShortcutContext(
                scope.WidgetShortcut if deed.table else scope.WidgetWithChildrenShortcut
            )
            action.triggered.connect(lambda _checked=False, name=deed.name: slots[name]())
            (table if deed.table else owner).addAction(action)
            self._all[deed.name] = action

    def __getitem__(self, name: str) -> QAction:
        return self._all[name]

    def allow(self, entries: Sequence[Entry], *, locked: str, connected: bool) -> None:
        """Enable what can be done with a selection; what cannot be done shows the reason.

        Args:
            entries: the selected rows.
            locked: why nothing can be changed; empty while changes are allowed.
            connected: whether a bucket is open.
        """
        selected, folders = len(entries), sum(1 for entry in entries if entry.folder)
        for deed in DEEDS:
            if deed is not None:
                reason = NO_BUCKET if not connected else _missing(deed, selected, folders)
                if deed.writes:
                    reason = locked or reason
                self._all[deed.name].setEnabled(not reason)
                self._all[deed.name].setToolTip(tooltip(reason or deed.text))

    def menu(self, parent: QWidget) -> QMenu:
        """Return the context menu."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        for deed in DEEDS:
            if deed is None:
                menu.addSeparator()
                continue
            action = self._all[deed.name]
            if deed.icon:
                action.setIcon(icon(deed.icon, "danger" if deed.name == "delete" else "muted"))
            menu.addAction(action)
        return menu

    def open_menu(self, parent: QWidget, where: QPoint) -> QMenu:
        """Show the context menu at a place of the screen and return it."""
        menu = self.menu(parent)
        menu.popup(where)
        return menu


def _missing(deed: Deed, selected: int, folders: int) -> str:
    if deed.needs == "any" and not selected:
        return "Select objects first."
    if deed.needs == "one" and selected != 1:
        return "Select one row first."
    if deed.needs == "objects" and (not selected or folders):
        return "Select objects, not folders, first."
    return ""
