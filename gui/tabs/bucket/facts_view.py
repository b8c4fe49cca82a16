"""The safety checks of a bucket as a list: icon, status, evidence and risk."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from core.health.facts import BucketFacts, Fact, Status
from gui.widgets.labels import Pill, heading, muted_label, text_label
from gui.widgets.panel import rule
from gui.widgets.sign import Sign

#: Icon, tone and text of each status: colour is never the only indication.
_SIGNS: dict[Status, tuple[str, str, str]] = {
    Status.GOOD: ("check", "good", "good"),
    Status.BAD: ("warning", "danger", "at risk"),
    Status.NOTE: ("info", "warning", "worth a review"),
    Status.UNJUDGED: ("info", "warning", "not evaluated"),
    Status.DENIED: ("lock", "neutral", "not permitted"),
    Status.UNSUPPORTED: ("minus", "neutral", "not supported"),
}


class FactsView(QScrollArea):
    """A read-only list of checks; it scrolls when the window is low."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Safety of the bucket")
        self._shown: tuple[Fact, ...] = ()

    def show_facts(self, facts: BucketFacts) -> None:
        """Show the checks in the order in which they were made."""
        holder = QWidget()
        holder.setProperty("surface", "panel")
        box = QVBoxLayout(holder)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for fact in facts.facts:
            box.addWidget(self._row(fact))
            box.addWidget(rule())
        box.addStretch(1)
        self.setWidget(holder)

    def _row(self, fact: Fact) -> QWidget:
        icon_name, tone, word = _SIGNS[fact.status]
        sign = Sign(icon_name, "muted" if tone == "neutral" else tone)
        sign.setFixedSize(16, 16)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(12, 10, 12, 10)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(heading(fact.title), 0, 1)
        grid.addWidget(Pill(word, tone), 0, 2, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(text_label(fact.evidence, wrap=True), 1, 1, 1, 2)
        if fact.risk:
            grid.addWidget(muted_label(fact.risk, wrap=True), 2, 1, 1, 2)
        holder.setToolTip(f"read with {fact.action}" if fact.action else "")
        holder.setAccessibleName(f"{fact.title}: {word}. {fact.evidence}. {fact.risk}".strip())
        return holder
