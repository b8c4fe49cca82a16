"""The export of statistics: CSV and JSON with the groups of a folder, or its treemap as a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QImageWriter
from PySide6.QtWidgets import QFileDialog, QWidget

from core.errors import InvalidInput, LocalIOError
from core.local.atomic import write_atomically
from core.model.statistics import StorageStatistics
from core.statistics.export import export_statistics
from core.units import format_counted
from gui.widgets.buttons import Button

#: The name of each format, and the ending of its files.
_FORMATS = {
    "CSV files (*.csv)": "csv",
    "JSON files (*.json)": "json",
    "PNG pictures (*.png)": "png",
}
_HINT = (
    "Write the figures of the folder shown to a CSV or JSON file: all groups and its largest "
    "objects. As PNG: the picture of the sizes."
)


def show_allowed(button: Button, found: StorageStatistics | None, *, running: bool) -> None:
    """Enable the button of the export, or disable it with the reason.

    Args:
        button: the button.
        found: the result that is shown.
        running: whether a scan is running.
    """
    reason = ""
    if running:
        reason = "A scan is running."
    elif found is None:
        reason = "There are no figures yet. Scan first."
    elif found.partial:
        reason = "The scan was interrupted: the figures cover a part of the objects. Scan again."
    elif not found.objects:
        reason = "There are no objects, so there is nothing to export."
    button.set_hint(_HINT)
    button.allow(not reason, reason)


def choose_file(parent: QWidget, found: StorageStatistics, then: Callable[[str], object]) -> None:
    """Open the dialog for the name of the file.

    Args:
        parent: the view that exports.
        found: the result that is shown.
        then: gets the chosen path.
    """
    path = Path.home() / f"{found.bucket}-statistics.csv"
    dialog = QFileDialog(parent, "Export statistics", str(path))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(_FORMATS))
    dialog.setDefaultSuffix("csv")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(_FORMATS[name]))
    dialog.fileSelected.connect(then)
    dialog.open()


def write_file(found: StorageStatistics, folder: str, path: Path, picture: QImage) -> str:
    """Write the figures or the picture of a folder, by the ending of the file.

    Args:
        found: a complete result.
        folder: the folder shown, without final slash.
        path: the file; the file dialog has asked whether an existing one is replaced.
        picture: the treemap of the folder.

    Returns:
        What was written.

    Raises:
        InvalidInput: the file has another ending.
        LocalIOError: it cannot be written, or the picture is empty.
    """
    if path.suffix.lower().removeprefix(".") not in _FORMATS.values():
        *others, last = (f".{ending}" for ending in _FORMATS.values())
        raise InvalidInput(
            f"The format of {path.name} is unknown",
            remedy=f"Use a name that ends in {', '.join(others)} or {last}.",
        )
    if path.suffix.lower() == ".png":
        write_atomically(path, _as_png(picture))
        return f"The picture was written to {path.name}."
    count = export_statistics(found, path, folder=folder, overwrite=True)
    return f"{format_counted(count, 'record')} written to {path.name}."


def _as_png(picture: QImage) -> bytes:
    # Qt reports no error if a file is cut off by a full disk.
    content = QBuffer()
    content.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(content, QByteArray(b"png")).write(picture):
        raise LocalIOError(
            "The picture could not be made",
            cause="The sizes by folder have no room, or there is too little memory.",
            remedy="Enlarge the window, or export a CSV or JSON file. Nothing was written.",
        )
    return bytes(content.data().data())
