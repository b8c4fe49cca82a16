"""The dialog for a backup of several tables: patterns of their names, and conditions on their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QWidget

from core.errors import StorageError
from core.model.backup_plan import BackupPlan
from core.model.selection import Selection
from core.units import format_counted, format_estimate
from gui import theme
from gui.models.columns import CellText
from gui.tabs.backups.rows_model import Rows
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, line_edit
from gui.widgets.labels import muted_label, shown, text_label
from gui.widgets.table import choose_row, make_table

_TEXT = (
    "All tables are backed up from one consistent snapshot, except those that the patterns leave out. "
    "In a pattern, * stands for any characters and ? for one; commas separate patterns. A backup "
    "with a condition contains only some rows, and never replaces the complete table."
)
_BUSY = "The database reads the tables."
_LIST_ROWS = 5


class PlannedTables(Rows):
    """The tables of a database, the rows of each that would be backed up, and why others would not."""

    heads = ("Table", "Rows", "Which rows")
    numbers = frozenset((1,))

    def show(
        self, names: Sequence[str], conditions: Mapping[str, str], plan: BackupPlan | None
    ) -> None:
        """Show tables with their conditions, and what a plan says about them."""
        planned = {} if plan is None else {table.name: table for table in plan.tables}
        left = {} if plan is None else _left(plan)
        texts: list[tuple[CellText, ...]] = []
        values: list[tuple[Any, ...]] = []
        for name in names:
            condition = conditions.get(name, "")
            table = planned.get(name)
            number = table.rows if table else 0
            rows = format_estimate(number, estimated=table.estimated) if table else ""
            texts.append((shown(name), rows, left.get(name) or shown(condition) or "all"))
            values.append((name, number, condition))
        self._replace(texts, values)


def _left(plan: BackupPlan) -> dict[str, str]:
    tables = (*plan.excluded, *plan.skipped)
    return {each.table: f"none: {shown(each.problem)}" for each in tables}


class SelectionDialog(Dialog):
    """Patterns and conditions for a backup of all tables, with a preview by the database.

    Args:
        parent: the view that opens the dialog.
        database: the name of the database.
        tables: the names of its tables.
        then: called with the selection, after the database has checked it, and the note.
        note: the note that is shown at first.

    Signals:
        plan_wanted: a selection, whose plan the caller passes to a function; both are arguments.
    """

    plan_wanted = Signal(object, object)

    def __init__(
        self,
        parent: QWidget | None,
        database: str,
        tables: Sequence[str],
        then: Callable[[Selection, str], object],
        *,
        note: str = "",
    ) -> None:
        super().__init__(parent, f"Back up tables of {database}", _TEXT, width=640)
        self._tables, self._then = tuple(tables), then
        self._conditions: dict[str, str] = {}
        self._plan: BackupPlan | None = None
        self.banner = Banner(self)
        self.include, self.exclude = pattern_fields()
        self.model = PlannedTables(self)
        self.tables = make_table(self.model, "Tables of the database", sortable=False)
        self.tables.setTextElideMode(Qt.TextElideMode.ElideRight)  # sentences and conditions
        self.tables.setFixedHeight((_LIST_ROWS + 1) * theme.ROW + 2)
        self.where = line_edit("Condition on the rows of the selected table", "all rows")
        self.where.setFont(theme.mono_font())
        self.remark = line_edit("Note", "none")
        self.remark.setText(note)
        self.note = muted_label("", wrap=True)
        self.preview = plain_button("Preview", lambda: self._check(self._show_plan))
        self.go = primary_button("Back up", lambda: self._check(self._use))
        self.go.setDefault(True)
        self._lay_out()
        self._fill()
        self.tables.selectionModel().currentChanged.connect(self._on_table)
        self.where.textEdited.connect(self._on_condition)
        for field in (self.include, self.exclude):
            field.textEdited.connect(self._on_pattern)
        self._on_table()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field in (
            ("Only tables like", self.include),
            ("Not tables like", self.exclude),
            ("", self.tables),
            ("Only rows where", self.where),
            ("Note", self.remark),
        ):
            form.addRow(text_label(title, "muted"), field)
        self.body.addLayout(form)
        self.add_note(self.note)
        self.add_buttons(plain_button("Cancel", self.reject), self.preview, self.go)

    def _fill(self) -> None:
        self._update()
        if self._tables:
            choose_row(self.tables, 0)

    @property
    def selection(self) -> Selection:
        """The patterns and the conditions as they were entered."""
        conditions = {name: where for name, where in self._conditions.items() if where}
        include, exclude = patterns(self.include.text()), patterns(self.exclude.text())
        return Selection(None, conditions, include, exclude)

    @property
    def _table(self) -> str:
        """The selected table; empty if there is none."""
        index = self.tables.currentIndex()
        return self._tables[index.row()] if index.isValid() else ""

    def _on_table(self, *_changed: object) -> None:
        table = self._table
        self.where.setText(self._conditions.get(table, ""))
        self.where.setPlaceholderText(f"all rows of {shown(table)}" if table else "all rows")
        allow_field(self.where, bool(table), "Select a table first.")

    def _on_condition(self, text: str) -> None:
        self._conditions[self._table] = text.strip()
        self._on_pattern()

    def _on_pattern(self) -> None:
        """Forget the preview, which was of another selection."""
        self._plan = None
        self._update()

    def _update(self) -> None:
        """Show the tables as they will be backed up, as far as that is known."""
        plan = self._plan
        self.model.show(self._tables, self._conditions, plan)
        self.note.setText("" if plan is None else _summary(plan))
        self._allow(not self._tables, "There is no table.")

    def _allow(self, forbidden: bool, why: str) -> None:
        for button in (self.preview, self.go):
            button.allow(not forbidden, why)

    def _check(self, then: Callable[[BackupPlan], object]) -> None:
        """Let the database read the tables and evaluate the conditions."""
        self.banner.hide()
        self.note.setText("Reading the tables…")
        self._allow(forbidden=True, why=_BUSY)
        self.plan_wanted.emit(self.selection, then)

    def show_error(self, error: StorageError) -> None:
        """Show why the selection cannot be backed up."""
        self._on_pattern()
        self.banner.show_error(error)
        self.fit()

    def _show_plan(self, plan: BackupPlan) -> None:
        self._plan = plan
        self._update()
        self.fit()

    def _use(self, _plan: BackupPlan) -> None:
        selection, note = self.selection, self.remark.text().strip()
        self.accept()
        self._then(selection, note)


def pattern_fields() -> tuple[QLineEdit, QLineEdit]:
    """Return the fields for the patterns of tables that are backed up, and that are left out."""
    include = line_edit("Patterns of the tables to back up", "all tables")
    exclude = line_edit("Patterns of the tables to leave out", "none, for example audit_*")
    for field in (include, exclude):
        field.setFont(theme.mono_font())
    return include, exclude


def patterns(text: str) -> tuple[str, ...]:
    """Return the patterns of a text, in which commas separate them."""
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def _summary(plan: BackupPlan) -> str:
    rows = sum(table.rows for table in plan.tables)
    tables = format_counted(len(plan.tables), "table")
    about = "about " if any(table.estimated for table in plan.tables) else ""
    text = f"{tables} with {about}{format_counted(rows, 'row')} would be backed up."
    if plan.skipped:
        names = format_counted(len(plan.skipped), "table")
        text = f"{text} {names} cannot be backed up; the list shows why."
    return text
