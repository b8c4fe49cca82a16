"""The focus returns to a control that was disabled while its action ran, and from a closed message."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.widgets.banner import Banner
from gui.widgets.buttons import Button, plain_button
from gui.widgets.fields import allow_field, line_edit


@pytest.fixture
def form(themed, qtbot):
    form = QWidget()
    box = QVBoxLayout(form)
    form.field = line_edit("Name", "")
    form.run, form.entry, form.remove = (
        plain_button(text, lambda: None) for text in ("Run now", "Entry…", "Remove")
    )
    for part in (form.field, form.run, form.entry, form.remove):
        box.addWidget(part)
    qtbot.addWidget(form)
    form.show()
    return form


def _allow(*buttons, allowed):
    for button in buttons:
        button.allow(allowed, "" if allowed else "Wait for the end of the task.")


def test_a_pressed_button_has_the_focus_again_after_its_action(form):
    form.run.setFocus()
    _allow(form.run, allowed=False)
    assert form.focusWidget() is not form.run
    _allow(form.run, allowed=True)
    assert form.focusWidget() is form.run


def test_the_first_of_several_disabled_buttons_has_the_focus_again(form):
    form.run.setFocus()
    _allow(form.run, form.entry, form.remove, allowed=False)
    assert form.focusWidget() is form.field
    _allow(form.remove, form.entry, form.run, allowed=True)
    assert form.focusWidget() is form.run


def test_a_field_has_the_focus_again(form):
    form.field.setFocus()
    allow_field(form.field, allowed=False, reason="Wait for the end of the task.")
    allow_field(form.field, allowed=True, reason="")
    assert form.focusWidget() is form.field


def test_the_focus_stays_where_the_user_has_moved_it(form):
    form.run.setFocus()
    _allow(form.run, allowed=False)
    form.field.setFocus()
    _allow(form.run, allowed=True)
    assert form.focusWidget() is form.field


def test_the_focus_stays_in_a_field_into_which_the_user_types(form, qtbot):
    form.remove.setFocus()
    _allow(form.remove, allowed=False)
    assert form.focusWidget() is form.field
    qtbot.keyClick(form.field, Qt.Key.Key_A)
    _allow(form.remove, allowed=True)
    assert form.focusWidget() is form.field
    assert form.field.text() == "a"


def test_a_button_without_the_focus_does_not_get_it(form):
    form.field.setFocus()
    _allow(form.run, allowed=False)
    _allow(form.run, allowed=True)
    assert form.focusWidget() is form.field


def test_the_focus_returns_from_a_message_that_is_closed(form, qtbot):
    banner = Banner(form)
    form.entry.setFocus()
    with qtbot.waitActive(form):
        form.activateWindow()
    banner.show_good("The backup is complete.", action=("Add a note…", lambda: None))
    button = next(each for each in banner.findChildren(Button) if each.text() == "Add a note…")
    button.setFocus()
    assert form.focusWidget() is button
    banner.clear()
    assert form.focusWidget() is form.entry
    banner.show_good("The backup is complete.")
    form.remove.setFocus()
    banner.clear()
    assert form.focusWidget() is form.remove
