"""The dialog that creates or changes a schedule, and the one with its entry for a scheduler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, QTime, Signal
from PySide6.QtGui import QGuiApplication, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFormLayout, QPlainTextEdit, QTimeEdit, QWidget

from core.backup.schedule import checked_hooks, checked_schedule, generated_files
from core.backup.timetable import next_time
from core.errors import InvalidInput, NotSupported, StorageError
from core.model.schedule import Every, GeneratedFile, Schedule, ScheduleFormat
from core.units import format_moment, utc_now
from gui import theme
from gui.tabs.backups.sources import Source
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, inset, line_edit
from gui.widgets.labels import muted_label, shown, text_label
from gui.widgets.table import make_list

_EVERY = ((Every.HOUR, "Every hour"), (Every.DAY, "Every day"), (Every.WEEK, "Every Monday"))
_STARTERS: tuple[tuple[ScheduleFormat | None, str], ...] = (
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
    """

    databases: Sequence[Source]
    options: tuple[str, ...] = ()
    why_outside: str = ""


class ScheduleForm(Dialog):
    """The fields of a schedule.

    Args:
        parent: the view that opens the dialog.
        choices: what it can be made of.
        then: called with the schedule, and the one that it replaces or None.
        schedule: the schedule to change; None for a new one.

    Signals:
        tables_wanted: the address of the database whose tables are to be listed.
    """

    tables_wanted = Signal(str)

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
            self.database.addItem(shown(source.name), source.address)
        self.scope = combo_box("Tables")
        self.scope.addItems(["All tables", "Selected tables"])
        self.model = QStandardItemModel(self)
        self.tables = make_list(self.model, "Tables to back up")
        self.tables.setFixedHeight(4 * theme.ROW + 2)
        self.every = combo_box("Interval")
        for every, text in _EVERY:
            self.every.addItem(text, every)
        _choose(self.every, 1)
        self.at = inset(QTimeEdit(QTime(2, 0)))
        self.at.setDisplayFormat("HH:mm")
        self.at.setAccessibleName("Time in the zone of this computer")
        self.starter = combo_box("Started by")
        for starter, text in _STARTERS:
            self.starter.addItem(text, starter)
        self.command = line_edit("Command after a failure", "none")
        self.command.setFont(theme.mono_font())
        self.webhook = line_edit("Webhook after a failure", "none")
        self.webhook.setFont(theme.mono_font())
        self.note = muted_label("", wrap=True)
        self.go = primary_button("Save", self._on_save)
        self.go.setDefault(True)
        self._lay_out()
        self._fill(schedule)
        self._connect()
        self._on_scope()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field in (
            ("Database", self.database),
            ("Tables", self.scope),
            ("", self.tables),
            ("Interval", self.every),
            ("Time", self.at),
            ("Started by", self.starter),
            ("On failure, run", self.command),
            ("On failure, POST to", self.webhook),
        ):
            form.addRow(text_label(title, "muted"), field)
        self.body.addLayout(form)
        self.body.addWidget(muted_label(_HOOKS, wrap=True, small=True))
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    def _fill(self, schedule: Schedule | None) -> None:
        if schedule is None:
            return
        place = self.database.findData(schedule.database)
        if place < 0:  # it is not open now
            self.database.addItem(shown(schedule.database), schedule.database)
            place = self.database.count() - 1
        _choose(self.database, place)
        _choose(self.scope, 1 if schedule.tables else 0)
        _choose(self.every, [each for each, _text in _EVERY].index(schedule.every))
        hour, minute = schedule.at.split(":")
        self.at.setTime(QTime(int(hour), int(minute)))
        _choose(self.starter, [each for each, _text in _STARTERS].index(schedule.starter))
        self.command.setText(schedule.on_failure)
        self.webhook.setText(schedule.webhook)
        self.show_tables(schedule.database, schedule.tables)

    def _connect(self) -> None:
        self.database.currentIndexChanged.connect(self._on_database)
        self.scope.currentIndexChanged.connect(self._on_scope)
        self.model.itemChanged.connect(self._update)
        for box in (self.every, self.starter):
            box.currentIndexChanged.connect(self._update)
        self.at.timeChanged.connect(self._update)
        for field in (self.command, self.webhook):
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
            item = QStandardItem(shown(name))
            item.setData(name)
            item.setCheckable(True)
            item.setCheckState(Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
            self.model.appendRow(item)
        self._update()

    def show_error(self, error: StorageError) -> None:
        """Show why the tables cannot be listed, or why it cannot be saved."""
        self.banner.show_error(error)

    @property
    def schedule(self) -> Schedule:
        """The schedule from the fields.

        Raises:
            InvalidInput: a field is not valid.
        """
        selected = self.scope.currentIndex() == 1
        made = checked_schedule(
            self.database.currentData() or "",
            self._checked() if selected else (),
            self.every.currentData(),
            f"{self.at.time().hour():02}:{self.at.time().minute():02}",
            self._former.options if self._former else self._choices.options,
        )
        return replace(
            made,
            starter=self.starter.currentData(),
            on_failure=self.command.text().strip(),
            webhook=self.webhook.text().strip(),
            paused=bool(self._former and self._former.paused and not self.starter.currentData()),
        )

    def _checked(self) -> list[str]:
        items = (self.model.item(row) for row in range(self.model.rowCount()))
        return [item.data() for item in items if item.checkState() == Qt.CheckState.Checked]

    def _on_database(self) -> None:
        self.model.clear()
        self._on_scope()

    def _on_scope(self) -> None:
        selected = self.scope.currentIndex() == 1
        allow_field(self.tables, selected, "All tables are backed up.")
        if selected and not self.model.rowCount() and self.database.currentData():
            self.tables_wanted.emit(self.database.currentData())
        self._update()

    def _update(self, *_changed: object) -> None:
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
        if self.scope.currentIndex() == 1 and not self._checked():
            return "Check at least one table."
        if self.starter.currentData() is not None and self._choices.why_outside:
            return self._choices.why_outside
        try:
            checked_hooks(self.schedule)
        except InvalidInput as error:
            parts = (f"{error.summary}.", error.cause, error.remedy)
            return " ".join(part for part in parts if part)
        return ""

    def _on_save(self) -> None:
        self._then(self.schedule, self._former)
        self.accept()


class ScheduleEntry(Dialog):
    """The entry of a schedule for systemd, cron or the Task Scheduler, to copy or save.

    Args:
        parent: the view that opens the dialog.
        schedule: the schedule.

    Signals:
        save_wanted: the `GeneratedFile`s to save.
    """

    save_wanted = Signal(object)

    def __init__(self, parent: QWidget | None, schedule: Schedule) -> None:
        super().__init__(parent, f"Entry for {schedule.title}", width=720, height=460)
        self._schedule = schedule
        self.banner = Banner(self)
        self.form = combo_box("Program that starts the backup")
        for form, text in _STARTERS[1:]:
            self.form.addItem(text.partition(",")[0], form)
        if schedule.starter is not None:
            _choose(self.form, self.form.findData(schedule.starter))
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono_font())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Entry")
        self.note = muted_label("", wrap=True, small=True)
        self.save = plain_button("Save…", lambda: self.save_wanted.emit(self.files))
        self.copy = primary_button("Copy", self._on_copy)
        self.files: tuple[GeneratedFile, ...] = ()
        self.body.addWidget(self.form)
        self.add_stretching(self.text)
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Close", self.reject), self.save, self.copy)
        self.form.currentIndexChanged.connect(self._show)
        self._show()

    def _show(self) -> None:
        form = self.form.currentData()
        try:
            self.files = generated_files(self._schedule, form)
        except NotSupported as error:
            self.files = ()
            self.note.setText(f"{error.summary}. {error.cause} {error.remedy}")
        else:
            self.note.setText(_INSTALL[form])
        why = "" if self.files else "There is no entry for this program."
        for button in (self.save, self.copy):
            button.allow(not why, why)
        named = len(self.files) > 1
        texts = (f"# {file.name}\n{file.text}" if named else file.text for file in self.files)
        self.text.setPlainText("\n".join(texts))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.banner.show_good("The entry was copied.")


_INSTALL = {
    ScheduleFormat.SYSTEMD: "Save both files to ~/.config/systemd/user and run “systemctl --user "
    "daemon-reload” and “systemctl --user enable --now” with the name of the timer. The password of "
    "a server must be in the keyring or in a secret.",
    ScheduleFormat.CRON: "Add the line with “crontab -e”. The password of a server must be in the "
    "keyring or in a secret.",
    ScheduleFormat.TASK_SCHEDULER: "Save the file and import it with “schtasks /Create /XML FILE "
    "/TN NAME”. The password of a server must be in the keyring or in a secret.",
}


def _choose(box: QComboBox, index: int) -> None:
    box.setCurrentIndex(index)
