"""The actions on binary secrets: save the value as a file, and replace it by a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog

from core.model.secrets import SecretValue, SecretWritten
from core.secrets.binary import content_of, kind_of, read_from_file, save_to_file
from core.transfer.local_names import safe_segments
from core.units import format_counted
from core.work import Work
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.tabs.credentials.secrets.secret_view import SecretView
from gui.widgets.labels import shown


class BinaryActions(QObject):
    """Runs the actions of a view; tasks and errors belong to the tab.

    Signals:
        changed: the name of an operation and that of the secret it has changed.
    """

    changed = Signal(str, str)

    def __init__(self, tab: Tab, view: SecretView) -> None:
        super().__init__(tab)
        self._tab, self._view = tab, view
        view.save_file_clicked.connect(self._on_save_file)
        view.replace_clicked.connect(self._on_replace)

    def _on_save_file(self) -> None:
        value = self._view.value
        if value is not None:
            dialog = self._dialog("Save the value as a file", partial(self.ask_to_save, value))
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.selectFile(proposed_name(value))
            dialog.open()

    def ask_to_save(self, value: SecretValue, path: Path) -> None:
        """Request confirmation for a file that contains the secret, and write it."""
        ask(
            self._tab,
            f"Save the value of {value.name} as a plain file?",
            "The file is not encrypted. Other users cannot read it (mode 0600), but programs that you "
            "start, administrators and backups of this computer can. Delete it when it is no longer "
            "needed.",
            lambda: self._save(value, path),
            names=[str(path)],
            button="Save",
        )

    def _save(self, value: SecretValue, path: Path) -> None:
        def save(work: Work) -> int:
            work.check()
            return save_to_file(value, path)

        def saved(size: int) -> None:
            text = (
                f"{format_counted(size, 'byte')} saved as {path.name}. Only you can read the file."
            )
            self._tab.banner.show_good(shown(text))

        self._tab.run(f"Save the value of {value.name} as a file", save, saved)

    def _on_replace(self) -> None:
        value = self._view.value
        if value is not None:
            dialog = self._dialog(
                "Replace the value by a file", partial(self.ask_to_replace, value)
            )
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.open()

    def ask_to_replace(self, value: SecretValue, path: Path) -> None:
        """Read a file, and request confirmation for storing its bytes as the new value."""

        def read(content: bytes) -> None:
            now, new = content_of(value), content
            size = format_counted(len(new), "byte")
            ask(
                self._tab,
                f"Replace the value of {value.name}?",
                f"It has {format_counted(len(now), 'byte')} ({kind_of(now).title}) and will have "
                f"{size} ({kind_of(new).title}). The present value is retained as the previous "
                "version.",
                lambda: self._replace(value, content),
                names=[str(path)],
                button="Replace",
            )

        self._tab.run(f"Read {path.name}", lambda _work: read_from_file(path), read, quiet=True)

    def _replace(self, value: SecretValue, content: bytes) -> None:
        secrets = self._tab.context.require_workspace().secrets
        name, expected = value.name, value.version_id

        def replaced(_written: SecretWritten) -> None:
            self.changed.emit("secrets.save", name)
            self._tab.banner.show_good(f"{name} was saved.")

        self._tab.run(
            f"Save {name}",
            lambda work: secrets.save(name, content, expected_version=expected, work=work),
            replaced,
            call=self._tab.call("secrets.save", name=name),
        )

    def _dialog(self, title: str, chosen: Callable[[Path], object]) -> QFileDialog:
        dialog = QFileDialog(self._tab, title, str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: chosen(Path(path)))
        return dialog


def proposed_name(value: SecretValue) -> str:
    """Return a possible file name: the last part of the secret's name, and the usual ending."""
    last = value.name.rstrip("/").rpartition("/")[2] or "secret"
    ending = kind_of(content_of(value)).ending
    return safe_segments(last if last.endswith(f".{ending}") else f"{last}.{ending}")[0]
