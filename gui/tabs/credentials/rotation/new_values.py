"""The form for new values that the user pastes, for example key pairs of an exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from core.redaction import Secret
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.labels import heading, mono_label, muted_label, shown
from gui.widgets.secret_field import GuardedLine

_EXPLANATION = (
    "Create the new key pairs at the exchange first, then paste them here. A field that is empty "
    "does not change its value. Whether the exchange accepts them cannot be tested here."
)


class NewValues(QDialog):
    """A dialog with a hidden field for each key; `then` gets the values that were entered."""

    def __init__(
        self,
        parent: QWidget,
        secret: str,
        fields: Sequence[str],
        then: Callable[[Mapping[str, Secret]], object],
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"New values of {shown(secret)}")
        self.setModal(True)
        self.setMinimumWidth(520)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._then = then
        self.fields = {name: self._field(name) for name in fields}
        self.go = primary_button("Start rotation", self.accept)
        form = QFormLayout()
        form.setVerticalSpacing(8)
        for name, field in self.fields.items():
            form.addRow(mono_label(shown(name)), field)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(plain_button("Cancel", self.reject))
        foot.addWidget(self.go)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading(f"New values of {shown(secret)}"))
        box.addWidget(muted_label(_EXPLANATION, wrap=True))
        box.addLayout(form)
        box.addLayout(foot)
        self._update()

    def accept(self) -> None:
        """Pass on the values and clear the form."""
        values = {n: Secret(field.text()) for n, field in self.fields.items() if field.text()}
        for field in self.fields.values():
            field.clear()
        super().accept()
        self._then(values)

    def _field(self, name: str) -> GuardedLine:
        field = GuardedLine()
        field.setEchoMode(QLineEdit.EchoMode.Password)
        field.setAccessibleName(name)
        field.textChanged.connect(self._update)
        return field

    def _update(self) -> None:
        filled = any(field.text() for field in self.fields.values())
        self.go.allow(filled, "Paste at least one new value.")
