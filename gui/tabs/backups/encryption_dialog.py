"""The choice of a key that encrypts the backups of a database, and the dialog for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from core.backup.encryption_keys import BackupKey, create_key, key_of
from core.errors import ErrorKind, StorageError
from core.workspace import Workspace
from gui import theme
from gui.context import Context
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.columns import SettingsStore
from gui.widgets.dialog import Dialog
from gui.widgets.fields import line_edit
from gui.widgets.labels import muted_label

#: The setting with the names of keys, by the addresses of databases.
_SETTING = "backups/encrypt_with"
_PLACEHOLDER = "secret:cryptotrading/backup-key"
_TEXT = (
    "AES-256-GCM with a key in Secrets Manager (secret:NAME) or in the keyring of this computer "
    "(keyring:NAME). Restores find the key by themselves. Leave the field empty for backups that are "
    "not encrypted. Schedules use the key from the time when they are saved."
)
_WARNING = (
    "Without the key, its backups cannot be read by anyone. Store a copy of it in a safe place: "
    "strongroom backup-key show {name} --reveal"
)


def chosen_key(settings: SettingsStore | None, address: str) -> str:
    """Return the name of the key for backups of a database; empty if they are not encrypted."""
    stored = settings.get(_SETTING, {}) if settings is not None else {}
    found = stored.get(address, "") if isinstance(stored, dict) else ""
    return found if isinstance(found, str) else ""


def store_chosen_key(settings: SettingsStore | None, address: str, name: str) -> None:
    """Store the name of the key for backups of a database; empty removes it."""
    if settings is None:
        return
    stored = settings.get(_SETTING, {})
    others = {place: key for place, key in dict(stored).items() if place != address}
    settings.set(_SETTING, others | ({address: name} if name else {}))


class EncryptionDialog(Dialog):
    """A field for the name of a key, which is read before it is used, or created on request.

    Args:
        parent: the view that opens the dialog.
        context: runs the tasks.
        workspace: the connection with the secrets.
        name: the present name of the key.
        then: called with the new name; empty for backups that are not encrypted.
    """

    def __init__(
        self,
        parent: QWidget | None,
        context: Context,
        workspace: Workspace,
        name: str,
        then: Callable[[str], object],
    ) -> None:
        super().__init__(parent, "Encrypt backups of this database", _TEXT, width=480)
        self._context, self._workspace, self._then = context, workspace, then
        self.banner = Banner(self)
        self.field = line_edit("Key", _PLACEHOLDER)
        self.field.setText(name)
        self.field.setFont(theme.mono_font())
        self.note = muted_label(_WARNING.format(name=name or _PLACEHOLDER), wrap=True)
        self.go = primary_button("Use", self._on_go)
        self.go.setDefault(True)
        self.body.addWidget(self.field)
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    def _on_go(self) -> None:
        name = self.field.text().strip()
        if not name:
            self._use(name)
            return
        self._context.runner.run(
            "Read a backup key",
            lambda work: key_of(self._workspace, name, work),
            owner=self,
            then=lambda key: self._use(key.name),
            failed=lambda error: self._on_failed(name, error),
            quiet=True,
        )

    def _on_failed(self, name: str, error: StorageError) -> None:
        missing = error.kind is ErrorKind.NOT_FOUND
        self.banner.show_error(
            error, (lambda: self._create(name)) if missing else None, "Create it"
        )
        self.fit()

    def _create(self, name: str) -> None:
        self._context.runner.run(
            "Create a backup key",
            lambda work: create_key(self._workspace, work, name=name),
            owner=self,
            then=self._on_created,
            failed=self.banner.show_error,
            call=self._context.call("backup.create_key", "Backups", name=name),
        )

    def _on_created(self, key: BackupKey) -> None:
        self.banner.hide()
        self.note.setText(_WARNING.format(name=key.name))
        self._use(key.name)

    def _use(self, name: str) -> None:
        self.accept()
        self._then(name)
