"""The dialog that changes properties of several objects at once, with the plan of the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QWidget

from core.errors import InvalidInput, StorageError
from core.lifecycle.checks import CLASSES
from core.model.upload_options import Pairs
from core.objects.properties import HEADERS
from core.objects.property_edits import PropertyEdit, check_edit
from core.transfer.property_edits import requests_text
from core.units import format_counted, format_size
from gui import theme
from gui.tabs.browser.loading import Plan
from gui.tabs.browser.properties_dialog import NO_UNDO, class_name, consequence
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, line_edit
from gui.widgets.labels import muted_label, shown, text_label
from gui.widgets.pairs import PairsField

_UNCHANGED, _SET, _REMOVE = "Unchanged", "Set to", "Remove"
_NAMES = "Names, separated by commas"


class HeaderField(QWidget):
    """A header that stays unchanged, gets a value, or is removed.

    Signals:
        edited: the choice or the value has changed.
    """

    edited = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.choice = combo_box(f"{name}: change")
        self.choice.addItems([_UNCHANGED, _SET, _REMOVE])
        self.value = line_edit(name)
        self.value.setFont(theme.mono_font())
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.choice)
        line.addWidget(self.value, 1)
        self.setFocusProxy(self.choice)
        self.choice.currentTextChanged.connect(self._on_choice)
        self.value.textChanged.connect(lambda _text: self.edited.emit())
        self._on_choice()

    @property
    def pairs(self) -> Pairs:
        """The name with the new value, which is empty for a header to be removed; nothing if unchanged.

        Raises:
            InvalidInput: the value is missing.
        """
        choice, value = self.choice.currentText(), self.value.text().strip()
        if choice == _SET and not value:
            raise InvalidInput(
                f"{self.name} has no value",
                remedy=f"Enter one, or choose “{_REMOVE}” or “{_UNCHANGED}”.",
            )
        return {_UNCHANGED: (), _SET: ((self.name, value),)}.get(choice, ((self.name, ""),))

    def _on_choice(self, _text: str = "") -> None:
        allowed = self.choice.currentText() == _SET
        allow_field(self.value, allowed, f"Choose “{_SET}” to enter a value.")
        self.edited.emit()


def header_fields() -> list[HeaderField]:
    """Return a field for each header that can be changed."""
    return [HeaderField(name) for name in HEADERS]


class EditDialog(Dialog):
    """Prompts for new properties of several objects; what is not named stays as it is.

    Args:
        parent: the view that opens the dialog.
        locked: why nothing can be changed; empty while changes are allowed.
        headers: the fields of the headers, if they were created before, by `header_fields`.

    Signals:
        confirmed: the `Plan` with the objects, and the `PropertyEdit`.
    """

    confirmed = Signal(object, object)

    def __init__(
        self,
        parent: QWidget | None,
        *,
        locked: str = "",
        headers: Sequence[HeaderField] | None = None,
    ) -> None:
        text = "Every object has its own properties. Only what you set or remove here is changed."
        super().__init__(parent, "Change properties", text, width=640, height=520)
        self._locked = locked
        self._plan: Plan | None = None
        self._versioned: bool | None = None
        self.state = text_label("Listing the objects…", wrap=True)
        self.storage_class = combo_box("Storage class")
        self.storage_class.addItem(_UNCHANGED, "")
        for name in dict.fromkeys(["STANDARD", *CLASSES]):
            self.storage_class.addItem(class_name(name), name)
        self.headers = header_fields() if headers is None else list(headers)
        self.metadata, self.tags = PairsField("Set metadata"), PairsField("Set tags")
        self.removed_metadata = line_edit("Remove metadata", _NAMES)
        self.removed_tags = line_edit("Remove tags", _NAMES)
        self.changes = text_label("", wrap=True)
        self.effect = text_label("", wrap=True)
        self.summary = muted_label("")
        self.go = primary_button("Change", self._on_go)
        self._lay_out()
        self._connect()
        self._on_edit()

    def _lay_out(self) -> None:
        self.body.addWidget(self.state)
        form = QFormLayout()
        form.setVerticalSpacing(6)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Storage class", self.storage_class),
            *((each.name, each) for each in self.headers),
            ("Set metadata", self.metadata),
            ("Remove metadata", self.removed_metadata),
            ("Set tags", self.tags),
            ("Remove tags", self.removed_tags),
        )
        for name, field in rows:
            label = muted_label(name)
            label.setBuddy(field)
            form.addRow(label, field)
        self.body.addLayout(form)
        self.body.addWidget(self.changes)
        self.body.addWidget(self.effect)
        # At the buttons, since the sentences about the changes may be scrolled out of view.
        self.add_buttons(plain_button("Close", self.reject), self.go, left=(self.summary,))
        self.go.setDefault(True)

    def _connect(self) -> None:
        self.storage_class.currentIndexChanged.connect(self._on_edit)
        for header in self.headers:
            header.edited.connect(self._on_edit)
        for field in (self.metadata, self.tags, self.removed_metadata, self.removed_tags):
            field.textChanged.connect(self._on_edit)

    def show_plan(self, plan: Plan, *, versioned: bool | None) -> None:
        """Show the number of objects; `versioned` is None if it is unknown."""
        self._plan, self._versioned = plan, versioned
        objects = format_counted(len(plan.keys), "object")
        self.state.setText(f"{objects}, {format_size(plan.size)}.")
        self._on_edit()
        self.fit()

    def show_problem(self, error: StorageError) -> None:
        """Show why the objects cannot be listed."""
        self.state.setText(f"{error.summary.rstrip('.')}. {error.remedy}".strip())

    @property
    def edit(self) -> PropertyEdit:
        """The change in the fields.

        Raises:
            InvalidInput: a value is missing or not valid, or nothing is changed.
        """
        headers = tuple(pair for each in self.headers for pair in each.pairs)
        return check_edit(
            PropertyEdit(
                str(self.storage_class.currentData()),
                headers,
                self.metadata.pairs(),
                _names(self.removed_metadata.text()),
                self.tags.pairs(),
                _names(self.removed_tags.text()),
            )
        )

    def _on_edit(self, *_value: object) -> None:
        plan = self._plan
        self.summary.setText("")
        self.effect.setText("")
        try:
            edit = self.edit
        except InvalidInput as error:
            self.changes.setText(f"{error.summary}. {error.remedy}")
            self.go.allow(allowed=False, reason=error.summary)
            return
        if plan is None:
            self.changes.setText("\n".join(edit_lines(edit)))
            self.go.allow(allowed=False, reason="The objects are being listed.")
            return
        objects = format_counted(len(plan.keys), "object")
        requests = requests_text(len(plan.keys), edit)
        lines = [f"In each of {objects}, {requests}:", *edit_lines(edit)]
        self.changes.setText("\n".join(lines))
        text, lost = consequence(copies=edit.copies, versioned=self._versioned)
        self.effect.setText(text)
        self.effect.set_tone("warning" if lost else "muted")
        self.summary.setText(f"{requests}. {NO_UNDO}" if lost else requests)
        self.summary.set_tone("warning" if lost else "muted")
        reason = self._locked or ("" if plan.keys else "There are no objects.")
        self.go.allow(not reason, reason)

    def _on_go(self) -> None:
        plan, edit = self._plan, self.edit
        # First, so that a message of the view is not below this dialog.
        self.accept()
        self.confirmed.emit(plan, edit)


def edit_lines(edit: PropertyEdit) -> Iterator[str]:
    """Yield one sentence for each changed property."""
    if edit.storage_class:
        yield f"Storage class is set to {class_name(edit.storage_class)}."
    for name, value in edit.headers:
        yield f"{name} is set to {shown(value)}." if value else f"{name} is removed."
    yield from (f"Metadata {shown(n)} is set to {shown(v)}." for n, v in edit.metadata)
    yield from (f"Metadata {shown(name)} is removed." for name in edit.removed_metadata)
    yield from (f"Tag {shown(n)} is set to {shown(v)}." for n, v in edit.tags)
    yield from (f"Tag {shown(name)} is removed." for name in edit.removed_tags)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
