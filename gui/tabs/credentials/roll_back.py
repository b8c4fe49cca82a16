"""What a roll back would move, which keys differ, and what speaks against it; then one click."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QGridLayout, QWidget

from core.rotation.rollback import RollBack
from core.units import format_age
from gui.dialogs.confirm import Question
from gui.tabs.credentials.question import change_pill, key_grid
from gui.tabs.credentials.versions_model import short
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.icons import pixmap
from gui.widgets.labels import Text, mono_label, muted_label, text_label
from gui.widgets.panel import row


class RollBackPreview(Question):
    """Nothing has moved while this is shown."""

    def __init__(self, parent: QWidget, found: RollBack, then: Callable[[], object]) -> None:
        super().__init__(parent, f"Roll {found.secret} back?", _told(found))
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
            self.body.addWidget(key_grid(("What readers see change", ""), rows))
        else:
            self.body.addWidget(muted_label("No key differs."))
        for text in found.good:
            self.body.addWidget(_finding("check", "good", text))
        for text in found.warnings:
            self.body.addWidget(_finding("warning", "warning", text))
        self.body.addWidget(
            muted_label("No value is written. Rolling back once more leads forward again.")
        )
        cancel = plain_button("Cancel", self.reject)
        self.go = primary_button("Roll back", self.accept)
        self.accepted.connect(then)
        (cancel if found.warnings else self.go).setDefault(True)
        self.add_buttons(cancel, self.go)


def _told(found: RollBack) -> str:
    made = f"It was made {format_age(found.made)}" if found.made else "Its age is not known"
    by = f" by {found.by}" if found.by else ""
    return f"Programs read version {short(found.target)} from now on. {made}{by}."


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
    words = text_label(text, tone if tone == "warning" else "plain", wrap=True)
    return row(sign, words)
