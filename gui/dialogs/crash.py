"""The dialog for what should never happen: what was, and a report without secrets to copy."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from gui import theme
from gui.errors import about
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.labels import heading, muted_label, shown


class CrashDialog(QDialog):
    """Tells an error of the program itself. The program goes on."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("An error in Strongroom")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 380)
        self._report = f"{about()}\n\n{shown(report, lines=True)}"
        text = QPlainTextEdit(self._report)
        text.setReadOnly(True)
        text.setFont(theme.mono_font())
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setAccessibleName("Report")
        line = QHBoxLayout()
        line.addWidget(plain_button("Copy report", self._on_copy, icon_name="copy"))
        line.addStretch(1)
        line.addWidget(primary_button("Go on", self.accept))
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading("Something went wrong inside Strongroom"))
        box.addWidget(
            muted_label(
                "This is an error of the program, not of your data. What was running may have"
                " ended; nothing is left half-written. The report below holds no keys.",
                wrap=True,
            )
        )
        box.addWidget(text, 1)
        box.addLayout(line)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report)
