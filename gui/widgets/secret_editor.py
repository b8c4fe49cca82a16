"""The editor of a secret's text as a form or as JSON, hidden by default."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from core.aws.limits import SECRET_BYTES
from core.errors import InvalidInput
from core.redaction import Secret
from core.secrets.kinds import check_kinds
from core.secrets.secret_text import (
    SecretRow,
    check_size,
    draft_rows,
    json_problem,
    problem_line,
    rows_of,
    text_of,
)
from core.units import format_count
from gui.widgets.fitted import FittedText
from gui.widgets.labels import muted_label
from gui.widgets.secret_form import SecretForm
from gui.widgets.secret_page import JsonPage
from gui.widgets.segmented import Segmented

FORM, JSON = "Form", "JSON"
#: Keys for which the form has a row; the widgets of thousands would block the window for minutes.
MOST_ROWS = 100
_INEXACT = (
    "It has mixed line breaks or characters that an editor would change, so it can only be "
    "viewed here."
)


class SecretEditor(QWidget):
    """A form and a JSON view of the same text; unchanged parts stay byte-identical.

    Signals:
        edited: the user changed something.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.modes = Segmented((FORM, JSON), name="How the value is shown")
        self.modes.selected.connect(self._on_mode)
        self.form = SecretForm()
        self.json = JsonPage()
        self._before = ""
        self._kinds: tuple[SecretRow, ...] = ()  # the rows with their value types
        self._was_object = True
        self._forced = False  # changes to the text that the form cannot show
        self._problem = FittedText("", "danger")
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
        """Show another text; without a JSON object there is no form."""
        self._before = text
        self._was_object = not json_problem(text)
        try:
            self._fill_form(rows_of(text))
        except InvalidInput as error:
            self._fill_form(())
            self.modes.set_items((FORM, JSON if self._was_object else (JSON, "Text")))
            reason = error.summary if self._was_object else "The value is not a JSON object."
            self.modes.allow(FORM, allowed=False, reason=reason)
            # The form is shown again with the next JSON object if the user had chosen it.
            self._forced = self._forced or self._mode == FORM
            self._show(JSON)
        else:
            self.modes.set_items((FORM, JSON))
            if self._forced:
                self._show(FORM)
            self._forced = False
        self.json.set_text(text)
        self._show_state()

    @property
    def text(self) -> str:
        """The current text, verbatim in unchanged parts.

        Raises:
            InvalidInput: a key is empty or a duplicate, or the text is empty or too long.
        """
        text = self._text()
        check_size(text)
        return text

    @property
    def value(self) -> Secret:
        """The current text to be saved; from now on the log filter masks it and its values.

        Raises:
            InvalidInput: a key is empty or a duplicate, or the text is empty or too long.
        """
        text = self.text
        with suppress(InvalidInput):  # a text need not be a JSON object
            rows_of(text)
        return Secret(text)

    @property
    def problem(self) -> str:
        """Why the text cannot be saved, or an empty text. A text need not be a JSON object."""
        try:
            text = self.text
        except InvalidInput as error:
            return error.summary
        return json_problem(text) if self._was_object else ""

    @property
    def note(self) -> str:
        """A note about the text, which can be saved anyway."""
        if self._mode == JSON and not self.json.exact:
            return _INEXACT
        padded = self._padded() if self._mode == FORM else []
        if padded:
            return f"With a blank or line end before or after it: {', '.join(padded)}"
        found = "" if self._was_object else json_problem(self.json.text)
        return f"The text stays unchanged. {found}" if found else ""

    @property
    def dirty(self) -> bool:
        """Whether the text differs from the one that was set."""
        try:
            return self._text() != self._before
        except InvalidInput:
            return True

    def set_read_only(self, read_only: bool, reason: str = "") -> None:
        """Make the editor read-only, with the reason."""
        self.form.set_read_only(read_only, reason)
        self.json.set_read_only(read_only)

    def hide_values(self) -> None:
        """Hide everything that was revealed."""
        self.form.hide_values()
        self.json.conceal()

    @property
    def _mode(self) -> str:
        return JSON if self._pages.currentWidget() is self.json else FORM

    def _text(self) -> str:
        if self._mode == JSON:
            return self.json.text
        # The form edits texts, so a number could become a text without this check.
        check_kinds(self._kinds, self.form.rows)
        return text_of(self.form.rows, self._before)

    def _padded(self) -> list[str]:
        """Return the keys of changed values with a blank or line end around them.

        A hidden field does not show the line end that is copied with a password.
        """
        known = {row.key: row.value for row in self._kinds}
        changed = (row for row in self.form.rows if row.quoted and row.value != known.get(row.key))
        return [row.key for row in changed if _is_padded(row.value.reveal())]

    def _fill_form(self, rows: tuple[SecretRow, ...]) -> None:
        if len(rows) > MOST_ROWS:
            raise InvalidInput(
                f"The form shows up to {MOST_ROWS} keys; this value has {format_count(len(rows))}."
            )
        self._kinds = rows
        self.form.set_rows(rows)

    def _show(self, mode: str) -> None:
        self._pages.setCurrentWidget(self.json if mode == JSON else self.form)
        self.modes.select(mode)

    def _on_mode(self, mode: str) -> None:
        if mode == self._mode:
            return
        try:
            if mode == JSON:
                self.json.set_text(self._text())
            else:
                self._fill_form(draft_rows(self.text))
        except InvalidInput as error:
            # The present page stays: the other one could not show this text without losing a
            # change.
            self.modes.select(self._mode)
            self._show_state(error.summary)
            return
        self.hide_values()
        self._pages.setCurrentWidget(self.json if mode == JSON else self.form)
        self._show_state()

    def _on_edited(self) -> None:
        self._show_state()
        self.edited.emit()

    def _show_state(self, problem: str | None = None) -> None:
        problem = self.problem if problem is None else problem
        self._problem.set_tone("danger" if problem else "warning")
        self._problem.setText(problem or self.note)
        self.json.mark(problem_line(problem))
        try:
            # Half a surrogate pair has no UTF-8; `check_size` reports it, the size is only a hint.
            size = len(self._text().encode(errors="surrogatepass"))
        except InvalidInput:
            self._size.setText("")
        else:
            self._size.setText(f"{format_count(size)} of {format_count(SECRET_BYTES)} bytes")
            self._size.set_tone("danger" if size > SECRET_BYTES else "muted")


def _is_padded(text: str) -> bool:
    # Texts of several lines, such as a private key, properly end with a line end.
    return text != text.strip() and len(text.splitlines()) <= 1
