"""The ways to open a database: an SQLite file, a database server, or the address in a secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from core.workspace import Workspace
from gui import shortcuts
from gui.tabs.backups.secret_dialog import DEFAULT_SECRET, SecretDialog
from gui.tabs.backups.server_dialog import ServerDialog
from gui.tabs.backups.servers import is_server
from gui.tabs.base import Tab

_NOT_CONNECTED = "Connect to a bucket first: the secrets of its account are listed."


class DatabaseOpener(QObject):
    """The menu "Open database" and its dialogs.

    Args:
        tab: the tab, in which the search finds the entries of the menu.

    Signals:
        file_chosen: the path of an SQLite file.
        logged_in: a `LoggedIn`.
        secret_chosen: the name of a secret.
    """

    file_chosen = Signal(str)
    logged_in = Signal(object)
    secret_chosen = Signal(str)

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._tab = tab
        self.menu = QMenu(tab)
        self.menu.setToolTipsVisible(True)
        self.menu.addAction("SQLite file…", self.open_file)
        self.menu.addAction("Database server…", self.open_server)
        self._from_secret = self.menu.addAction("From a secret…", self.open_secret)
        self._from_platform = self.menu.addAction(
            f"From {DEFAULT_SECRET}", lambda: self.secret_chosen.emit(DEFAULT_SECRET)
        )
        self.menu.aboutToShow.connect(self._update)
        shortcuts.bind("backups.open_file", tab, self.open_file)
        shortcuts.bind("backups.open_server", tab, self.open_server)
        shortcuts.bind("backups.open_secret", tab, self.open_secret, self._why_no_secret)
        #: A database near which files are looked for first.
        self.near = ""

    def popup(self, below: QWidget) -> None:
        """Show the menu below a button."""
        self.menu.popup(below.mapToGlobal(QPoint(0, below.height())))

    def open_file(self) -> None:
        """Prompt for an SQLite file."""
        dialog = self._file_dialog("Open an SQLite database")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.file_chosen)
        dialog.open()

    def open_server(self) -> None:
        """Prompt for the login to a database server."""
        self.log_in("")

    def log_in(self, url: str) -> None:
        """Prompt for a login; a URL fills the form, except the password."""
        demo = self._tab.context.demo_database is not None
        context, then = self._tab.context, self.logged_in.emit
        ServerDialog(self._tab, context, then, url=url, demo=demo).open()

    def open_secret(self) -> None:
        """Prompt for a secret that contains the address of a database."""
        workspace = self._tab.context.workspace
        if workspace is not None:
            SecretDialog(self._tab, self._tab.context, workspace, self.secret_chosen.emit).open()

    def choose_new_file(self, then: Callable[[str], object]) -> None:
        """Prompt for a file to restore into; an existing one is compared, never overwritten."""
        dialog = self._file_dialog("Restore to an SQLite file")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Compare")
        dialog.setDefaultSuffix("db")
        dialog.fileSelected.connect(then)
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        near = self.near
        start = str(Path(near).parent) if near and not is_server(near) else str(Path.home())
        dialog = QFileDialog(self._tab, title, start)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setNameFilters(["SQLite (*.db *.sqlite *.sqlite3)", "All files (*)"])
        return dialog

    def _why_no_secret(self) -> str:
        workspace: Workspace | None = self._tab.context.workspace
        return "" if workspace is not None else _NOT_CONNECTED

    def _update(self) -> None:
        why = self._why_no_secret()
        for entry in (self._from_secret, self._from_platform):
            entry.setEnabled(not why)
            entry.setToolTip(why)
