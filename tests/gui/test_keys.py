"""Keys of the window: in text fields, where they do nothing, and on a locked profile."""

from helpers.frame import workspace_of
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from core.model.connection import ProfileColour
from gui.dialogs.confirm import Confirm
from gui.main_window.commands import NOT_CONNECTED
from gui.main_window.palette import Palette


def test_keys_of_the_window_work_in_text_fields(window, qtbot):
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.keyClick(field, "u", Qt.KeyboardModifier.ControlModifier)
    assert window.hint.text == NOT_CONNECTED
    qtbot.keyClick(field, "k", Qt.KeyboardModifier.ControlModifier)
    window.findChild(Palette).close()
    window.activateWindow()
    qtbot.keyClicks(field, "typed")
    qtbot.keyClick(field, "z", Qt.KeyboardModifier.ControlModifier)
    assert field.text() == "", "a field undoes by itself"


def test_a_key_that_does_nothing_here_says_where_it_applies(window, qtbot):
    window.show_tab("links").setFocus()
    qtbot.keyClick(window.current_tab, "d", Qt.KeyboardModifier.ControlModifier)
    assert window.hint.text == "Ctrl+D works in: Browser (Download…)."
    qtbot.keyClick(window.current_tab, "d")
    window.show_tab("browser")
    assert window.hint.text == ""


def test_a_locked_profile_says_how_to_unlock(window, context, qtbot):
    context.set_workspace(workspace_of("production", ProfileColour.RED))
    qtbot.keyClick(window, "u", Qt.KeyboardModifier.ControlModifier)
    assert window.hint.text == context.locked_reason
    window.hint._buttons[1].click()
    question = window.findChild(Confirm)
    assert question.windowTitle() == "Allow changes on production?"
    question.reject()
