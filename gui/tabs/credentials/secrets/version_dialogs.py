"""The dialogs about versions of a secret: the comparison of two, and the preview of a rollback."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from core.errors import InvalidInput
from core.model.secret_names import field_value
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation.rollback import RollBack
from core.secrets import secret_text
from core.secrets.binary import content_of
from core.secrets.secret_text import BINARY, COMPLETE_TEXT, SecretDiff
from core.units import format_age, format_count, format_counted
from gui.dialogs.confirm import Question
from gui.tabs.credentials.secrets.key_grid import change_pill, key_grid
from gui.tabs.credentials.secrets.versions_model import short
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.labels import mono_label, muted_label, text_label
from gui.widgets.panel import row
from gui.widgets.secret_field import SecretField
from gui.widgets.secret_page import JsonPage
from gui.widgets.sign import Sign

#: Height in pixels of a text of several lines.
_TEXT_HEIGHT = 220


class CompareVersions(Question):
    """A read-only dialog with the older version at the left and the newer one at the right."""

    def __init__(self, parent: QWidget, older: SecretValue, newer: SecretValue) -> None:
        super().__init__(parent, f"Two versions of {older.name}", width=880, unchanged="")
        self.fields: dict[tuple[str, str], SecretField] = {}
        self.texts: dict[str, JsonPage] = {}
        before, after = _values(older), _values(newer)
        found = secret_text.diff_values(older, newer)
        kinds = _changed_keys(found)

        def cells(key: str) -> tuple[QWidget, ...]:
            older_cell, newer_cell = (
                self._value(key, side, values)
                for side, values in (("older", before), ("newer", after))
            )
            return (older_cell, newer_cell, change_pill(kinds[key]))

        same = len((before.keys() & after.keys()) - {COMPLETE_TEXT, BINARY} - set(found.changed))
        if kinds:
            heads = ("Key", _title(older), _title(newer), "")
            self.body.addWidget(key_grid(heads, list(kinds), cells, wide=(1, 2)))
        note = _differing_lines(older, newer) if self.texts else _summary(len(kinds), same)
        if older.binary and newer.binary:
            note = _sizes(older, newer)
        self.body.addWidget(muted_label(note, wrap=True))
        close = plain_button("Close", self.reject)
        close.setDefault(True)
        self.add_buttons(close)

    def _value(self, key: str, side: str, values: dict[str, Secret]) -> QWidget:
        if key not in values:
            label = muted_label("—")
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            return label
        if key == COMPLETE_TEXT and "\n" in values[key].reveal():
            return self._lines(side, values[key])
        field = SecretField(f"{key}, {side} version", copyable=False)
        field.set_value(values[key])
        field.set_read_only(read_only=True)
        self.fields[key, side] = field
        return field

    def _lines(self, side: str, text: Secret) -> JsonPage:
        """Return a hidden text of several lines, for example a private key."""
        page = JsonPage()
        page.view.setAccessibleName(f"Text of the {side} version")
        page.cover.button.setAccessibleName(f"Show the text of the {side} version")
        page.set_text(text.reveal())
        page.set_read_only(read_only=True)
        page.setFixedHeight(_TEXT_HEIGHT)
        self.texts[side] = page
        return page


class RollBackPreview(Question):
    """The dialog with the plan of a rollback, before anything is changed."""

    def __init__(self, parent: QWidget, found: RollBack, then: Callable[[], object]) -> None:
        super().__init__(parent, f"Roll {found.secret} back?", _explanation(found))
        self.found = found
        self.body.addWidget(_moves(found))
        kinds = _changed_keys(found.difference)
        if kinds:
            heads = ("Changes for programs", "")
            self.body.addWidget(
                key_grid(heads, list(kinds), lambda key: (change_pill(kinds[key]),))
            )
        else:
            self.body.addWidget(muted_label("No key differs."))
        for text in found.good:
            self.body.addWidget(_finding("check", "good", text))
        for text in found.warnings:
            self.body.addWidget(_finding("warning", "warning", text))
        self.body.addWidget(
            muted_label("No value is written. Rolling back again returns to the present version.")
        )
        cancel = plain_button("Cancel", self.reject)
        self.go = primary_button("Roll back", self.accept)
        self.accepted.connect(then)
        # Enter must not confirm what a warning is shown for.
        (cancel if found.warnings else self.go).setDefault(True)
        self.add_buttons(cancel, self.go)


def _changed_keys(found: SecretDiff) -> dict[str, str]:
    """Return the kind of change of each key that differs."""
    kinds = (("changed", found.changed), ("added", found.added), ("removed", found.removed))
    return {key: kind for kind, keys in kinds for key in keys}


def _values(value: SecretValue) -> dict[str, Secret]:
    """Return the values by key; values of a duplicate key are joined."""
    if value.binary:
        return {BINARY: value.text}
    # A text that is no JSON object, or one that is compared with a binary value, is one value.
    complete = {COMPLETE_TEXT: value.text, BINARY: value.text}
    try:
        rows = secret_text.rows_of(value.text.reveal())
    except InvalidInput:
        return complete
    found: dict[str, Secret] = {}
    for each in rows:
        before = f"{found[each.key].reveal()}, " if each.key in found else ""
        found[each.key] = field_value(each.key, before + each.value.reveal())
    return found | complete


def _title(value: SecretValue) -> str:
    version = short(value.version_id)
    if value.created and value.by:
        return f"{version}, {format_age(value.created)}, by {value.by}"
    if value.created:
        return f"{version}, {format_age(value.created)}"
    return f"{version}, by {value.by}" if value.by else version


def _summary(different: int, same: int) -> str:
    if not different:
        return "No key differs: the versions differ only in whitespace or order, or not at all."
    if same == 1:
        return "1 other key is the same."
    return f"{format_count(same)} other keys are the same." if same else ""


def _sizes(older: SecretValue, newer: SecretValue) -> str:
    """Return the sizes of two binary values."""
    before, after = (format_counted(len(content_of(each)), "byte") for each in (older, newer))
    if older.text == newer.text:
        return f"Both versions have the same {after}."
    return f"The older version has {before}, the newer one {after}."


def _differing_lines(older: SecretValue, newer: SecretValue) -> str:
    """Return where two texts differ, by the lines of the newer one."""
    before, after = older.text.reveal().split("\n"), newer.text.reveal().split("\n")
    first = _equal_at_start(before, after)
    last = len(after) - _equal_at_start(before[first:][::-1], after[first:][::-1])
    if last <= first:
        return f"Lines after line {first} were removed."
    if last == first + 1:
        return f"The versions differ in line {last}."
    return f"The versions differ between line {first + 1} and line {last}."


def _equal_at_start(one: list[str], other: list[str]) -> int:
    """Return the number of lines at the beginning that are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((line for line, (a, b) in pairs if a != b), min(len(one), len(other)))


def _explanation(found: RollBack) -> str:
    version = short(found.target)
    if found.made and found.by:
        age = format_age(found.made)
        return f"Programs will read version {version}. It was created {age} by {found.by}."
    if found.made:
        return f"Programs will read version {version}. It was created {format_age(found.made)}."
    if found.by:
        return f"Programs will read version {version}, created by {found.by}. Its age is unknown."
    return f"Programs will read version {version}. Its age is unknown."


def _moves(found: RollBack) -> QWidget:
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    for line, move in enumerate(found.moves):
        source = short(move.source) if move.source else "no version"
        grid.addWidget(muted_label(move.label), line, 0)
        grid.addWidget(mono_label(f"{source} → {short(move.target)}"), line, 1)
    grid.setColumnStretch(1, 1)
    return holder


def _finding(icon: str, tone: str, text: str) -> QWidget:
    sign = Sign(icon, tone)
    sign.setFixedSize(18, 18)
    label = text_label(text, tone if tone == "warning" else "plain", wrap=True)
    return row(sign, label)
