"""The dialog for a secret that another client has changed while it was edited."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from core.model.secrets import SecretValue
from core.redaction import Secret
from core.secrets import secret_text
from core.secrets.secret_text import SecretDiff
from core.units import format_age
from gui.dialogs.confirm import Question
from gui.tabs.credentials.secrets.key_grid import change_pill, key_grid
from gui.tabs.credentials.secrets.versions_model import short
from gui.widgets.buttons import Button, plain_button
from gui.widgets.labels import muted_label, text_label

Act = Callable[[], object]
#: Number of keys named in the explanation.
_NAMES_SHOWN = 4


class EditConflict(Question):
    """Lists the keys that both sides changed; editing continues unless another option is chosen.

    Args:
        parent: the view that opens the dialog.
        opened: the version from which the user started.
        theirs: the version that the other client saved.
        mine: the text in the editor.
        load: shows their version in the editor.
        overwrite: saves the text in the editor.
    """

    def __init__(
        self,
        parent: QWidget,
        *,
        opened: SecretValue,
        theirs: SecretValue,
        mine: Secret,
        load: Act,
        overwrite: Act,
    ) -> None:
        super().__init__(
            parent,
            _title(theirs),
            unchanged="Nothing was saved. Your changes are still in the editor.",
        )
        base = opened.text.reveal()
        self.by_us = _changes(secret_text.diff(base, mine.reveal()))
        self.by_them = _changes(secret_text.diff(base, theirs.text.reveal()))
        # Three texts are compared: a key that they changed is undone only if the text to be saved
        # differs from theirs in it, not if both sides made the same change.
        lost = _changes(secret_text.diff(theirs.text.reveal(), mine.reveal()))
        self.body.addWidget(text_label(_explanation(theirs), wrap=True))
        keys = list(dict.fromkeys((*self.by_us, *self.by_them)))
        if keys:
            self.body.addWidget(key_grid(("Key", "Yours", "Theirs"), keys, self._cells))
        else:
            self.body.addWidget(muted_label("No key differs."))
        undone = [key for key in self.by_them if key in lost]
        self.body.addWidget(muted_label(_consequence(undone), wrap=True))
        self.load = plain_button("Load theirs", lambda: self._go(load))
        self.load.set_hint("Show their version and discard your changes")
        self.over = Button("Save over theirs", kind="loss")
        self.over.clicked.connect(lambda: self._go(overwrite))
        self.keep = plain_button("Keep editing", self.reject)
        # Enter must neither discard the changes of the user nor overwrite those of the other
        # client.
        self.keep.setDefault(True)
        self.keep.setFocus()
        self.add_buttons(self.keep, self.over, left=(self.load,))

    def _cells(self, key: str) -> tuple[QWidget, ...]:
        return (change_pill(self.by_us.get(key, "")), change_pill(self.by_them.get(key, "")))

    def _go(self, act: Act) -> None:
        # Closed first: the act may fail and open this dialog again.
        self.accept()
        act()


def _title(theirs: SecretValue) -> str:
    if theirs.by:
        return f"{theirs.name} was changed by {theirs.by}"
    return f"{theirs.name} was changed by another client"


def _explanation(theirs: SecretValue) -> str:
    version = short(theirs.version_id)
    if theirs.created is None:
        return (
            f"Version {version} was saved after you opened the secret. Nothing was overwritten; "
            "your unsaved changes are still in the editor."
        )
    return (
        f"Version {version} was saved {format_age(theirs.created)}, after you opened the secret. "
        "Nothing was overwritten; your unsaved changes are still in the editor."
    )


def _changes(found: SecretDiff) -> dict[str, str]:
    """Return how each side changed the keys that differ."""
    kinds = (("added", found.added), ("changed", found.changed), ("removed", found.removed))
    return {key: kind for kind, keys in kinds for key in keys}


def _consequence(undone: list[str]) -> str:
    """Return what saving would do to the changes of the other client."""
    names = ", ".join(undone[:_NAMES_SHOWN])
    if not undone:
        return (
            "Saving your version undoes none of their changes. Their version is retained as the "
            "previous version."
        )
    if len(undone) <= _NAMES_SHOWN:
        return (
            f"Saving your version undoes their changes to {names}. Their version is retained as "
            "the previous version."
        )
    return (
        f"Saving your version undoes their changes to {names} and others. Their version is "
        "retained as the previous version."
    )
