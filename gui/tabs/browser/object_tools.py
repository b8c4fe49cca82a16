"""The changes of selected objects that the menu of the list offers, apart from deleting them."""

from __future__ import annotations

from PySide6.QtCore import QPoint

from gui.tabs.base import Tab
from gui.tabs.browser.actions import Slot, Subject
from gui.tabs.browser.copy_as import open_copy_menu
from gui.tabs.browser.copying import Copying
from gui.tabs.browser.edits import PropertyEdits
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.object_pane import ObjectPane
from gui.tabs.browser.pages import FolderPlace
from gui.tabs.browser.properties import PropertyEditor
from gui.tabs.browser.undo_steps import UndoSteps
from gui.tabs.browser.versions import VersionTools


class ObjectTools:
    """Creates what changes objects, and connects it with the selection.

    Args:
        tab: the Browser tab.
        folder: the list of objects.
        listing: the listing of the folder shown.
        pane: the pane of the selected object.
        steps: the changes that can be undone.
    """

    def __init__(
        self,
        tab: Tab,
        folder: FolderPane,
        listing: Listing,
        pane: ObjectPane,
        steps: UndoSteps,
    ) -> None:
        self._tab, self._folder, self._listing = tab, folder, listing
        self.copying = Copying(tab, folder, listing, steps)
        self.properties = PropertyEditor(tab, listing, steps, pane.reload)
        self.edits = PropertyEdits(tab, listing, steps)
        self.versions = VersionTools(tab, listing, pane.reload)
        inspector = pane.inspector
        inspector.properties_wanted.connect(lambda: self.properties.open(pane.key))
        inspector.all_versions_wanted.connect(lambda: self.versions.open(pane.key))
        inspector.copy_wanted.connect(lambda where: self._copy_as(pane.key, where))

    def slots(self) -> dict[str, Slot]:
        """Return the function of each action of the menu, by its name in `LIST_ACTIONS`."""
        return {
            "copy_to": lambda subject: self.copying.ask(subject.entries, move=False),
            "move_to": lambda subject: self.copying.ask(subject.entries, move=True),
            "rename": lambda subject: self.copying.rename(subject.entries),
            "properties": self._properties,
            "versions": lambda subject: self.versions.open(subject.entries[0].key),
            "query": self._query,
            "copy_as": lambda subject: self._copy_as(subject.entries[0].key, self._corner()),
        }

    def _query(self, subject: Subject) -> None:
        """Open the selected folder, or else the folder that is shown, as a table for SQL."""
        chosen = subject.entries
        one = len(chosen) == 1 and chosen[0].folder
        prefix = chosen[0].key if one else subject.folder
        self._tab.open_target(("query", FolderPlace(prefix)))

    def _properties(self, subject: Subject) -> None:
        """Show the properties of one object, or change those of several objects and folders."""
        chosen = subject.entries
        if len(chosen) == 1 and not chosen[0].folder:
            self.properties.open(chosen[0].key)
        else:
            self.edits.open(chosen)

    def _corner(self) -> QPoint:
        """Return the position on the screen below the current row."""
        table = self._folder.table
        place = table.visualRect(table.currentIndex()).bottomLeft()
        return table.viewport().mapToGlobal(place)

    def _copy_as(self, key: str, where: QPoint) -> None:
        bucket, workspace = self._listing.bucket, self._tab.context.workspace
        if bucket is not None and workspace is not None and key:
            open_copy_menu(self._tab, workspace.profile, bucket.name, key, where)
