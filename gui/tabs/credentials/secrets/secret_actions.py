"""The actions on secrets: create, save, delete, restore."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from core.errors import Conflict, InvalidInput, StorageError
from core.model.secrets import SecretInfo, SecretValue
from core.redaction import Secret
from core.secrets import secret_text
from core.secrets.save_rate import rate_warning
from core.storage.aws_secrets_manager import SecretsManager
from core.units import format_counted, utc_now
from core.work import Work
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.tabs.credentials.secrets.binary_actions import BinaryActions
from gui.tabs.credentials.secrets.edit_conflict import EditConflict
from gui.tabs.credentials.secrets.secret_dialogs import DeleteSecret, NewSecret
from gui.tabs.credentials.secrets.secret_view import SecretView
from gui.tabs.credentials.secrets.versions_pane import VersionsPane
from gui.widgets.secret_form import is_shown_openly

#: Characters of a value shown in a confirmation.
_LONGEST = 60


class SecretActions(QObject):
    """Runs the actions of a view; tasks and errors belong to the tab.

    Signals:
        changed: the name of an operation and that of the secret it has changed.
    """

    changed = Signal(str, str)

    def __init__(self, tab: Tab, view: SecretView, versions: VersionsPane) -> None:
        super().__init__(tab)
        self._tab, self._view, self._versions = tab, view, versions
        self.known: Sequence[SecretInfo] = ()
        self.binary = BinaryActions(tab, view)
        self.binary.changed.connect(self.changed)
        view.save_clicked.connect(self._on_save)
        view.delete_clicked.connect(self._on_delete)
        view.restore_clicked.connect(self._on_restore)

    # Create

    def create(self) -> None:
        """Prompt for the name and values of a new secret."""
        taken = frozenset(info.name for info in self.known)
        deleted = frozenset(info.name for info in self.known if info.deleted)
        dialog = NewSecret(self._tab, taken, lambda *order: self._create(dialog, *order), deleted)
        dialog.open()

    def _create(
        self,
        dialog: NewSecret,
        name: str,
        text: Secret,
        description: str,
        failed: Callable[[StorageError], None],
    ) -> None:
        secrets = self._secrets()

        def create(work: Work) -> None:
            secrets.create_secret(name, text.reveal(), description or None, work=work)

        def created(_none: None) -> None:
            dialog.accept()
            self._report("secrets.create", name, f"{name} was created.")

        self._tab.run(
            f"Create {name}",
            create,
            created,
            failed=failed,
            call=self._tab.call("secrets.create", name=name),
        )

    # Save

    def _on_save(self) -> None:
        value = self._view.value
        if value is None:
            return
        try:
            text = self._view.text
        except InvalidInput as error:
            self._tab.show_error(error)
            return
        explanation = "Hidden values stay hidden."
        if value.version_id:  # else it has no value yet
            explanation = f"The present value is retained as the previous version. {explanation}"
        # AWS removes no version that is younger than a day, and refuses to save when there are too
        # many.
        if warning := rate_warning(self._versions.of(value.name), utc_now()):
            explanation += f"\n\n{warning}"
        ask(
            self._tab,
            f"Save {value.name}?",
            explanation,
            lambda: self.save(value.name, text, value.version_id),
            names=changes(value.text, text) or ["(only whitespace or order)"],
            button="Save",
        )

    def save(self, name: str, text: Secret, expected: str) -> None:
        """Save a text, unless another client has saved one in the meantime.

        Args:
            name: the name of the secret.
            text: the new text.
            expected: the id of the version that must still be current.
        """
        secrets = self._secrets()
        self._tab.run(
            f"Save {name}",
            lambda work: secrets.save(name, text, expected_version=expected, work=work),
            lambda _written: self._report("secrets.save", name, f"{name} was saved."),
            failed=lambda error: self._on_save_failed(error, name, text),
            call=self._tab.call("secrets.save", name=name),
        )

    def _on_save_failed(self, error: StorageError, name: str, mine: Secret) -> None:
        if isinstance(error, Conflict):
            self.show_conflict(name, mine)
        else:
            self._tab.show_error(error)

    def show_conflict(self, name: str, mine: Secret) -> None:
        """Read the version of another client, show which keys differ, and let the user decide."""
        secrets = self._secrets()
        self._tab.run(
            f"Read {name}",
            lambda work: secrets.read(name, work=work),
            lambda theirs: self._on_conflict_read(theirs, mine),
            quiet=True,
        )

    def _on_conflict_read(self, theirs: SecretValue, mine: Secret) -> None:
        opened = self._view.value
        if opened is None or opened.name != theirs.name:  # the user has opened another secret
            return
        EditConflict(
            self._tab,
            opened=opened,
            theirs=theirs,
            mine=mine,
            load=lambda: self._load(theirs),
            # Expects the version that was compared: if a third one is saved now, that is a conflict
            # again.
            overwrite=lambda: self.save(theirs.name, mine, theirs.version_id),
        ).open()

    def _load(self, theirs: SecretValue) -> None:
        """Show another client's version, with the current list of versions."""
        self._tab.banner.clear()  # it may state that the discarded changes are in the editor
        self._view.show_value(theirs)
        self._tab.refresh()

    # Delete and restore

    def _on_delete(self) -> None:
        name = self._view.name
        dialog = DeleteSecret(
            self._tab, name, lambda days, force: self._delete(name, days, force=force)
        )
        dialog.open()

    def _delete(self, name: str, days: int, *, force: bool) -> None:
        secrets = self._secrets()
        if force:
            text = f"{name} was deleted."
        else:
            text = f"{name} was deleted. It can be restored for {format_counted(days, 'day')}."
        self._tab.run(
            f"Delete {name}",
            lambda work: secrets.delete_secret(name, force, recovery_days=days, work=work),
            lambda _gone: self._report("secrets.delete", name, text),
            call=self._tab.call("secrets.delete", name=name),
        )

    def _on_restore(self) -> None:
        name, secrets = self._view.name, self._secrets()
        self._tab.run(
            f"Restore {name}",
            lambda work: secrets.restore_secret(name, work=work),
            lambda _back: self._report("secrets.restore", name, f"{name} was restored."),
            call=self._tab.call("secrets.restore", name=name),
        )

    def _report(self, operation: str, name: str, text: str) -> None:
        """Announce a change and show its result."""
        self.changed.emit(operation, name)
        self._tab.banner.show_good(text)

    def _secrets(self) -> SecretsManager:
        return self._tab.context.require_workspace().secrets


def changes(before: Secret, after: Secret) -> list[str]:
    """Return the keys that differ, each with a sign; values only if the form shows them openly."""
    found = secret_text.diff(before.reveal(), after.reveal())
    old, new = _open_values(before), _open_values(after)
    return [
        *(_signed("+", key, new.get(key)) for key in found.added),
        *(f"~ {key}: {_changed(old.get(key), new.get(key))}" for key in found.changed),
        *(_signed("−", key, old.get(key)) for key in found.removed),  # noqa: RUF001 - a minus sign, as people read it
    ]


def _open_values(text: Secret) -> dict[str, str]:
    """Return the values that the form shows openly, such as a host or a port."""
    try:
        rows = secret_text.rows_of(text.reveal())
    except InvalidInput:  # no JSON object: all of it is hidden
        return {}
    return {row.key: row.value.reveal() for row in rows if is_shown_openly(row)}


def _changed(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return "changed"
    return f"{_cut(before)} → {_cut(after)}"


def _signed(sign: str, key: str, value: str | None) -> str:
    return f"{sign} {key}" if value is None else f"{sign} {key}: {_cut(value)}"


def _cut(value: str) -> str:
    """Return a value in one short line; an empty one as text."""
    if not value:
        return "(empty)"
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
