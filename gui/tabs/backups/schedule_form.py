"""The dialog that creates or changes a schedule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, QTime, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFormLayout, QTimeEdit, QWidget

from core.backup.schedule import checked_hooks, checked_schedule
from core.backup.timetable import next_time
from core.errors import InvalidInput, StorageError
from core.model.schedule import Every, Schedule, ScheduleFormat
from core.units import format_moment, utc_now
from gui import theme
from gui.tabs.backups.selection_dialog import pattern_fields, patterns
from gui.tabs.backups.sources import Source, distinct_name
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, inset, line_edit
from gui.widgets.labels import muted_label, shown, text_label
from gui.widgets.table import choose_row, make_list

_EVERY = ((Every.HOUR, "Every hour"), (Every.DAY, "Every day"), (Every.WEEK, "Every Monday"))
#: The programs that start a schedule, None for the window, and their texts.
STARTERS: tuple[tuple[ScheduleFormat | None, str], ...] = (
    (None, "This window, while it is open"),
    (ScheduleFormat.SYSTEMD, "systemd (Linux), without a window"),
    (ScheduleFormat.CRON, "cron, without a window"),
    (ScheduleFormat.TASK_SCHEDULER, "Task Scheduler (Windows), without a window"),
)
_HOOKS = (
    "The command gets a description of the failure as its standard input; it is started without a "
    "shell. The webhook gets the same by POST. Both are stored only on this computer."
)


@dataclass(frozen=True, slots=True)
class ScheduleChoices:
    """What a schedule can be made of.

    Attributes:
        databases: the open databases.
        options: the options of its command, which name profile and bucket.
        why_outside: why only the window can start it; empty if other programs can.
        selected: the address of the database that a new schedule backs up initially.
    """

    databases: Sequence[Source]
    options: tuple[str, ...] = ()
    why_outside: str = ""
    selected: str = ""


class ScheduleForm(Dialog):
    """The fields of a schedule.

    Args:
        parent: the view that opens the dialog.
        choices: what it can be made of.
        then: called with the schedule, and the one that it replaces or None.
        schedule: the schedule to change; None for a new one.

    Signals:
        tables_wanted: the address of the database whose tables are to be listed.
        check_wanted: the schedule, whose patterns and conditions the database is to check before
            `save`.
    """

    tables_wanted = Signal(str)
    check_wanted = Signal(object)

    def __init__(
        self,
        parent: QWidget | None,
        choices: ScheduleChoices,
        then: Callable[[Schedule, Schedule | None], object],
        schedule: Schedule | None = None,
    ) -> None:
        title = "New scheduled backup" if schedule is None else "Change a scheduled backup"
        super().__init__(parent, title, width=600)
        self._choices, self._then, self._former = choices, then, schedule
        self.banner = Banner(self)
        self.database = combo_box("Database")
        for source in choices.databases:
            self.database.addItem(_title(source, choices), source.address)
        self.scope = combo_box("Tables")
        self.scope.addItems(["All tables", "Selected tables"])
        self.include, self.exclude = pattern_fields()
        self.model = QStandardItemModel(self)
        self.tables = make_list(self.model, "Tables to back up")
        self.tables.setFixedHeight(4 * theme.ROW + 2)
        self.where = line_edit("Condition on the rows of the selected table", "all rows")
        self._conditions = dict(schedule.where) if schedule is not None else {}
        self.every = _filled(combo_box("Interval"), _EVERY)
        choose(self.every, 1)
        self.at = inset(QTimeEdit(QTime(2, 0)))
        self.at.setDisplayFormat("HH:mm")
        self.at.setAccessibleName("Time in the zone of this computer")
        self.starter = _filled(combo_box("Started by"), STARTERS)
        names = ("Command after a failure", "Webhook after a failure")
        self.command, self.webhook = (line_edit(name, "none") for name in names)
        for field in (self.where, self.command, self.webhook):
            field.setFont(theme.mono_font())
        self.note = muted_label("", wrap=True)
        self.go = primary_button("Save", self._on_save)
        self.go.setDefault(True)
        self._lay_out()
        self._fill(schedule)
        self._connect()
        self._on_scope()

    def _lay_out(self) -> None:
        form = self._form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field in (
            ("Database", self.database),
            ("Tables", self.scope),
            ("Only tables like", self.include),
            ("Not tables like", self.exclude),
            ("", self.tables),
            ("Only rows where", self.where),
            ("Interval", self.every),
            ("Time", self.at),
            ("Started by", self.starter),
            ("On failure, run", self.command),
            ("On failure, POST to", self.webhook),
        ):
            form.addRow(text_label(title, "muted"), field)
        self.body.addLayout(form)
        self.body.addWidget(muted_label(_HOOKS, wrap=True, small=True))
        self.add_note(self.note)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    def _fill(self, schedule: Schedule | None) -> None:
        if schedule is None:
            choose(self.database, max(0, self.database.findData(self._choices.selected)))
            return
        place = self.database.findData(schedule.database)
        if place < 0:  # it is not open now
            self.database.addItem(shown(schedule.database), schedule.database)
            place = self.database.count() - 1
        choose(self.database, place)
        choose(self.scope, 1 if schedule.tables else 0)
        self.include.setText(", ".join(schedule.include))
        self.exclude.setText(", ".join(schedule.exclude))
        choose(self.every, [each for each, _text in _EVERY].index(schedule.every))
        hour, minute = schedule.at.split(":")
        self.at.setTime(QTime(int(hour), int(minute)))
        choose(self.starter, [each for each, _text in STARTERS].index(schedule.starter))
        self.command.setText(schedule.on_failure)
        self.webhook.setText(schedule.webhook)
        self.show_tables(schedule.database, schedule.tables)

    def _connect(self) -> None:
        self.database.currentIndexChanged.connect(self._on_database)
        self.scope.currentIndexChanged.connect(self._on_scope)
        self.model.itemChanged.connect(self._on_item)
        self.tables.selectionModel().currentChanged.connect(self._on_table)
        self.where.textEdited.connect(self._on_condition)
        for box in (self.every, self.starter):
            box.currentIndexChanged.connect(self._update)
        self.at.timeChanged.connect(self._update)
        for field in (self.include, self.exclude, self.command, self.webhook):
            field.textChanged.connect(self._update)

    def show_tables(self, address: str, tables: Sequence[str]) -> None:
        """Show the tables of a database; those of the schedule are checked."""
        if address != self.database.currentData():
            return
        former = self._former
        wanted = set(former.tables) if former and former.database == address else set()
        chosen = wanted | set(self._checked())
        self.model.clear()
        for name in (*tables, *sorted(wanted - set(tables))):
            item = QStandardItem(self._title(name))
            item.setData(name)
            item.setCheckState(Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
            self._allow_check(item)
            self.model.appendRow(item)
        if self.model.rowCount():
            choose_row(self.tables, 0)
        self._on_table()

    def _allow_check(self, item: QStandardItem) -> None:
        """Show the box of a table if tables are selected, and hide it if all are backed up."""
        item.setCheckable(self._selects)
        state = item.checkState() if self._selects else None
        item.setData(state, Qt.ItemDataRole.CheckStateRole)

    def _title(self, table: str) -> str:
        condition = self._conditions.get(table, "")
        name = shown(table)
        return f"{name}, only rows where {shown(condition)}" if condition else name

    @property
    def _selects(self) -> bool:
        """Whether tables are selected, instead of all of them."""
        return self.scope.currentIndex() == 1

    @property
    def _table(self) -> str:
        """The table of the list whose condition is shown; empty if it is not backed up."""
        index = self.tables.currentIndex()
        if not index.isValid():
            return ""
        item = self.model.itemFromIndex(index)
        checked = item.checkState() == Qt.CheckState.Checked
        return str(item.data()) if checked or not self._selects else ""

    def _on_table(self, *_changed: object) -> None:
        """Show the condition of the selected table."""
        table = self._table
        self.where.setText(self._conditions.get(table, ""))
        self.where.setPlaceholderText(f"all rows of {shown(table)}" if table else "all rows")
        why = "Select a checked table first." if self._selects else "Select a table first."
        allow_field(self.where, bool(table), why)
        self._update()

    def _on_item(self, _item: QStandardItem) -> None:
        self._on_table()

    def _on_condition(self, text: str) -> None:
        table = self._table
        self._conditions[table] = text.strip()
        self.model.itemFromIndex(self.tables.currentIndex()).setText(self._title(table))

    def show_error(self, error: StorageError) -> None:
        """Show why the tables cannot be listed, or why it cannot be saved."""
        self._update()
        self.banner.show_error(error)

    @property
    def schedule(self) -> Schedule:
        """The schedule from the fields.

        Raises:
            InvalidInput: a field is not valid.
        """
        selected = self._selects
        made = checked_schedule(
            self.database.currentData() or "",
            self._checked() if selected else (),
            self.every.currentData(),
            f"{self.at.time().hour():02}:{self.at.time().minute():02}",
            self._former.options if self._former else self._choices.options,
            self._where(),
            include=() if selected else patterns(self.include.text()),
            exclude=() if selected else patterns(self.exclude.text()),
        )
        return replace(
            made,
            starter=self.starter.currentData(),
            on_failure=self.command.text().strip(),
            webhook=self.webhook.text().strip(),
            paused=bool(self._former and self._former.paused and not self.starter.currentData()),
        )

    def _where(self) -> dict[str, str]:
        """Return the conditions of the tables that are backed up."""
        names = self._checked() if self._selects else self._conditions
        found = {table: self._conditions.get(table, "") for table in names}
        return {table: condition for table, condition in found.items() if condition}

    def _checked(self) -> list[str]:
        items = (self.model.item(row) for row in range(self.model.rowCount()))
        return [item.data() for item in items if item.checkState() == Qt.CheckState.Checked]

    def _on_database(self) -> None:
        self.model.clear()
        self._conditions.clear()
        self._on_scope()

    def _on_scope(self) -> None:
        for field in (self.include, self.exclude):
            self._form.setRowVisible(field, not self._selects)
        for row in range(self.model.rowCount()):
            self._allow_check(self.model.item(row))
        self.list_tables()
        self._on_table()
        if self.isVisible():
            self.fit()

    def list_tables(self) -> None:
        """Request the tables of the database, unless they are listed."""
        if not self.model.rowCount() and self.database.currentData():
            self.tables_wanted.emit(self.database.currentData())

    def _update(self, *_changed: object) -> None:
        self.banner.clear()  # it is about other values, and covers the note
        why = self._problem()
        self.go.allow(not why, why)
        if why:
            self.note.setText(why)
            return
        following = format_moment(next_time(self.schedule, utc_now()))
        self.note.setText(f"The next run is on {following}.")

    def _problem(self) -> str:
        if not self.database.count():
            return "Open a database first: its tables are backed up."
        if self._selects and not self._checked():
            return "Check at least one table."
        if self.starter.currentData() is not None and self._choices.why_outside:
            return self._choices.why_outside
        try:
            checked_hooks(self.schedule)  # also checks what a command can contain
        except InvalidInput as error:
            parts = (f"{error.summary}.", error.cause, error.remedy)
            return " ".join(part for part in parts if part)
        return ""

    def _on_save(self) -> None:
        schedule = self.schedule
        if not (schedule.where or schedule.include or schedule.exclude):
            self.save()
            return
        busy = "The database checks the tables and conditions."
        self.go.allow(not busy, busy)
        self.note.setText("Checking the tables and conditions…")
        self.check_wanted.emit(schedule)

    def save(self) -> None:
        """Store the schedule and close the dialog."""
        self._then(self.schedule, self._former)
        self.accept()


def _title(source: Source, choices: ScheduleChoices) -> str:
    return shown(distinct_name(source, choices.databases))


def choose(box: QComboBox, index: int) -> None:
    """Choose an entry of a box by its place."""
    box.setCurrentIndex(index)


def _filled(box: QComboBox, entries: Sequence[tuple[object, str]]) -> QComboBox:
    """Add entries with their data to a box, and return it."""
    for value, text in entries:
        box.addItem(text, value)
    return box
