"""The dialog that chooses a secret with the address of a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QStringListModel
from PySide6.QtWidgets import QWidget

from core.errors import StorageError
from core.work import Work
from core.workspace import Workspace
from gui import theme
from gui.context import Context
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import line_edit
from gui.widgets.labels import muted_label
from gui.widgets.table import choose_row, make_list, on_enter

#: The secret of the platform's database.
DEFAULT_SECRET = "cryptotrading/database"  # noqa: S105 - the name, not a password


class SecretDialog(Dialog):
    """A list of secrets, and a field for the name of one that cannot be listed.

    Args:
        parent: the view that opens the dialog.
        context: runs the task that lists the secrets.
        workspace: the connection whose secrets are listed.
        then: called with the name of the chosen secret.
    """

    def __init__(
        self,
        parent: QWidget | None,
        context: Context,
        workspace: Workspace,
        then: Callable[[str], object],
    ) -> None:
        super().__init__(
            parent,
            "Open a database from a secret",
            "The secret contains the fields engine, host, port, database, username and password. "
            "It is read again for every backup and restore, so that a new password is used at once.",
            width=480,
            height=340,
        )
        self._then = then
        self.banner = Banner(self)
        self.field = line_edit("Name of the secret", DEFAULT_SECRET)
        self.field.setFont(theme.mono_font())
        self.model = QStringListModel(self)
        self.list = make_list(self.model, "Secrets")
        self.list.setFont(theme.mono_font())
        self.note = muted_label("Listing the secrets…", wrap=True)
        self.go = primary_button("Open", self._on_go)
        self.go.setDefault(True)
        self.body.addWidget(self.field)
        self.add_stretching(self.list, 110)
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self.field.textChanged.connect(self._update)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.doubleClicked.connect(self._on_go)
        on_enter(self.list, self._on_go)
        self._update()
        self._load(context, workspace)

    def _load(self, context: Context, workspace: Workspace) -> None:
        def names(work: Work) -> list[str]:
            found = workspace.secrets.list_infos("", planned_deletion=False, work=work)
            return [info.name for info in found]

        context.runner.run(
            "List secrets",
            names,
            owner=self,
            then=self._on_names,
            failed=self._on_failed,
            quiet=True,
        )

    def _on_names(self, names: Sequence[str]) -> None:
        self.model.setStringList(list(names))
        self.note.setText("" if names else "This account has no secrets.")
        if DEFAULT_SECRET in names and not self.field.text():
            choose_row(self.list, names.index(DEFAULT_SECRET))
        self.list.setFocus()

    def _on_failed(self, error: StorageError) -> None:
        self.note.setText("The secrets could not be listed. Type the name of one.")
        self.fit()  # the text may need another line than "Listing…"
        self.banner.show_error(error)
        self.field.setFocus()

    def _on_current(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid():
            self.field.setText(str(current.data()))

    def _update(self, *_text: object) -> None:
        named = bool(self.field.text().strip())
        self.go.allow(named, "Select a secret, or type the name of one.")

    def _on_go(self, *_index: object) -> None:
        if self.go.isEnabled():
            self.accept()
            self._then(self.field.text().strip())
