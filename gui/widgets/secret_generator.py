"""The dialog that generates a random value of a chosen length and alphabet."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSpinBox, QWidget

from core.errors import InvalidInput
from core.redaction import Secret
from core.secrets.generator import (
    ALPHABETS,
    LENGTH_DEFAULT,
    LENGTH_MAX,
    LENGTH_MIN,
    SYMBOLS,
    Recipe,
    generate,
    strength,
    verdict,
)
from gui.widgets.buttons import icon_button, plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import inset
from gui.widgets.labels import Text, muted_label, text_label
from gui.widgets.secret_field import SecretField

Use = Callable[[Secret], object]


class Generator(Dialog):
    """Shows a hidden value and its strength; it is used only after a click."""

    def __init__(self, parent: QWidget, key: str, use: Use) -> None:
        super().__init__(parent, f"A new value for {key}" if key else "A new value", width=460)
        self._use = use
        self.length = inset(QSpinBox())
        self.length.setRange(LENGTH_MIN, LENGTH_MAX)
        self.length.setValue(LENGTH_DEFAULT)
        self.length.setSuffix(" characters")
        self.length.setAccessibleName("Length")
        self.alphabets = {title: self._box(title) for title in ALPHABETS}
        for title, box in self.alphabets.items():
            # Symbols are disabled at first, because some services refuse them.
            box.setChecked(ALPHABETS[title] != SYMBOLS)
        self.readable = self._box("Exclude similar characters (0 O 1 l I)")
        self.field = SecretField("generated value")
        self.field.set_read_only(True)
        self.again = icon_button("refresh", "Generate another value", self._make)
        self.strength = Text()
        self.go = primary_button("Use this value", self._on_use)
        self.go.setDefault(True)
        self._lay_out()
        self.length.valueChanged.connect(self._make)
        for box in (*self.alphabets.values(), self.readable):
            box.toggled.connect(self._make)
        self._make()

    def _box(self, title: str) -> QCheckBox:
        box = QCheckBox(title)
        box.setAccessibleName(title)
        return box

    def _lay_out(self) -> None:
        size, letters, value = (QHBoxLayout() for _ in range(3))
        size.addWidget(text_label("Length"))
        size.addWidget(self.length)
        size.addStretch(1)
        letters.setSpacing(16)
        for box in self.alphabets.values():
            letters.addWidget(box)
        letters.addStretch(1)
        value.addWidget(self.field, 1)
        value.addWidget(self.again)
        for line in (size, letters):
            self.body.addLayout(line)
        self.body.addWidget(self.readable)
        self.body.addLayout(value)
        self.body.addWidget(self.strength)
        self.body.addWidget(
            muted_label(
                "Only the form changes: the value is not saved, and you have to change it in the "
                "service that it is for.",
                wrap=True,
            )
        )
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    @property
    def recipe(self) -> Recipe:
        """The selected options."""
        chosen = tuple(ALPHABETS[title] for title, box in self.alphabets.items() if box.isChecked())
        return Recipe(self.length.value(), chosen, similar_characters=not self.readable.isChecked())

    def _make(self, *_change: object) -> None:
        revealed = self.field.revealed  # `set_value` hides the new value
        try:
            bits, value = strength(self.recipe), generate(self.recipe)
        except InvalidInput as error:
            self.field.set_value(Secret(""))
            self._show_strength(f"{error.summary}. {error.remedy}", "danger")
            self.go.allow(allowed=False, reason=error.summary)
            return
        self.field.set_value(value)
        if revealed:
            self.field.reveal()
        rating, tone = verdict(bits)
        self._show_strength(f"{int(bits)} bits, {rating}", tone)
        self.go.allow(allowed=True)

    def _show_strength(self, text: str, tone: str) -> None:
        self.strength.setText(text)
        self.strength.set_tone(tone)

    def _on_use(self) -> None:
        self._use(self.field.value)
        self.accept()
