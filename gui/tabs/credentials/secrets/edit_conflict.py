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


class EditConflict(Question):
    """Lists the keys that both sides changed; editing continues unless another option is chosen."""

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
            f"{theirs.name} was changed by {theirs.by or 'another client'}",
            unchanged="Nothing was saved. Your changes are still in the editor.",
        )
        base = opened.text.reveal()
        self.by_us = _changes(secret_text.diff(base, mine.reveal()))
        self.by_them = _changes(secret_text.diff(base, theirs.text.reveal()))
        lost = _changes(secret_text.diff(theirs.text.reveal(), mine.reveal()))
        when = f" {format_age(theirs.created)}" if theirs.created else ""
        self.body.addWidget(
            text_label(
                f"Version {short(theirs.version_id)} was saved{when}, after you opened the "
                "secret. Nothing was overwritten; your unsaved changes are still in the editor.",
                wrap=True,
            )
        )
        self.body.addWidget(key_grid(("Key", "Yours", "Theirs"), self._rows()))
        undone = [key for key in self.by_them if key in lost]
        self.body.addWidget(muted_label(_consequence(undone), wrap=True))
        self.load = plain_button("Load theirs", lambda: self._go(load))
        self.load.set_hint("Show their version and discard your changes")
        self.over = Button("Save over theirs", kind="loss")
        self.over.clicked.connect(lambda: self._go(overwrite))
        self.keep = plain_button("Keep editing", self.reject)
        self.keep.setDefault(True)
        self.keep.setFocus()
        self.add_buttons(self.keep, self.over, left=(self.load,))

    def _rows(self) -> list[tuple[str, tuple[QWidget, ...]]]:
        keys = dict.fromkeys((*self.by_us, *self.by_them))
        if not keys:
            return [("(no key differs)", ())]
        return [
            (key, (change_pill(self.by_us.get(key, "")), change_pill(self.by_them.get(key, ""))))
            for key in keys
        ]

    def _go(self, act: Act) -> None:
        self.accept()
        act()


def _changes(found: SecretDiff) -> dict[str, str]:
    """Return how each side changed the keys that differ."""
    kinds = (("added", found.added), ("changed", found.changed), ("removed", found.removed))
    return {key: kind for kind, keys in kinds for key in keys}


def _consequence(undone: list[str]) -> str:
    note = "Their version is retained as the previous version."
    if not undone:
        return f"Saving your version undoes none of their changes. {note}"
    named = ", ".join(undone[:4]) + (" and others" if len(undone) > 4 else "")
    return f"Saving your version undoes their changes to {named}. {note}"
