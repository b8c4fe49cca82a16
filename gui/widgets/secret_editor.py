"""Editing a secret's text as a form or as JSON: one text, two views, hidden by default."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QStackedLayout, QVBoxLayout, QWidget

from core.aws.limits import SECRET_BYTES
from core.errors import InvalidInput
from core.redaction import Secret
from core.storage.secret_text import check_size, json_problem, rows_of, text_of
from core.units import format_count
from gui import theme
from gui.widgets.empty import EmptyState
from gui.widgets.labels import Text, muted_label
from gui.widgets.secret_clipboard import secret_clipboard
from gui.widgets.secret_field import REVEAL_SECONDS
from gui.widgets.secret_form import SecretForm
from gui.widgets.segmented import Segmented

FORM, JSON = "Form", "JSON"


class GuardedText(QPlainTextEdit):
    """A text that leaves by the guarded clipboard only."""

    def createMimeDataFromSelection(self) -> QMimeData:
        """Return the selection marked as a secret; it is cleared from the clipboard later."""
        selected = self.textCursor().selection().toPlainText()
        return secret_clipboard().packed(Secret(selected))


class JsonPage(QWidget):
    """The whole text, shown only when asked for, and for a while."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = GuardedText()
        self.view.setFont(theme.mono_font())
        self.view.setProperty("flat", "true")
        self.view.setAccessibleName("Text of the secret")
        self.view.textChanged.connect(self._on_changed)
        self.cover = EmptyState(
            "The text is hidden",
            f"It shows every value of the secret. It hides itself after {REVEAL_SECONDS} seconds "
            "without typing.",
            "Show the text",
            self.reveal,
        )
        self._silent = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.conceal)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.cover)
        self._stack.addWidget(self.view)

    @property
    def revealed(self) -> bool:
        """Whether the text can be read on the screen now."""
        return self._stack.currentWidget() is self.view

    @property
    def text(self) -> str:
        """The text as it stands."""
        return self.view.toPlainText()

    def set_text(self, text: str) -> None:
        """Show another text."""
        self._silent = True
        self.view.setPlainText(text)
        self._silent = False

    def reveal(self) -> None:
        """Show the text for a while."""
        self._stack.setCurrentWidget(self.view)
        self.view.setFocus()
        self._timer.start(REVEAL_SECONDS * 1000)

    def conceal(self) -> None:
        """Hide the text."""
        self._timer.stop()
        self._stack.setCurrentWidget(self.cover)

    def _on_changed(self) -> None:
        if not self._silent:
            self._timer.start(REVEAL_SECONDS * 1000)
            self.edited.emit()


class SecretEditor(QWidget):
    """Form and JSON over the same text; what is not changed keeps its bytes.

    Signals:
        edited: the user changed something.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.modes = Segmented((FORM, JSON))
        self.modes.selected.connect(self._on_mode)
        self.form = SecretForm()
        self.json = JsonPage()
        self._before = ""
        self._problem = Text("", "danger")
        self._problem.setWordWrap(True)
        self._size = muted_label(small=True)
        pages = QWidget()
        self._pages = QStackedLayout(pages)
        self._pages.addWidget(self.form)
        self._pages.addWidget(self.json)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(pages, 1)
        line = QHBoxLayout()
        line.setContentsMargins(12, 4, 12, 6)
        line.addWidget(self._problem, 1)
        line.addWidget(self._size)
        box.addLayout(line)
        for page in (self.form, self.json):
            page.edited.connect(self._on_edited)
        self.set_text("{}")

    def set_text(self, text: str) -> None:
        """Show another text; one that is no JSON object has no form."""
        self._before = text
        try:
            self.form.set_rows(rows_of(text))
        except InvalidInput:
            self.form.set_rows(())
            self.modes.allow(FORM, allowed=False, reason="The value is not a JSON object.")
            self._show(JSON)
        else:
            self.modes.allow(FORM, allowed=True)
        self.json.set_text(text)
        self._tell()

    @property
    def text(self) -> str:
        """The text as it stands, verbatim where nothing was changed.

        Raises:
            InvalidInput: a key is empty or doubled, or the text is empty or too long.
        """
        text = self.json.text if self._mode == JSON else text_of(self.form.rows, self._before)
        if self._mode == JSON and text == self._before.replace("\r\n", "\n").replace("\r", "\n"):
            text = self._before  # the editor knows one line ending only
        check_size(text)
        return text

    @property
    def problem(self) -> str:
        """What stands against saving, or nothing."""
        try:
            text = self.text
        except InvalidInput as error:
            return error.summary
        return json_problem(text) if self._was_object else ""

    @property
    def dirty(self) -> bool:
        """Whether the text differs from the one that was set."""
        try:
            return self.text != self._before
        except InvalidInput:
            return True

    def set_read_only(self, read_only: bool, reason: str = "") -> None:
        """Allow looking only, and say why."""
        self.form.set_read_only(read_only, reason)
        self.json.view.setReadOnly(read_only)

    def hide_values(self) -> None:
        """Hide everything that was revealed."""
        self.form.hide_values()
        self.json.conceal()

    @property
    def _mode(self) -> str:
        return JSON if self._pages.currentWidget() is self.json else FORM

    @property
    def _was_object(self) -> bool:
        return not json_problem(self._before) or self._before == "{}"

    def _show(self, mode: str) -> None:
        self._pages.setCurrentWidget(self.json if mode == JSON else self.form)
        self.modes.select(mode)

    def _on_mode(self, mode: str) -> None:
        if mode == self._mode:
            return
        try:
            if mode == JSON:
                self.json.set_text(text_of(self.form.rows, self._before))
            else:
                self.form.set_rows(rows_of(self.text))
        except InvalidInput as error:
            self.modes.select(self._mode)
            self._tell(error.summary)
            return
        self.hide_values()
        self._pages.setCurrentWidget(self.json if mode == JSON else self.form)
        self._tell()

    def _on_edited(self) -> None:
        self._tell()
        self.edited.emit()

    def _tell(self, problem: str | None = None) -> None:
        self._problem.setText(self.problem if problem is None else problem)
        try:
            size = len(self.text.encode())
        except InvalidInput:
            self._size.setText("")
        else:
            self._size.setText(f"{format_count(size)} of {format_count(SECRET_BYTES)} bytes")
