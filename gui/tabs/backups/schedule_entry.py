"""The dialog with the entry of a schedule for a program that starts it without a window."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from core.backup.schedule import generated_files
from core.errors import NotSupported
from core.model.schedule import GeneratedFile, Schedule, ScheduleFormat
from gui import theme
from gui.tabs.backups.schedule_form import STARTERS, choose
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import combo_box
from gui.widgets.labels import muted_label


class ScheduleEntry(Dialog):
    """The entry of a schedule for systemd, cron or the Task Scheduler, to copy or save.

    Args:
        parent: the view that opens the dialog.
        schedule: the schedule.
        remark: what else the program that starts it needs; empty for nothing.

    Signals:
        save_wanted: the `GeneratedFile`s to save.
    """

    save_wanted = Signal(object)

    def __init__(self, parent: QWidget | None, schedule: Schedule, remark: str = "") -> None:
        super().__init__(parent, f"Entry for {schedule.title}", width=720, height=460)
        self._schedule, self._remark = schedule, remark
        self.banner = Banner(self)
        self.form = combo_box("Program that starts the backup")
        for form, text in STARTERS[1:]:
            self.form.addItem(text.partition(",")[0], form)
        if schedule.starter is not None:
            choose(self.form, self.form.findData(schedule.starter))
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
            self.note.setText(f"{_INSTALL[form]} {self._remark}".rstrip())
        why = "" if self.files else "There is no entry for this program."
        for button in (self.save, self.copy):
            button.allow(not why, why)
        named = len(self.files) > 1
        texts = (f"# {file.name}\n{file.text}" if named else file.text for file in self.files)
        self.text.setPlainText("\n".join(texts))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.banner.show_good("The entry was copied.")


#: Follows each way to install an entry.
_LOGIN = (
    "The password of a server must be in the keyring, in a secret, or in ~/.pgpass (PostgreSQL) or "
    "~/.my.cnf (MariaDB)."
)
_INSTALL = {
    ScheduleFormat.SYSTEMD: "Save both files to ~/.config/systemd/user and run “systemctl --user "
    f"daemon-reload” and “systemctl --user enable --now” with the name of the timer. {_LOGIN}",
    ScheduleFormat.CRON: f"Add the line with “crontab -e”. {_LOGIN}",
    ScheduleFormat.TASK_SCHEDULER: "Save the file and import it with “schtasks /Create /XML FILE "
    f"/TN NAME”. {_LOGIN}",
}
