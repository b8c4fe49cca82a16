"""Every disabled control in a dialog explains why it is disabled."""

import re

import pytest
from conventions import source
from helpers.accessibility import close_dialogs, unexplained
from helpers.dialogs import MAKERS
from PySide6.QtWidgets import QFileDialog, QLineEdit, QSpinBox, QWidget
from shiboken6 import isValid

from gui.tabs.credentials.profiles.profiles_pane import ProfilesPane
from gui.widgets.buttons import Button, icon_button, plain_button
from gui.widgets.fields import allow_field
from gui.widgets.secret_form import SecretForm

#: What sets the state of something that is no control of a view.
NO_CONTROLS = {
    "gui/app/signals.py",  # a notifier of a socket
    "gui/main_window/menus.py",  # a note in a menu
    "gui/tabs/backups/opening.py",  # an entry of a menu, with its reason
    "gui/tabs/browser/actions.py",  # entries of a menu, with their reasons
    "gui/tabs/browser/bookmarks.py",  # an entry of a menu, which is the reason
    "gui/tabs/browser/search/saved.py",  # likewise
    "gui/tabs/statistics/tab.py",  # an entry of a menu
    "gui/tabs/uploads/plan_pane.py",  # entries of a menu
    "gui/views/chart_options.py",  # entries of a menu, with their reasons
    "gui/widgets/buttons.py",  # `Button.allow` itself, and entries of a menu
    "gui/widgets/fields.py",  # `allow_field` itself
    "gui/widgets/focus.py",  # for controls that give the reason themselves
}


@pytest.fixture
def parent(qtbot, themed):
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    return parent


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_what_a_dialog_disables_is_explained_also_while_it_works(
    name, parent, context, qtbot, monkeypatch
):
    monkeypatch.setattr(QFileDialog, "open", lambda _dialog: None)
    dialog = MAKERS[name](parent, context)
    dialog.show()
    silent = unexplained(dialog)
    for field in dialog.findChildren(QLineEdit):
        if field.isVisible() and field.isEnabled() and not field.text():
            field.setText("x")
    silent += unexplained(dialog)
    for button in dialog.findChildren(Button):
        if dialog.isVisible() and button.isVisible() and button.isEnabled():
            button.click()
            silent += unexplained(dialog)
    qtbot.waitUntil(lambda: not context.runner.busy)
    if isValid(dialog):  # what was pressed may have ended it
        silent += unexplained(dialog)
    close_dialogs()
    assert silent == []


def test_a_test_that_runs_and_a_locked_form_say_so(parent):
    pane, form = ProfilesPane(parent), SecretForm(parent)
    pane.set_connected(True)
    pane.begin_test()
    assert pane.test.reason == "The connection is being tested."
    pane.set_connected(False)
    pane.end_test(completed=True)
    assert pane.test.reason == "There is no connection."
    form.set_rows(())
    form.add.click()
    form.set_read_only(read_only=True, reason="The profile is locked.")
    (row,) = form.fields
    assert row.remove.reason == row.generate.reason == "The profile is locked."
    assert row.field.line.accessibleDescription() == "The profile is locked."


def test_the_check_finds_a_hint_that_is_no_reason(parent):
    silent, hint, output = plain_button("Save"), icon_button("add", "Add a row"), plain_button("Go")
    days = QSpinBox()
    for part in (silent, hint, output, days):
        part.setParent(parent)
        part.show()
        part.setEnabled(False)
    output.allow(allowed=False, reason="Type a name first.")
    assert len(unexplained(parent)) == 3
    allow_field(days, False, "Nothing is stored.")
    assert [each.split()[1] for each in unexplained(parent)] == ["'Save'", "'Add"]


def test_controls_are_disabled_with_a_reason_only():
    """Not by `setEnabled`, which knows none, and not by `allow` without one."""
    found = []
    for path in source.python_files("gui"):
        name = str(path.relative_to(source.ROOT))
        text = path.read_text(encoding="utf-8")
        if name not in NO_CONTROLS and re.search(r"\.set(Enabled|Disabled)\(", text):
            found.append(name)
        found += [f"{name}: {each}" for each in re.findall(r"\.allow\((?:allowed=)?False\)", text)]
    assert found == []
