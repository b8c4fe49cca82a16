"""Dialogs for tables with long names fit on a small screen, and show the end of their texts."""

from types import SimpleNamespace

from PySide6.QtCore import QObject, Signal

from core.model.schedule import BackupFinding, BackupHealth, BackupProblem
from core.units import utc_now
from gui.tabs.backups.findings_dialog import FindingsDialog
from gui.tabs.backups.retention_dialog import RetentionDialog, RetentionScope

NAME = "a_very_long_table_name_" * 8


class _Watch(QObject):
    changed = Signal()

    def __init__(self, *findings):
        super().__init__()
        self.health = BackupHealth(findings, 1, utc_now())
        self.schedules = {}

    def schedule_of(self, _finding):
        return None


def test_a_finding_about_a_long_name_is_readable_to_its_end(qtbot):
    """The dialog was wider than the screen, so the reason at the end was cut off."""
    text = f"The backup of {NAME} failed. The endpoint cannot be reached."
    dialog = FindingsDialog(None, _Watch(BackupFinding(BackupProblem.FAILED, NAME, "/a.db", text)))
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.minimumSizeHint().width() <= 760
    qtbot.waitUntil(lambda: dialog.text.text().endswith("failed. The endpoint cannot be reached."))
    assert NAME not in dialog.text.text()
    assert NAME in dialog.text.toolTip()


def test_a_long_name_does_not_widen_the_dialog_of_retention(qtbot):
    scope = RetentionScope(f"Backups of the table {NAME}", NAME)
    dialog = RetentionDialog(None, [scope], SimpleNamespace(get=lambda *_: {}, set=print), "")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.scope.sizeHint().width() <= 900
