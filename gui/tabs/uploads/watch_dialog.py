"""The dialog that starts to watch a folder."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QWidget

from core.errors import InvalidInput
from core.transfer.sources import typed_path
from gui import theme
from gui.context import Context
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import line_edit
from gui.widgets.labels import text_label
from gui.widgets.panel import row

#: The settings of the folder that was watched last, and of the check box.
_FOLDER, _FILE_TIME = "uploads/watched-folder", "uploads/watch-file-time"


class WatchDialog(Dialog):
    """The folder to watch, and what is done with its files.

    Signals:
        confirmed: the path of the folder, and whether the modification time of a file replaces a
            time that its content does not have.
    """

    confirmed = Signal(str, bool)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(
            parent,
            "Watch a folder",
            "Each new file in the folder is stored by the data contract, verified, and then moved "
            "to the subfolder “filed”. A file that cannot be stored is moved to “refused”, with the "
            "reason beside it. Existing objects are never replaced.",
            width=560,
        )
        self._context = context
        settings = context.settings
        self.folder = line_edit("Folder to watch", "for example /data/exports")
        self.folder.setFont(theme.mono_font())
        self.folder.setText(str(settings.get(_FOLDER) or ""))
        self.browse = plain_button("Browse…", self._on_browse)
        self.file_time = QCheckBox("Use the modification time of files whose content has no time")
        self.file_time.setChecked(settings.get(_FILE_TIME) is True)
        self.problem = text_label("", "danger", wrap=True)
        self.problem.hide()
        self.go = primary_button("Watch", self._on_go)
        self.go.setDefault(True)
        self.body.addWidget(row(self.folder, self.browse))
        self.body.addWidget(self.file_time)
        self.body.addWidget(self.problem)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        context.read_only_changed.connect(self._update)
        self.folder.textChanged.connect(self._update)
        self._update()

    def _on_browse(self) -> None:
        dialog = QFileDialog(self, "Folder to watch", self.folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    def _update(self, *_changed: object) -> None:
        reason = self._context.locked_reason
        if not self.folder.text().strip():
            reason = "Enter a folder first."
        self.go.allow(not reason, reason)

    def _on_go(self) -> None:
        try:
            path = typed_path(self.folder.text())
        except InvalidInput as error:
            self.problem.setText(f"{error.cause} {error.remedy}")
            self.problem.show()
            self.fit()
            return
        file_time = self.file_time.isChecked()
        self._context.settings.set(_FOLDER, path)
        self._context.settings.set(_FILE_TIME, file_time)
        self.confirmed.emit(path, file_time)
        self.accept()
