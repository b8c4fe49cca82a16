"""The bar at the top of the Backups tab: findings, and the ways to schedules, retention and the kit."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from core.backup.timetable import next_time
from core.units import format_counted, format_moment, utc_now
from gui import clock, theme
from gui.context.backup_watch import BackupWatch
from gui.widgets.buttons import link_button
from gui.widgets.labels import Elided, Text, tooltip

#: A shape for each tone, since colour is never the only indication.
_MARKS = {"good": "✓", "warning": "▲", "muted": "○"}


class RoutineBar(QFrame):
    """Shows the findings about the backups of the bucket, and the next scheduled backup.

    Signals:
        findings_wanted, schedules_wanted, retention_wanted: the user wants to see these.
        kit_wanted: the user wants to save the recovery kit.
    """

    findings_wanted = Signal()
    schedules_wanted = Signal()
    retention_wanted = Signal()
    kit_wanted = Signal()

    def __init__(self, watch: BackupWatch) -> None:
        super().__init__()
        self._watch = watch
        self.setProperty("surface", "bar")
        self.setFixedHeight(theme.SECTION)
        self.mark = Text("", "muted")
        self.text = Elided("", mode=Qt.TextElideMode.ElideRight)
        self.findings = link_button("Findings…", self.findings_wanted.emit)
        self.schedules = link_button("Schedules…", self.schedules_wanted.emit)
        self.retention = link_button("Retention…", self.retention_wanted.emit)
        self.kit = link_button("Recovery kit…", self.kit_wanted.emit)
        self.kit.set_hint("Saves a script that restores backups on a machine without Strongroom.")
        self.schedules.set_hint("Scheduled backups, with their last and next runs.")
        self.retention.set_hint("Removes old backups by a rule, after a preview.")
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 1, 12, 0)
        box.setSpacing(8)
        box.addWidget(self.mark)
        box.addWidget(self.text, 1)
        for button in (self.findings, self.schedules, self.retention, self.kit):
            box.addWidget(button)
        watch.changed.connect(self.refresh)
        clock.current().zone_changed.connect(self.refresh)
        self.refresh()

    def allow_retention(self, why_not: str) -> None:
        """Enable the retention, or show why it is not possible."""
        self.retention.allow(not why_not, why_not)

    def refresh(self) -> None:
        """Show the present findings."""
        health = self._watch.health
        number = 0 if health is None else len(health.findings)
        tone = "muted" if health is None else "warning" if number else "good"
        self.mark.setText(_MARKS[tone])
        self.mark.set_tone(tone)
        self.text.set_tone("plain" if number else "muted")
        self.text.setText(self._sentence())
        if health is not None:
            hint = f"{self.text.text()}\nExamined on {format_moment(health.examined)}."
            self.text.setToolTip(tooltip(hint))
        self.findings.allow(bool(number), "There are no findings.")
        self.findings.set_hint("What is missing, overdue, failed, damaged or of an abnormal size.")

    def _sentence(self) -> str:
        health = self._watch.health
        if health is None and self._watch.problem:
            return f"The backups could not be examined: {self._watch.problem}."
        if health is None:
            return "The backups were not examined yet."
        if health.findings:
            found = format_counted(len(health.findings), "finding")
            return f"{found}: {health.findings[0].text}"
        checked = format_counted(health.backups, "backup")
        times = [
            next_time(each, utc_now())
            for each in (self._watch.schedules or {}).values()
            if not each.paused
        ]
        if not times:
            return f"No findings about {checked}. No backup is scheduled."
        following = format_moment(min(times))
        return f"No findings about {checked}. The next scheduled backup is on {following}."
