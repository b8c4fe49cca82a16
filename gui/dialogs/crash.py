"""The dialog for unhandled errors, with a report to copy that contains no secrets."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui import theme
from gui.errors import about
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import shown


class CrashDialog(Dialog):
    """Reports an error of the program itself, which continues to run."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(
            parent,
            "Something went wrong inside Strongroom",
            "This is an error of the program, not of your data. Running tasks may have ended; "
            "nothing is left half-written. The report below contains no keys.",
            width=640,
            height=380,
        )
        # The program continues, so the window behind the report must be usable.
        self.setModal(False)
        self._report = f"{about()}\n\n{shown(report, lines=True)}"
        text = QPlainTextEdit(self._report)
        text.setReadOnly(True)
        text.setFont(theme.mono_font())
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setAccessibleName("Report")
        self.add_stretching(text)
        resume = primary_button("Continue", self.accept)
        resume.setDefault(True)
        copy = plain_button("Copy report", self._on_copy, icon_name="copy")
        self.add_buttons(resume, left=(copy,))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report)
