"""The menu of saved searches of a bucket."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from gui.context import Context
from gui.widgets.buttons import icon_button
from gui.widgets.labels import elide_long

#: Maximum number of saved searches of a bucket; the oldest ones are removed.
_MOST = 50


class SavedSearches:
    """A button whose menu saves the present search, and opens or removes saved ones.

    Args:
        context: its settings store the searches of each profile and bucket.
        parent: the owner of the menu.
        text: returns the present text.
        choose: called with the text of a saved search.
    """

    def __init__(
        self,
        context: Context,
        parent: QWidget,
        text: Callable[[], str],
        choose: Callable[[str], object],
    ) -> None:
        self._context, self._text, self._choose = context, text, choose
        self.menu = QMenu(parent)
        self.menu.setAccessibleName("Saved searches")
        self.menu.aboutToShow.connect(self.fill)
        self.button = icon_button("star", "Saved searches of this bucket")
        self.button.setMenu(self.menu)

    @property
    def texts(self) -> list[str]:
        """The saved searches, the newest first."""
        stored = self._context.settings.get(self._key(), [])
        return [str(each) for each in stored] if isinstance(stored, list) else []

    def fill(self) -> None:
        """Create the entries of the menu, which depend on the present text."""
        self.menu.clear()
        text, saved = self._text().strip(), self.texts
        if text in saved:
            self.menu.addAction("Remove this search", partial(self._remove, text))
        elif text:
            self.menu.addAction("Save this search", partial(self._save, text))
        else:
            self.menu.addAction("Enter a search to save it").setEnabled(False)
        self.menu.addSeparator()
        for each in saved:
            # An ampersand would mark the next character as the key of the entry.
            self.menu.addAction(elide_long(each).replace("&", "&&"), partial(self._choose, each))

    def _save(self, text: str) -> None:
        self._context.settings.set(self._key(), [text, *self.texts][:_MOST])

    def _remove(self, text: str) -> None:
        self._context.settings.set(self._key(), [each for each in self.texts if each != text])

    def _key(self) -> str:
        workspace = self._context.workspace
        name = f"{workspace.profile.name}/{workspace.profile.bucket}" if workspace else ""
        return f"browser/searches/{name}"
