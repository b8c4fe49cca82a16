"""Services of the desktop."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices


def open_folder(folder: Path) -> None:
    """Open a folder in the desktop's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def local_file(url: QUrl) -> str:
    """Return the path of a local file or folder of another program, as `os.fsdecode` does."""
    path = url.toLocalFile()
    if "\ufffd" not in path or os.name == "nt":
        return path
    # Qt replaces the bytes of a name that is not UTF-8: such a file would seem not to exist.
    return os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded)))
