"""The dialog with the findings of the doctor and their repairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.errors import StorageError
from core.model.doctor import Diagnosis, Finding, Repair, RepairKind
from core.units import format_counted
from gui.widgets.banner import Banner
from gui.widgets.buttons import Button, danger_button, link_button, plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Skeleton
from gui.widgets.labels import Pill, muted_label, shown, text_label
from gui.widgets.panel import card

_TONES = {
    "stray-pending": "warning",
    "empty-pending": "warning",
    "orphan-key": "danger",
    "two-keys": "warning",
    "inactive-key": "neutral",
    "dead-key": "danger",
    "scheduled-deletion": "warning",
    "unfinished-rotation": "warning",
}


class DoctorDialog(Dialog):
    """Shows a diagnosis; its owner runs the examination and the repairs.

    Signals:
        examine_clicked: the user wants to examine again.
        repair_clicked: a `Finding` and the `Repair` to run.
        secret_wanted: the name of the secret of a finding, which the user wants to see.
    """

    examine_clicked = Signal()
    repair_clicked = Signal(object, object)
    secret_wanted = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(
            parent,
            "Doctor",
            "Finds what interrupted rotations and unused keys left behind under cryptotrading/.",
            width=720,
            height=560,
        )
        self._locked = ""
        self._repairs: list[Button] = []
        self.banner = Banner(self)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setAccessibleName("Findings")
        self.examine = plain_button("Examine again", self.examine_clicked.emit)
        self.add_stretching(self.area)
        self.add_buttons(
            self.examine,
            primary_button("Close", self.reject),
            left=(muted_label("No changes until you confirm."),),
        )
        self.show_loading()

    def show_loading(self) -> None:
        """Show that the examination is running."""
        self._repairs = []  # `setWidget` deletes the former page with its buttons
        self.examine.allow(allowed=False, reason="Examining…")
        self.area.setWidget(Skeleton(5))

    def show_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Show the findings."""
        self._repairs = []
        self.examine.allow(allowed=True)
        if diagnosis.healthy:
            examined = format_counted(len(diagnosis.examined), "secret")
            self.area.setWidget(EmptyState("No problems found", f"Examined: {examined}."))
            return
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 8, 0)
        box.setSpacing(12)
        for finding in diagnosis.findings:
            box.addWidget(self._card(finding))
        for item in diagnosis.unseen:
            box.addWidget(muted_label(f"Not examined: {shown(item)}", wrap=True))
        box.addStretch(1)
        self.area.setWidget(page)
        self.set_locked(self._locked)

    def show_not_examined(self, error: StorageError) -> None:
        """Show why the examination failed."""
        self.area.setWidget(EmptyState("The secrets could not be examined", error.summary))
        self.show_error(error)

    def show_error(self, error: StorageError) -> None:
        """Show why a repair was refused, or why the examination failed; findings stay."""
        self.examine.allow(allowed=True)
        self.banner.show_error(error)

    def set_locked(self, reason: str) -> None:
        """Disable repairs with a reason, or enable them with an empty one."""
        self._locked = reason
        for button in self._repairs:
            button.allow(not reason, reason)

    def _card(self, finding: Finding) -> QWidget:
        pill = Pill(finding.kind.value.replace("-", " "), _TONES[finding.kind.value])
        top = QWidget()
        line = QHBoxLayout(top)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(pill)
        line.addStretch(1)
        summary = text_label(shown(finding.summary), wrap=True)
        detail = muted_label(shown(finding.detail), wrap=True)
        return card(top, summary, detail, self._buttons(finding, finding.repairs), spacing=6)

    def _buttons(self, finding: Finding, repairs: Sequence[Repair]) -> QWidget:
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 4, 0, 0)
        line.setSpacing(8)
        for repair in repairs:
            make = danger_button if repair.kind is RepairKind.DELETE else plain_button
            button = make(f"{repair.title}…")
            button.clicked.connect(partial(self.repair_clicked.emit, finding, repair))
            button.setAccessibleName(f"{repair.title}: {finding.subject}")
            button.set_hint(repair.text)
            self._repairs.append(button)
            line.addWidget(button)
        line.addStretch(1)
        place = link_button("Show the secret", partial(self.secret_wanted.emit, finding.secret))
        place.setAccessibleName(f"Show the secret {shown(finding.secret)}")
        line.addWidget(place)
        return holder
