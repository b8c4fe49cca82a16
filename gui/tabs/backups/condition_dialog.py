"""The dialog for an SQL condition on the rows of a backup, which the database checks first."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFormLayout, QWidget

from core.backup.databases.address import DatabaseAddress
from core.backup.filters import plan_backup
from core.errors import StorageError
from core.model.backup_plan import BackupPlan
from core.model.selection import Selection
from core.units import format_count
from core.workspace import Workspace
from gui import theme
from gui.context import Context
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import line_edit
from gui.widgets.labels import muted_label, text_label

_TEXT = (
    "Only the rows that meet an SQL condition of the database are backed up, as after WHERE. The "
    "backup is marked in the list. It is never chosen by default, and never replaces the complete "
    "table."
)
_EXAMPLE = "status = 'open' AND price > 100"


class ConditionDialog(Dialog):
    """A field for a condition, with the number of rows that meet it.

    Args:
        parent: the view that opens the dialog.
        context: runs the tasks.
        workspace: the connection, whose secrets may contain the address.
        database: the database of the table.
        table: the table to back up.
        then: called with the condition, after the database has checked it, and the note.
        note: the note that is shown at first.
    """

    def __init__(  # noqa: PLR0913 - the last one by name
        self,
        parent: QWidget | None,
        context: Context,
        workspace: Workspace,
        database: str | DatabaseAddress,
        table: str,
        then: Callable[[str, str], object],
        *,
        note: str = "",
    ) -> None:
        super().__init__(parent, f"Back up some rows of {table}", _TEXT, width=520)
        self._context, self._workspace, self._then = context, workspace, then
        self._database, self._table = database, table
        self.banner = Banner(self)
        self.field = line_edit("Condition", _EXAMPLE)
        self.field.setFont(theme.mono_font())
        self.remark = line_edit("Note", "none")
        self.remark.setText(note)
        self.note = muted_label("", wrap=True)
        self.count = plain_button("Count rows", lambda: self._check(self._show_count))
        self.go = primary_button("Back up", lambda: self._check(self._use))
        self.go.setDefault(True)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field in (("Only rows where", self.field), ("Note", self.remark)):
            form.addRow(text_label(title, "muted"), field)
        self.body.addLayout(form)
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Cancel", self.reject), self.count, self.go)
        self.field.textChanged.connect(self._update)
        self._update()

    @property
    def condition(self) -> str:
        """The condition as it was entered."""
        return self.field.text().strip()

    def _update(self) -> None:
        why = "" if self.condition else "Enter a condition."
        self.note.setText("")
        for button in (self.count, self.go):
            button.allow(not why, why)

    def _check(self, then: Callable[[BackupPlan], object]) -> None:
        """Let the database evaluate the condition for each row, and pass the result on."""
        selection = Selection((self._table,), {self._table: self.condition})
        self.banner.hide()
        self.note.setMinimumHeight(0)
        self.note.setText("Counting the rows…")
        busy = "The database evaluates the condition."
        for button in (self.count, self.go):
            button.allow(not busy, busy)
        self._context.runner.run(
            "Check a condition",
            lambda work: plan_backup(
                self._workspace, work, database=self._database, selection=selection
            ),
            owner=self,
            then=lambda plan: self._on_checked(then, plan),
            failed=self._on_failed,
            latest="backups/condition",
            quiet=True,
        )

    def _on_checked(self, then: Callable[[BackupPlan], object], plan: BackupPlan) -> None:
        self._update()
        then(plan)

    def _on_failed(self, error: StorageError) -> None:
        self._update()
        self.banner.show_error(error)
        # Room for the message, which would cover the condition that it is about.
        self.note.setMinimumHeight(self.banner.height() + 16)
        self.body.invalidate()  # Qt only does it for the outermost layout, before it is shown
        self.fit()

    def _show_count(self, plan: BackupPlan) -> None:
        self.note.setText(f"Rows that meet the condition: {format_count(plan.tables[0].rows)}.")

    def _use(self, _plan: BackupPlan) -> None:
        condition, note = self.condition, self.remark.text().strip()
        self.accept()
        self._then(condition, note)
