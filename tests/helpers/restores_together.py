"""Operates the dialogs of a restore of several tables."""

from gui.dialogs.confirm import Confirm
from gui.tabs.backups.together_dialog import TogetherDialog
from gui.tabs.backups.together_result import TogetherResult

WAIT = 15_000


def visible(qtbot, tab, kind):
    """Wait for a dialog of this kind, and return it."""
    qtbot.waitUntil(lambda: any(d.isVisible() for d in tab.findChildren(kind)), timeout=WAIT)
    return next(d for d in tab.findChildren(kind) if d.isVisible())


def compared(qtbot, tab):
    """Open the dialog, and return it after the comparison."""
    tab.tables.together.click()
    dialog = visible(qtbot, tab, TogetherDialog)
    qtbot.waitUntil(lambda: dialog.restore.isEnabled() and not tab.busy, timeout=WAIT)
    return dialog


def restored(qtbot, tab):
    """Return the dialog with the result, once nothing reads the database any more."""
    dialog = visible(qtbot, tab, TogetherResult)
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    return dialog


def answer(qtbot, tab, text):
    """Type the text into the question, and confirm it."""
    dialog = visible(qtbot, tab, Confirm)
    dialog.field.setText(text)
    dialog.go.click()
