"""The dialog that confirms a roll back: moved stages, keys that differ, and warnings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QWidget

from core.rotation.rollback import RollBack
from core.units import format_age
from gui.dialogs.confirm import Question
from gui.tabs.credentials.secrets.key_grid import change_pill, key_grid
from gui.tabs.credentials.secrets.versions_model import short
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.icons import pixmap
from gui.widgets.labels import Text, mono_label, muted_label, text_label
from gui.widgets.panel import row


class RollBackPreview(Question):
    """Shows the plan of a roll back; no stage has moved yet."""

    def __init__(self, parent: QWidget, found: RollBack, then: Callable[[], object]) -> None:
        super().__init__(parent, f"Roll {found.secret} back?", _explanation(found))
        self.found = found
        self.body.addWidget(_moves(found))
        difference = found.difference
        kinds = (
            ("changed", difference.changed),
            ("added", difference.added),
            ("removed", difference.removed),
        )
        rows: list[tuple[str, tuple[QWidget, ...]]] = [
            (key, (change_pill(kind),)) for kind, keys in kinds for key in keys
        ]
        if rows:
            self.body.addWidget(key_grid(("Changes for programs", ""), rows))
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
        (cancel if found.warnings else self.go).setDefault(True)
        self.add_buttons(cancel, self.go)


def _explanation(found: RollBack) -> str:
    made = f"It was created {format_age(found.made)}" if found.made else "Its age is unknown"
    by = f" by {found.by}" if found.by else ""
    return f"Programs will read version {short(found.target)}. {made}{by}."


def _moves(found: RollBack) -> QWidget:
    holder = QWidget()
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    for line, move in enumerate(found.moves):
        source = short(move.source) if move.source else "nowhere"
        grid.addWidget(muted_label(move.label), line, 0)
        grid.addWidget(mono_label(f"{source} → {short(move.target)}"), line, 1)
    grid.setColumnStretch(1, 1)
    return holder


def _finding(icon: str, tone: str, text: str) -> QWidget:
    sign = Text()
    sign.setPixmap(pixmap(icon, tone))
    sign.setFixedSize(18, 18)
    label = text_label(text, tone if tone == "warning" else "plain", wrap=True)
    return row(sign, label)
