"""Selected objects and folders on their way to a folder or another program, by drag or clipboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from PySide6.QtCore import QByteArray, QMimeData, QStringListModel, QUrl

from core.objects.bucket import Bucket
from gui.tabs.browser.counting import folders_of
from gui.tabs.browser.folder_columns import Entries
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import parent_of
from gui.widgets.desktop import local_file

#: Only a name: the objects stay in this process, since a drag to another one carries texts or
#: files.
FORMAT = "application/x-strongroom-objects"
FILES = "text/uri-list"
#: The clipboard format of the file managers of GNOME, which ignore a list of URLs without it.
_GNOME = "x-special/gnome-copied-files"
#: A drag of more rows has no text: that of 200,000 URIs would delay its start.
_MOST_TEXTS = 2_000

Paths = Callable[[], Sequence[Path]]


@dataclass(frozen=True, slots=True)
class ObjectSelection:
    """A selection of one bucket.

    Attributes:
        bucket: the bucket.
        entries: the selected objects and folders.
        folders: the prefixes of the selected folders.
        parents: the folders that all of them are in; empty if there are too many rows to find out.
        move: whether they are to be moved; a drag decides it where it ends.
        token: identifies the selection in the data of a drag or of the clipboard.
    """

    bucket: Bucket
    entries: Sequence[Entry]
    folders: tuple[str, ...]
    parents: frozenset[str]
    move: bool = False
    token: str = field(default_factory=lambda: uuid4().hex)

    def names(self) -> list[str]:
        """Return the keys and prefixes."""
        entries = self.entries
        if isinstance(entries, Entries):
            return entries.all_keys
        return [entry.key for entry in entries]

    def reason_against(self, bucket: Bucket | None, prefix: str) -> str:
        """Return why the selection cannot be put into a folder, or an empty text.

        Args:
            bucket: the bucket of the folder; None without a connection.
            prefix: the folder.
        """
        if bucket is None or bucket != self.bucket:
            return "These objects are in another bucket. Copy them from there with “Copy to…”."
        if self.parents == {prefix}:
            return "They are already in this folder."
        if any(prefix.startswith(folder) for folder in self.folders):
            return "A folder cannot be put into itself."
        return ""


def selection_of(
    bucket: Bucket, entries: Sequence[Entry], listed: str | None, *, move: bool = False
) -> ObjectSelection:
    """Return a selection.

    Args:
        bucket: the bucket.
        entries: the selected rows.
        listed: the folder whose list they were selected in; None for those of several folders.
        move: whether they are to be moved.
    """
    if listed is not None:
        parents = frozenset({listed})
    elif len(entries) <= _MOST_TEXTS:
        parents = frozenset(parent_of(entry.key) for entry in entries)
    else:
        parents = frozenset()
    return ObjectSelection(bucket, entries, tuple(folders_of(entries)), parents, move)


class SelectionData(QMimeData):
    """The data of a drag: the selection for this window, URIs as text, files for other programs.

    Args:
        what: the selection.
        paths: returns the local files, which may be complete only later; None for no files.
    """

    def __init__(self, what: ObjectSelection, paths: Paths | None = None) -> None:
        super().__init__()
        self._paths = paths
        self.setData(FORMAT, QByteArray(what.token.encode()))
        if len(what.entries) <= _MOST_TEXTS:
            self.setText("\n".join(f"s3://{what.bucket.name}/{key}" for key in what.names()))

    def formats(self) -> list[str]:
        """Return the formats; files are announced although they may not exist yet."""
        return [*super().formats(), *([FILES] if self._paths is not None else [])]

    def hasFormat(self, name: str) -> bool:
        """Return whether a format is announced."""
        return name in self.formats()

    def retrieveData(self, name: str, kind: Any) -> Any:
        """Return the data of a format; the target requests files when it needs them."""
        if name == FILES and self._paths is not None:
            return [QUrl.fromLocalFile(str(path)) for path in self._paths()]
        return super().retrieveData(name, kind)


def clipboard_data(what: ObjectSelection) -> QMimeData:
    """Return the data of a selection for the clipboard: its keys are the text."""
    data = _native_data()
    data.setText("\n".join(what.names()))
    data.setData(FORMAT, QByteArray(what.token.encode()))
    return data


def files_data(paths: Sequence[Path]) -> QMimeData:
    """Return files as the clipboards of all desktops expect them."""
    data = _native_data()
    urls = [QUrl.fromLocalFile(str(path)) for path in paths]
    data.setUrls(urls)
    encoded = [bytes(url.toEncoded().data()) for url in urls]
    data.setData(_GNOME, QByteArray(b"\n".join([b"copy", *encoded])))
    return data


def _native_data() -> QMimeData:
    """Return empty data that Qt has created.

    Data created in Python would end the program with a crash if it is in the clipboard then, since
    Qt destroys it after the interpreter.
    """
    model = QStringListModel(["-"])
    data = model.mimeData([model.index(0)])
    for name in data.formats():
        data.removeFormat(name)
    return data


def local_files(data: QMimeData) -> list[str]:
    """Return the paths of the local files and folders in data of another program."""
    if data.hasFormat(FORMAT):
        return []
    return [local_file(url) for url in data.urls() if url.isLocalFile()]
