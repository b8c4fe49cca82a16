"""The left column: files to upload, the destination, and the upload plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QVBoxLayout, QWidget

from core.errors import InvalidInput
from core.layout.key_checks import check_key
from core.model.upload_options import DEFAULT_OPTIONS, UploadOptions
from core.transfer.plan import clean_prefix
from gui import theme
from gui.tabs.uploads.options_dialog import UploadOptionsDialog, options_text
from gui.tabs.uploads.plan_card import PlanCard
from gui.widgets.buttons import link_button, plain_button, set_flush
from gui.widgets.desktop import local_file
from gui.widgets.labels import Elided, heading, muted_label, repolish, text_label
from gui.widgets.panel import row
from gui.widgets.sign import Sign


class DropZone(QFrame):
    """The area on which files and folders can be dropped.

    Signals:
        dropped: the paths, a list of texts.
    """

    dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "drop")
        self.setAcceptDrops(True)
        self.setAccessibleName("Drop files or folders here")
        picture = Sign("up", "accent")
        picture.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        title = heading("Drop files or folders here")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        note = muted_label("Nothing is uploaded before you have seen the plan.", small=True)
        note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(6)
        for part in (picture, title, note):
            box.addWidget(part)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept local files."""
        if local_paths(event):
            accept_files(event)
            self._mark(over=True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Propose a copy everywhere in the area."""
        accept_files(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Remove the highlight when the pointer leaves."""
        super().dragLeaveEvent(event)
        self._mark(over=False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Emit the dropped paths."""
        self._mark(over=False)
        accept_files(event)
        self.dropped.emit(local_paths(event))

    def _mark(self, *, over: bool) -> None:
        self.setProperty("over", over)
        repolish(self)  # Qt applies selectors of dynamic properties only on request


class UploadForm(QWidget):
    """The drop area, buttons, destination and plan.

    Signals:
        changed: the files, the destination or the options changed, so a new plan is needed.
        file_as: the user wants to store a document by the data contract.
    """

    changed = Signal()
    file_as = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.zone = DropZone()
        self.add_files = plain_button("Add files…", self.choose_files, icon_name="file")
        self.add_folder = plain_button("Add folder…", self.choose_folder, icon_name="folder")
        self.file_one = plain_button("File as…", self.file_as.emit, icon_name="calendar")
        self.file_one.set_hint("Store a document by the data contract: kind, symbol, time")
        self.synchronize = plain_button("Synchronize…", icon_name="refresh")
        self.synchronize.set_hint("Make a prefix equal to a folder, or a folder equal to a prefix")
        self.watch_folder = plain_button("Watch a folder…", icon_name="eye")
        self.watch_folder.set_hint("Store each new file of a folder by the data contract")
        self.prefix = QLineEdit()
        self.prefix.setFont(theme.mono_font())
        self.prefix.setPlaceholderText("the root of the bucket")
        self.prefix.setAccessibleName("Destination folder in the bucket")
        self._problem = text_label("", "danger", wrap=True)
        self._problem.hide()
        self.options = DEFAULT_OPTIONS
        self.choose_options = set_flush(link_button("Options…", self.edit_options))
        self.choose_options.set_hint("Storage class, encryption, compression, tags and metadata")
        self._options = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.plan = PlanCard()
        self._lay_out()
        self.zone.dropped.connect(self.add)
        self.prefix.editingFinished.connect(self._on_prefix)
        self.plan.cleared.connect(self.clear)
        #: The destination of the plan; None while it is not valid, so that there is no plan.
        self._planned_prefix: str | None = ""
        # The folder that another view has sent, and its text in the field, which has no line ends.
        self._given = self._given_text = ""

    @property
    def destination(self) -> str:
        """The prefix: that of a folder as it is, or what was typed in its normal form.

        Raises:
            InvalidInput: it cannot be part of a key.
        """
        if self._is_given:
            return check_key(self._given)
        return clean_prefix(self.prefix.text())

    @property
    def _is_given(self) -> bool:
        """Whether the field shows the folder of a list, such as “/” or “ a/”, which no one types."""
        return self._given.endswith("/") and self.prefix.text() == self._given_text

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the operation that plans the upload.

        Raises:
            InvalidInput: the destination cannot be part of a key.
        """
        return {
            "paths": list(self.paths),
            "prefix": self.destination,
            "exact": True,
            "options": self.options.as_dict(),
        }

    def set_prefix(self, prefix: str) -> None:
        """Set the destination, for example to the folder shown in the browser."""
        self.prefix.setText(prefix)
        self._given, self._given_text = prefix, self.prefix.text()
        self._on_prefix()

    def add(self, paths: Sequence[str]) -> None:
        """Add files and folders to the list."""
        present = set(self.paths)
        added = [path for path in dict.fromkeys(paths) if path not in present]
        if added:
            self.paths += added
            self.changed.emit()

    def clear(self) -> None:
        """Clear the list."""
        if self.paths:
            self.paths = []
            self.changed.emit()

    def choose_files(self) -> None:
        """Prompt for files."""
        dialog = QFileDialog(self, "Files to upload")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        self._ask(dialog)

    def choose_folder(self) -> None:
        """Prompt for a folder."""
        dialog = QFileDialog(self, "Folder to upload")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._ask(dialog)

    def edit_options(self) -> None:
        """Open the dialog with the options of the upload."""
        dialog = UploadOptionsDialog(self, self.options)
        dialog.accepted.connect(lambda: self.set_options(dialog.options))
        dialog.open()

    def set_options(self, options: UploadOptions) -> None:
        """Use other options for this and later plans."""
        if options == self.options:
            return
        # A compression changes the keys, and with them which of them exist.
        new_keys = options.compression is not self.options.compression
        self.options = options
        self._options.setText(options_text(options))
        if new_keys and self.paths:
            self.changed.emit()

    def _ask(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.add)
        dialog.open()

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(8)
        box.addWidget(self.zone)
        box.addWidget(row(self.add_files, self.add_folder, self.file_one))
        box.addWidget(row(self.synchronize, self.watch_folder))
        box.addSpacing(8)
        box.addWidget(heading("Destination"))
        box.addWidget(self.prefix)
        box.addWidget(self._problem)
        box.addWidget(row(self.choose_options, self._options, stretch=True))
        box.addWidget(self.plan)
        box.addStretch(1)

    def _on_prefix(self) -> None:
        try:
            prefix = self.destination
        except InvalidInput as error:
            self._problem.setText(f"{error.summary}. {error.cause}")
            self._problem.show()
            if self._planned_prefix is not None:
                self._planned_prefix = None
                self.changed.emit()
            return
        self._problem.hide()
        if not self._is_given and prefix != self.prefix.text():
            self.prefix.setText(prefix)
        # Qt also emits editingFinished when the field loses the focus: no new plan for that.
        if prefix != self._planned_prefix:
            self._planned_prefix = prefix
            self.changed.emit()


def accept_files(event: QDropEvent) -> None:
    """Accept files as a copy: after a move, a file manager would delete them."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def local_paths(event: QDropEvent) -> list[str]:
    """Return the local files and folders of a drag or drop."""
    urls = event.mimeData().urls() if event.mimeData().hasUrls() else []
    return [str(Path(local_file(url))) for url in urls if url.isLocalFile()]
