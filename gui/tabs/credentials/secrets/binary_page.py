"""A binary secret: its size and kind, and its first bytes on request."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.model.secrets import SecretValue
from core.secrets.binary import SHOWN_BYTES, content_of, hex_dump, kind_of
from core.units import format_counted
from gui.widgets.labels import Elided, muted_label
from gui.widgets.panel import rule
from gui.widgets.secret_field import REVEAL_SECONDS
from gui.widgets.secret_page import JsonPage


class BinaryPage(QWidget):
    """Shows a binary value, whose bytes are hidden by default and never editable."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.size_label, self.kind_label = Elided(), Elided()
        self.bytes = JsonPage()
        self.bytes.view.setAccessibleName("First bytes of the secret")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        grid = QGridLayout()
        grid.setContentsMargins(12, 8, 12, 8)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for line, (title, label) in enumerate(
            (("Size", self.size_label), ("Kind", self.kind_label))
        ):
            label.setAccessibleName(title)
            grid.addWidget(muted_label(title), line, 0)
            grid.addWidget(label, line, 1)
        box.addLayout(grid)
        box.addWidget(rule())
        box.addWidget(self.bytes, 1)

    def show_value(self, value: SecretValue) -> None:
        """Show a binary value with its bytes hidden."""
        content = content_of(value)
        self.size_label.setText(format_counted(len(content), "byte"))
        self.kind_label.setText(kind_of(content).title)
        count = format_counted(min(len(content), SHOWN_BYTES), "byte")
        part = f"The first {count} are" if len(content) > SHOWN_BYTES else f"Its {count} are"
        self.bytes.cover.set_text(
            "The bytes are hidden",
            f"{part} shown as hexadecimal numbers, for {REVEAL_SECONDS} seconds.",
            "Show the bytes",
        )
        self.bytes.set_text(hex_dump(content))
        self.bytes.set_read_only(read_only=True)

    def clear(self) -> None:
        """Remove the value from the screen and from memory."""
        self.bytes.set_text("")
