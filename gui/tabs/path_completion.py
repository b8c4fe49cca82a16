"""Completion of a path that is typed: the folders below the parent of the typed text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QStringListModel, Qt
from PySide6.QtWidgets import QCompleter, QLineEdit

from core.errors import StorageError
from core.objects.bucket import Bucket
from core.objects.level import list_level
from gui.tabs.base import Tab


class PathCompletion(QObject):
    """Offers folders in a field, with one LIST request whenever the parent folder changes.

    Args:
        tab: runs the requests.
        field: the field for a key or prefix.
        bucket: returns the current bucket.
    """

    def __init__(self, tab: Tab, field: QLineEdit, bucket: Callable[[], Bucket | None]) -> None:
        super().__init__(tab)
        self._tab, self._field, self._bucket = tab, field, bucket
        self._shown: tuple[Bucket, str] | None = None
        self.model = QStringListModel(self)
        self.completer = QCompleter(self.model, self)
        self.completer.setCaseSensitivity(Qt.CaseSensitivity.CaseSensitive)  # as keys are
        popup = self.completer.popup()
        assert popup is not None  # it is made on the first call
        popup.setObjectName("completion")  # for the style sheet
        popup.setAccessibleName("Folders that complete the path")
        popup.setFont(field.font())
        field.setCompleter(self.completer)
        field.textEdited.connect(self._on_text)
        self.completer.activated.connect(self._on_text)

    def _on_text(self, text: str) -> None:
        """List the parent folder of a text, unless it is shown or the text is an address."""
        bucket = self._bucket()
        if bucket is None or "://" in text or text.startswith("arn:"):
            return
        parent = text[: text.rfind("/") + 1]
        wanted = (bucket, parent)
        if wanted == self._shown:
            return
        self._shown = wanted
        self.model.setStringList([])
        self._tab.run(
            f"Complete {parent or bucket.name}",
            lambda work: list_level(bucket, parent, work=work).folders,
            lambda folders: self._show(wanted, folders),
            failed=_no_completion, latest="path/complete", quiet=True,
        )  # fmt: skip

    def _show(self, wanted: tuple[Bucket, str], folders: tuple[str, ...]) -> None:
        if wanted != self._shown:
            return
        self.model.setStringList(list(folders))
        if self._field.hasFocus():
            self.completer.setCompletionPrefix(self._field.text())
            self.completer.complete()


def _no_completion(_error: StorageError) -> None:
    """Offer no folders; the failure is shown when the typed path is opened."""
