"""What an upload would do, in figures, with the one decision it needs."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from core.transfer.plan import UploadPlan
from core.transfer.values import IfExists
from core.units import format_count, format_size
from core.work import Progress
from gui import theme
from gui.widgets.buttons import link_button, plain_button, primary_button
from gui.widgets.labels import figure, heading, muted_label, shown, text_label
from gui.widgets.panel import card, column, row
from gui.widgets.segmented import Segmented

_SHOWN = 200
_WORDS = {
    IfExists.SKIP: "Skip",
    IfExists.OVERWRITE: "Overwrite",
    IfExists.KEEP_BOTH: "Keep both",
}
_MEANING = {
    IfExists.SKIP: "Files whose key exists are left out.",
    IfExists.OVERWRITE: "The objects are replaced. A versioned bucket keeps the old versions.",
    IfExists.KEEP_BOTH: "Each goes beside the old one, as “name (2)”.",
}


class PlanCard(QWidget):
    """Count, bytes, conflicts and what is left out; the button that starts.

    Signals:
        wanted: the user starts the upload.
        cleared: the user empties the list.
    """

    wanted = Signal()
    cleared = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.plan: UploadPlan | None = None
        self._allowed, self._reason = True, ""
        self._count = figure("")
        self._size = muted_label("")
        self._conflicts = text_label("", "warning", wrap=True)
        self.choice = Segmented([(choice.value, words) for choice, words in _WORDS.items()])
        self.choice.setAccessibleName("What to do with files that exist already")
        self._meaning = muted_label("", wrap=True, small=True)
        self._skipped = text_label("", "warning", wrap=True)
        self._skipped.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.why = link_button("Show them", self._on_why)
        self._list = QPlainTextEdit()
        self._list.setReadOnly(True)
        self._list.setFont(theme.mono_font())
        self._list.setAccessibleName("Files that cannot be uploaded")
        self._list.setMaximumHeight(140)
        self.start = primary_button("Upload", self.wanted.emit)
        self.clear = plain_button("Clear", self.cleared.emit)
        self._decision = column(self._conflicts, self.choice, self._meaning, spacing=6)
        self._left_out = column(row(self._skipped, self.why), self._list, spacing=6)
        self._lay_out()
        self.choice.selected.connect(self._on_choice)
        self._on_choice()
        self.show_nothing()

    @property
    def decision(self) -> IfExists:
        """What to do with files whose key exists."""
        return IfExists(self.choice.current)

    def show_nothing(self) -> None:
        """There is nothing to plan."""
        self.plan = None
        self.hide()

    def show_looking(self, count: int) -> None:
        """The plan is being made."""
        self.plan = None
        what = "what you added" if count > 1 else "your choice"
        self._show("Checking…", f"{what}, and what the bucket already has there")
        self._decision.hide()
        self._left_out.hide()
        self.start.setText("Upload")
        self._update()

    def show_found(self, progress: Progress) -> None:
        """Tell how many files were found so far."""
        if self.plan is None:
            self._count.setText(f"{_files(progress.done)} so far")

    def show_plan(self, plan: UploadPlan) -> None:
        """Show a finished plan."""
        self.plan = plan
        self._show(_files(len(plan.keys)), f"{format_size(plan.size)} to {_where(plan)}")
        self._conflicts.setText(f"{_files(plan.conflicts)} already exist there")
        self._decision.setVisible(bool(plan.conflicts))
        self._skipped.setText(f"{_files(len(plan.refused))} cannot be uploaded")
        self._list.setPlainText(_listed(plan))
        self._list.hide()
        self.why.setText("Show them")
        self._left_out.setVisible(bool(plan.refused))
        self._on_choice()

    def allow(self, allowed: bool, reason: str = "") -> None:
        """Allow starting, or say why not."""
        self._allowed, self._reason = allowed, reason
        self._update()

    def _lay_out(self) -> None:
        self._buttons = row(self.start, self.clear)
        frame = card(
            heading("Plan"),
            self._count,
            self._size,
            self._decision,
            self._left_out,
            self._buttons,
            spacing=8,
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(frame)

    def _show(self, count: str, size: str) -> None:
        self._count.setText(count)
        self._size.setText(size)
        self.show()

    def _to_send(self) -> int:
        if self.plan is None:
            return 0
        taken = self.plan.conflicts if self.decision is IfExists.SKIP else 0
        return len(self.plan.keys) - taken

    def _on_choice(self, _name: str = "") -> None:
        self._meaning.setText(_MEANING[self.decision])
        self.start.setText(f"Upload {_files(self._to_send())}" if self.plan else "Upload")
        self._update()

    def _update(self) -> None:
        if not self._allowed:
            self.start.allow(allowed=False, reason=self._reason)
        elif self.plan is None:
            self.start.allow(allowed=False, reason="The plan is being made.")
        else:
            self.start.allow(self._to_send() > 0, "There is nothing to upload.")

    def _on_why(self) -> None:
        self._list.setVisible(not self._list.isVisible())
        self.why.setText("Hide them" if self._list.isVisible() else "Show them")


def _files(count: int) -> str:
    return f"{format_count(count)} {'file' if count == 1 else 'files'}"


def _where(plan: UploadPlan) -> str:
    return f"s3://{plan.bucket}/{plan.prefix}"


def _listed(plan: UploadPlan) -> str:
    lines = [f"{shown(each.path)}: {each.reason}" for each in plan.refused[:_SHOWN]]
    more = len(plan.refused) - _SHOWN
    return "\n".join([*lines, *([f"and {format_count(more)} more"] if more > 0 else [])])
