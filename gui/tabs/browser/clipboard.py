"""Copy, cut and paste of objects: the keyboard's way of what drags do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from core.objects.bucket import Bucket
from gui.tabs.browser.object_selection import FORMAT, ObjectSelection, clipboard_data, local_files

_NOTHING = "The clipboard has no objects of this bucket and no files. Copy or cut some first."


class ObjectClipboard:
    """The objects that were copied or cut; other programs get their keys as text."""

    def __init__(self) -> None:
        self._held: ObjectSelection | None = None

    def put(self, what: ObjectSelection) -> None:
        """Put a selection on the clipboard, with its keys as text."""
        self._held = what
        QGuiApplication.clipboard().setMimeData(clipboard_data(what))

    def forget(self) -> None:
        """Forget objects that were moved, so that they are not pasted a second time."""
        self._held = None

    @property
    def held(self) -> ObjectSelection | None:
        """The selection, unless something else was copied since."""
        held, data = self._held, _data()
        if held is None or data is None or not data.hasFormat(FORMAT):
            return None
        return held if bytes(data.data(FORMAT).data()) == held.token.encode() else None

    @property
    def files(self) -> list[str]:
        """The paths of files that another program has copied."""
        data = _data()
        return local_files(data) if data is not None else []

    def reason_not_to_paste(
        self, bucket: Bucket | None, prefix: str, locked: str, *, folder_shown: bool
    ) -> str:
        """Return why nothing can be pasted into a folder, or an empty text.

        Args:
            bucket: the bucket; None without a connection.
            prefix: the folder.
            locked: why nothing can be changed; empty while changes are allowed.
            folder_shown: whether the list of a folder is shown.
        """
        if not folder_shown:
            return "Show a folder first: objects and files are pasted into it."
        held = self.held
        if not locked and held is None and not self.files:
            return _NOTHING
        return locked or (held.reason_against(bucket, prefix) if held is not None else "")


def _data() -> QMimeData | None:
    # Qt returns a null pointer on platforms whose clipboard is empty.
    return cast("QMimeData | None", QGuiApplication.clipboard().mimeData())


def copy_text(texts: Sequence[str]) -> None:
    """Put texts on the clipboard, one in each line."""
    QGuiApplication.clipboard().setText("\n".join(texts))
