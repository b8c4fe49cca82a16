"""The form of a secret: keys with hidden values, whose rows can be added and removed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from core.model.secret_names import is_public
from core.redaction import Secret
from core.secrets.secret_text import SecretRow
from gui import theme
from gui.widgets.buttons import icon_button, link_button
from gui.widgets.fields import set_read_only
from gui.widgets.labels import mono_elided
from gui.widgets.panel import row as side_by_side
from gui.widgets.secret_field import SecretField
from gui.widgets.secret_generator import Generator

#: Keys whose values are not sensitive; all other values are hidden.
CLEAR_KEYS = frozenset(
    {"bucket_name", "region", "host", "port", "database", "dbname", "username", "engine"}
)
#: Keys whose values are issued by another party, so that none is generated here.
GIVEN_KEYS = frozenset(
    {
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "binance_api_key",
        "binance_secret_key",
        "coinbase_api_key",
        "coinbase_secret_key",
    }
)
#: Maximum width of a key, and gap between a key and its value, in pixels.
_KEY_WIDTH, _BESIDE_KEY = 160, 8
#: Rows that are created at once, which fill a screen, and in each of the following portions: each
#: row takes some milliseconds, for which the window does not respond.
_FIRST_ROWS, _MORE_ROWS = 24, 6
#: Margin that aligns the text of a link, which has its own padding, with the keys.
_LINK_INSET = 5


def is_shown_openly(row: SecretRow) -> bool:
    """Return whether the form shows a value; a URL or JSON may contain a password in any field."""
    return row.key in CLEAR_KEYS and is_public(row.key, row.value.reveal())


class FormRow(QWidget):
    """One key with its value; a new row's key can be typed.

    Signals:
        edited: key or value was changed.
        removed: the user wants to remove the row.
    """

    edited = Signal()
    removed = Signal(object)

    def __init__(self, row: SecretRow, *, new: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = row.key
        self._quoted = row.quoted
        self.name = QLineEdit(row.key) if new else None
        self.field = SecretField(row.key or "value", masked=not is_shown_openly(row))
        self.field.set_value(row.value)
        self.field.edited.connect(self.edited)
        generate = f"Generate {row.key}" if row.key else "Generate a value"
        remove = f"Remove {row.key}" if row.key else "Remove this row"
        self.generate = icon_button("key", generate, self._on_generate)
        self.remove = icon_button("close", remove, self._on_remove)
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 0, 8, 0)
        box.setSpacing(4)
        self._title = self._label(row.key)
        box.addWidget(self._title)
        box.addWidget(self.field, 1)
        box.addWidget(self.generate)
        box.addWidget(self.remove)
        policy = self.generate.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.generate.setSizePolicy(policy)  # all rows have the same width
        # Not for numbers and lists either, which a random text would replace.
        self.generate.setVisible(
            self._quoted and row.key not in CLEAR_KEYS and row.key not in GIVEN_KEYS
        )

    @property
    def row(self) -> SecretRow:
        """The current content of the row."""
        key = self.name.text().strip() if self.name is not None else self._key
        return SecretRow(key, self.field.draft, self._quoted)

    @property
    def title_width(self) -> int:
        """The width in pixels that the key needs; the maximum for an editable key."""
        if self.name is not None:
            return _KEY_WIDTH
        return min(self._title.sizeHint().width() + _BESIDE_KEY, _KEY_WIDTH)

    def set_title_width(self, width: int) -> None:
        """Set the width of the key in pixels, which is the same in all rows."""
        self._title.setFixedWidth(width)

    def set_read_only(self, read_only: bool, reason: str = "") -> None:
        """Make the row read-only, with the reason."""
        self.field.set_read_only(read_only, reason)
        self.remove.allow(not read_only, reason)
        self.generate.allow(not read_only, reason)
        if self.name is not None:
            set_read_only(self.name, read_only)

    def _label(self, key: str) -> QWidget:
        if self.name is None:
            return mono_elided(key, "muted")
        self.name.setFont(theme.mono_font())
        self.name.setPlaceholderText("key")
        self.name.setAccessibleName("Name of the key")
        self.name.textEdited.connect(lambda _text: self.edited.emit())
        return self.name

    def _on_generate(self) -> None:
        Generator(self.window(), self.row.key, self._use).open()

    def _use(self, value: Secret) -> None:
        self.field.set_value(value)
        self.edited.emit()

    def _on_remove(self) -> None:
        self.removed.emit(self)


class SecretForm(QWidget):
    """All rows of one secret.

    Signals:
        edited: something was changed by the user.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[FormRow] = []
        self._later: list[SecretRow] = []  # rows without widgets yet
        self._title_width = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer)
        self._read_only, self._reason = False, ""
        self.add = link_button("Add key", self._on_add)
        self.add.set_icon("add", "accent")
        inside = QWidget()
        self._box = QVBoxLayout(inside)
        self._box.setSpacing(8)
        adding = side_by_side(self.add, margins=(_LINK_INSET, 0, 0, 0))
        self._box.addWidget(adding, 0, Qt.AlignmentFlag.AlignLeft)
        self._box.addStretch(1)
        self._box.setContentsMargins(0, 8, 0, 8)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    @property
    def rows(self) -> tuple[SecretRow, ...]:
        """The current rows."""
        return (*(row.row for row in self._rows), *self._later)

    @property
    def fields(self) -> tuple[FormRow, ...]:
        """The widgets of the rows; those after the first ones are created little by little."""
        return tuple(self._rows)

    def set_rows(self, rows: Sequence[SecretRow]) -> None:
        """Show other rows, of which those outside the screen follow a moment later."""
        for old in self._rows:
            self._box.removeWidget(old)
            old.hide()  # else it could be pressed until it is deleted
            old.deleteLater()
        self._rows, self._later, self._title_width = [], list(rows), 0
        self._create(_FIRST_ROWS)
        if self._later:
            self._timer.start(0)

    def _on_timer(self) -> None:
        self._create(_MORE_ROWS)

    def _create(self, count: int) -> None:
        """Create the widgets of the next rows."""
        portion, self._later = self._later[:count], self._later[count:]
        for row in portion:
            self._append(FormRow(row))
        self._align(self._rows[-len(portion) :])
        if not self._later:
            self._timer.stop()

    def set_read_only(self, read_only: bool, reason: str = "") -> None:
        """Make the form read-only, with the reason."""
        self._read_only, self._reason = read_only, reason
        self.add.allow(not read_only, reason)
        for row in self._rows:
            row.set_read_only(read_only, reason)

    def hide_values(self) -> None:
        """Hide every revealed value."""
        for row in self._rows:
            row.field.hide_text()

    def _append(self, row: FormRow) -> None:
        row.edited.connect(self.edited)
        row.removed.connect(self._on_removed)
        row.set_read_only(self._read_only, self._reason)
        self._box.insertWidget(len(self._rows), row)
        self._rows.append(row)

    def _align(self, new: Sequence[FormRow]) -> None:
        """Give the keys of all rows the same width, after new rows were added."""
        width = max((self._title_width, *(each.title_width for each in new)))
        for each in new if width == self._title_width else self._rows:
            each.set_title_width(width)
        self._title_width = width

    def _on_add(self) -> None:
        if self._later:  # the new row is the last one
            self._create(len(self._later))
        row = FormRow(SecretRow("", Secret("", remembered=False)), new=True)
        self._append(row)
        self._align([row])
        if row.name is not None:
            # The key is typed first.
            row.name.setFocus()
        self.edited.emit()

    def _on_removed(self, row: FormRow) -> None:
        if row not in self._rows:  # pressed twice
            return
        self._rows.remove(row)
        self._box.removeWidget(row)
        row.hide()
        row.deleteLater()
        # The button that had the focus is deleted; otherwise the focus would leave the form.
        self.add.setFocus()
        self.edited.emit()
