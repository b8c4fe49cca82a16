"""The comparison of two versions of a secret: keys that differ, with hidden values."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from core.errors import InvalidInput
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.secrets import secret_text
from core.secrets.secret_text import BINARY, COMPLETE_TEXT
from core.units import format_age, format_count
from gui.dialogs.confirm import Question
from gui.tabs.credentials.secrets.key_grid import change_pill, key_grid
from gui.tabs.credentials.secrets.versions_model import short
from gui.widgets.buttons import plain_button
from gui.widgets.labels import muted_label
from gui.widgets.secret_field import SecretField


class CompareVersions(Question):
    """A read-only dialog with the older version at the left and the newer one at the right."""

    def __init__(self, parent: QWidget, older: SecretValue, newer: SecretValue) -> None:
        super().__init__(parent, f"Two versions of {older.name}", width=880, unchanged="")
        self.fields: dict[tuple[str, str], SecretField] = {}
        before, after = _values(older), _values(newer)
        found = secret_text.diff_values(older, newer)
        kinds = (("changed", found.changed), ("added", found.added), ("removed", found.removed))
        rows = [
            (
                key,
                (
                    self._value(key, "older", before),
                    self._value(key, "newer", after),
                    change_pill(kind),
                ),
            )
            for kind, keys in kinds
            for key in keys
        ]
        same = len((before.keys() & after.keys()) - {COMPLETE_TEXT, BINARY} - set(found.changed))
        if rows:
            heads = ("Key", _title(older), _title(newer), "")
            self.body.addWidget(key_grid(heads, rows, wide=(1, 2)))
        self.body.addWidget(muted_label(_summary(len(rows), same), wrap=True))
        close = plain_button("Close", self.reject)
        close.setDefault(True)
        self.add_buttons(close)

    def _value(self, key: str, side: str, values: dict[str, Secret]) -> QWidget:
        if key not in values:
            label = muted_label("—")
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            return label
        field = SecretField(f"{key}, {side} version", copyable=False)
        field.set_value(values[key])
        field.set_read_only(read_only=True)
        self.fields[key, side] = field
        return field


def _values(value: SecretValue) -> dict[str, Secret]:
    """Return the values by key; values of a duplicate key are joined."""
    if value.binary:
        return {BINARY: value.text}
    try:
        rows = secret_text.rows_of(value.text.reveal())
    except InvalidInput:
        return {COMPLETE_TEXT: value.text, BINARY: value.text}
    found: dict[str, Secret] = {}
    for row in rows:
        before = f"{found[row.key].reveal()}, " if row.key in found else ""
        found[row.key] = Secret(before + row.value.reveal())
    return found | {
        COMPLETE_TEXT: value.text,
        BINARY: value.text,
    }  # compared with a binary value: as one text


def _title(value: SecretValue) -> str:
    parts = [short(value.version_id)]
    if value.created:
        parts.append(format_age(value.created))
    if value.by:
        parts.append(f"by {value.by}")
    return ", ".join(parts)


def _summary(different: int, same: int) -> str:
    if not different:
        return "No key differs: the versions differ only in whitespace or order, or not at all."
    keys = f"{format_count(same)} other key{'s' if same != 1 else ''}"
    return f"{keys} {'are' if same != 1 else 'is'} the same." if same > 0 else ""
