"""The changes of selected objects that the menu of the list offers, apart from deleting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gui.tabs.base import Tab
from gui.tabs.browser.copying import Copying
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.undo_steps import UndoSteps


class ObjectTools:
    """Creates what changes objects, and connects it with the selection.

    Args:
        tab: the Browser tab.
        folder: the list of objects.
        listing: the listing of the folder shown.
        steps: the changes that can be undone.
        selected: returns the selected rows.
    """

    def __init__(
        self,
        tab: Tab,
        folder: FolderPane,
        listing: Listing,
        steps: UndoSteps,
        selected: Callable[[], Sequence[Entry]],
    ) -> None:
        self._selected = selected
        self.copying = Copying(tab, folder, listing, steps)

    def slots(self) -> dict[str, Callable[[], object]]:
        """Return the function of each action of the menu, by its name in `LIST_ACTIONS`."""
        return {
            "copy_to": lambda: self.copying.ask(self._selected(), move=False),
            "move_to": lambda: self.copying.ask(self._selected(), move=True),
            "rename": lambda: self.copying.rename(self._selected()),
        }
