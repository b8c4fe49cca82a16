"""The question what a download does with files that already exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from core.transfer.values import IfExists
from core.units import format_count
from gui.dialogs.confirm import Question, list_of
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.decision import DecisionBox
from gui.widgets.labels import muted_label

_MEANING = {
    IfExists.SKIP: "These files stay as they are; the others are downloaded.",
    IfExists.OVERWRITE: "The files are replaced, which cannot be undone.",
    IfExists.KEEP_BOTH: "Each object is stored beside the file, as “name (2)”.",
    IfExists.IF_DIFFERENT: "Contents are compared by a hash; equal files stay as they are.",
    IfExists.IF_NEWER: "Files are replaced by objects that were stored after they were changed.",
    IfExists.IF_SIZE_DIFFERS: "Files of the same size stay, even if their content differs.",
}


class ExistingFiles(Question):
    """The files that exist, and one decision for all of them.

    Args:
        parent: the view that asks.
        names: the local names of the files.
        total: the number of objects of the download.
        then: gets the decision after a confirmation.
    """

    def __init__(
        self,
        parent: QWidget | None,
        names: Sequence[str],
        total: int,
        then: Callable[[IfExists], object],
    ) -> None:
        count, objects = format_count(len(names)), format_count(total)
        title = (
            "1 file already exists"
            if len(names) == 1
            else f"{count} of {objects} files already exist"
        )
        super().__init__(parent, title, "Nothing has been downloaded yet. What happens to them?")
        self.choice = DecisionBox("What to do with files that already exist")
        self._meaning = muted_label("", wrap=True, small=True)
        self.body.addWidget(list_of(names, "Existing files"))
        self.body.addWidget(self.choice)
        self.body.addWidget(self._meaning)
        self.go = primary_button("Download", self.accept)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self.go.setDefault(True)
        self.choice.setFocus()
        self.choice.selected.connect(self._on_choice)
        self.accepted.connect(lambda: then(self.choice.decision))
        self._on_choice()

    def _on_choice(self, _value: str = "") -> None:
        self._meaning.setText(_MEANING[self.choice.decision])
