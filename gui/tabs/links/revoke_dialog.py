"""The ways to end a link before it expires: what each of them affects, and the action."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from core.links.ledger import Entry
from core.links.revocation import deny_statement
from core.units import format_counted
from gui import theme
from gui.widgets.buttons import Button, danger_button, plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import heading, muted_label, text_label
from gui.widgets.panel import row

_TEXT = (
    "The signature of a single link cannot be withdrawn. What it depends on can be taken away; each "
    "way affects more than this link."
)
_DENY = (
    "Add this statement to the policy of the bucket. It denies all links of this kind to this object, "
    "also later ones; programs with their own keys are not affected."
)
_DELETE = (
    "Download links of a deleted object return 404. On a versioned bucket it can be restored from the "
    "trash, and then the links work again until they expire. The Browser shows what would be deleted."
)
_DELETE_VERSION = (
    "This link is for the version {version}. It returns 404 once that version is deleted permanently; "
    "it still works while the object is in the trash. The Browser shows the versions of the object."
)


class RevokeDialog(Dialog):
    """The ways to revoke a link of the list.

    Args:
        parent: the view that opens the dialog.
        entry: the link.
        links_of_key: the number of active links of the key that signed it.
        key_in_use: whether the present profile uses this key.
        deactivate: called to deactivate the key, after this dialog was closed.
        show_object: called to show the object in the Browser; None if it is in another bucket than
            the present one.
        locked: why the key cannot be deactivated now, or empty.
        region: the region of the present profile.
    """

    def __init__(  # noqa: PLR0913 - the parts of one question, mostly by keyword
        self,
        parent: QWidget | None,
        entry: Entry,
        *,
        links_of_key: int,
        key_in_use: bool,
        deactivate: Callable[[], object],
        show_object: Callable[[], object] | None,
        locked: str = "",
        region: str = "",
    ) -> None:
        super().__init__(parent, f"End links to {entry.key}", _TEXT, width=560)
        self.deactivate = danger_button("Deactivate the key…", lambda: self._then(deactivate))
        self.deactivate.allow(not locked, locked)
        self.show_object = plain_button("Show the object", lambda: self._then(show_object))
        self.show_object.allow(
            show_object is not None, f"Switch to the profile {entry.made_by} and its bucket first."
        )
        self.deny = plain_button("Show the statement…", partial(self._on_deny, entry, region))
        self._add("Deactivate the access key", _key_text(entry, links_of_key), self.deactivate)
        if key_in_use:
            warning = "This profile uses the key: the window loses its access, too."
            self.body.addWidget(text_label(warning, "warning", wrap=True))
        if entry.method in {"GET", "HEAD"}:
            version = entry.version_id
            title = "Delete the version" if version else "Delete the object"
            text = _DELETE_VERSION.format(version=version) if version else _DELETE
            self._add(title, text, self.show_object)
        self._add("Deny links in the bucket policy", _DENY, self.deny)
        self.add_buttons(plain_button("Close", self.reject))

    def _add(self, title: str, text: str, button: Button) -> None:
        self.body.addWidget(heading(title))
        self.body.addWidget(muted_label(text, wrap=True))
        self.body.addWidget(row(button, stretch=True))

    def _then(self, call: Callable[[], object] | None) -> None:
        self.accept()
        if call is not None:
            call()

    def _on_deny(self, entry: Entry, region: str) -> None:
        StatementDialog(self, entry, region).open()


class StatementDialog(Dialog):
    """The statement of a bucket policy that denies links like one of the list."""

    def __init__(self, parent: QWidget | None, entry: Entry, region: str = "") -> None:
        super().__init__(parent, "Statement for the bucket policy", _DENY, width=560, height=380)
        self.statement = QPlainTextEdit(json.dumps(deny_statement(entry, region), indent=2))
        self.statement.setReadOnly(True)
        self.statement.setTabChangesFocus(True)
        self.statement.setFont(theme.mono_font())
        self.statement.setAccessibleName("Statement for the bucket policy")
        self.copy = primary_button("Copy", self._on_copy)
        self.add_stretching(self.statement)
        self.add_buttons(plain_button("Close", self.reject), self.copy)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.statement.toPlainText())
        self.copy.setText("Copied")


def _key_text(entry: Entry, links: int) -> str:
    if links == 1:
        return (
            f"The key {entry.access_key_id} has signed one active link of this computer. Every "
            "program that uses the key stops working, until it is activated again in IAM."
        )
    return (
        f"The key {entry.access_key_id} has signed {format_counted(links, 'active link')} of this "
        "computer. All of them and every program that uses the key stop working, until it is "
        "activated again in IAM."
    )
