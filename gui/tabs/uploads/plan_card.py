"""The summary of an upload plan, with the choice of what to do with existing objects."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.transfer.plan import UploadPlan
from core.transfer.values import IfExists
from core.units import format_count, format_counted, format_size
from core.work import Progress
from gui import actions
from gui.tabs.uploads.plan_model import ALL, REFUSED, PlanModel
from gui.widgets.buttons import link_button, plain_button, primary_button, set_flush
from gui.widgets.decision import DecisionBox
from gui.widgets.labels import Elided, figure, heading, muted_label, text_label
from gui.widgets.panel import card, column, row

_MEANING = {
    IfExists.SKIP: "Files whose key already exists are skipped.",
    IfExists.OVERWRITE: "The objects are replaced. A versioned bucket retains the old versions.",
    IfExists.KEEP_BOTH: "Each file is stored beside the old object, as “name (2)”.",
    IfExists.IF_DIFFERENT: "Contents are compared by SHA-256; equal ones are skipped.",
    IfExists.IF_NEWER: "Objects are replaced by files that were changed after they were stored.",
    IfExists.IF_SIZE_DIFFERS: "Objects of the same size are skipped, even if their content differs.",
}


class PlanCard(QWidget):
    """Number and size of the files, conflicts and skipped files, and the Upload button.

    Signals:
        wanted: the user starts the upload.
        cleared: the user clears the list.
        files_wanted: the user wants the list of files with the filter of that name.
    """

    wanted = Signal()
    cleared = Signal()
    files_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.plan: UploadPlan | None = None
        self.files = PlanModel(self)
        self._allowed, self._reason = True, ""
        self._reason_without_plan = ""
        self._count = figure("")
        self._size = Elided("", "muted")
        self._conflicts = text_label("", "warning", wrap=True)
        self.choice = DecisionBox("What to do with files that already exist")
        self._meaning = muted_label("", wrap=True, small=True)
        self._skipped = text_label("", "warning", wrap=True)
        self._skipped.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.why = link_button("Show files", lambda: self.files_wanted.emit(REFUSED))
        self.list = set_flush(link_button("Show the files", lambda: self.files_wanted.emit(ALL)))
        self.start = primary_button("Upload", self.wanted.emit)
        self.clear = plain_button("Clear", self.cleared.emit)
        self._decision = column(self._conflicts, self.choice, self._meaning, spacing=6)
        self._left_out = row(self._skipped, self.why)
        self._lay_out()
        # The decision for all files is stored in the model, which has those for single files, too.
        self.choice.selected.connect(self._on_choice)
        self.files.decided.connect(self._on_decided)
        self._on_decided()
        self.show_nothing()

    @property
    def decision(self) -> IfExists:
        """The decision for files whose key exists."""
        return self.choice.decision

    def show_nothing(self) -> None:
        """Show that nothing was added."""
        self._take(None)
        self.hide()

    def show_planning(self, count: int) -> None:
        """Show that the plan is being prepared."""
        self._reason_without_plan = "The plan is being prepared."
        self.plan = None  # the list stays until the new plan is complete
        self._show(
            "Checking…",
            "the added files, and which keys already exist"
            if count > 1
            else "the added file or folder, and which keys already exist",
        )
        self._decision.hide()
        self._left_out.hide()
        self.list.hide()
        self.start.setText("Upload")
        self._update()

    def show_failed(self, count: int) -> None:
        """Show that no plan could be made; the added files stay."""
        self._take(None)
        self._show(
            "No plan",
            "1 entry added, not compared with the bucket"
            if count == 1
            else f"{format_count(count)} entries added, not compared with the bucket",
        )
        self._reason_without_plan = (
            f"The plan could not be prepared. {actions.tip('refresh')} tries again."
        )
        self._update()

    def show_found(self, progress: Progress) -> None:
        """Show how many files were found so far."""
        if self.plan is None:
            self._count.setText(f"{_files(progress.done)} so far")

    def show_plan(self, plan: UploadPlan) -> None:
        """Show a finished plan."""
        self._take(plan)
        self._show(_files(len(plan.keys)), f"{format_size(plan.size)} to {_where(plan)}")
        self._decision.setVisible(bool(plan.conflicts))
        self._skipped.setText(f"{_files(len(plan.refused))} cannot be uploaded")
        self._left_out.setVisible(bool(plan.refused))
        self.list.show()
        self._on_decided()

    def allow(self, allowed: bool, reason: str = "") -> None:
        """Enable the Upload button, or show why it is disabled."""
        self._allowed, self._reason = allowed, reason
        self._update()

    def _lay_out(self) -> None:
        self._buttons = row(self.start, self.clear)
        frame = card(
            heading("Plan"),
            self._count,
            self._size,
            self.list,
            self._decision,
            self._left_out,
            self._buttons,
            spacing=8,
        )
        inner = frame.layout()
        assert inner is not None
        inner.setAlignment(self.list, Qt.AlignmentFlag.AlignLeft)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(frame)

    def _show(self, count: str, size: str) -> None:
        self._count.setText(count)
        self._size.setText(size)
        self.show()

    def _take(self, plan: UploadPlan | None) -> None:
        self.plan = plan
        self.files.show(plan)

    def _to_send(self) -> int:
        if self.plan is None:
            return 0
        return len(self.plan.keys) - len(self.plan.skipped_when(self.decision, self.files.single))

    def _on_choice(self, _name: str = "") -> None:
        self.files.decide_all(self.decision)

    def _on_decided(self) -> None:
        """Show the effect of the decision, and how many files have a different one."""
        self._meaning.setText(_MEANING[self.decision])
        conflicts = self.plan.conflicts if self.plan else 0
        single = len(self.files.single)
        files = _files(conflicts)
        if single:
            self._conflicts.setText(
                f"Existing: {files}, of which {format_count(single)} decided one by one"
            )
        else:
            self._conflicts.setText(
                "1 file already exists" if conflicts == 1 else f"{files} already exist"
            )
        self.start.setText(f"Upload {_files(self._to_send())}" if self.plan else "Upload")
        self._update()

    def _update(self) -> None:
        if not self._allowed:
            self.start.allow(allowed=False, reason=self._reason)
        elif self.plan is None:
            self.start.allow(allowed=False, reason=self._reason_without_plan or "Add files first.")
        else:
            self.start.allow(self._to_send() > 0, "There is nothing to upload.")


def _files(count: int) -> str:
    return format_counted(count, "file")


def _where(plan: UploadPlan) -> str:
    return f"s3://{plan.bucket}/{plan.prefix}"
