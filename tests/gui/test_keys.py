"""Keys of the window act in the right places, explain themselves, and respect the lock."""

from helpers.frame import workspace_of
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QMenu

from core.model.connection import ProfileColour
from gui import shortcuts
from gui.dialogs.confirm import Confirm
from gui.main_window.commands import NOT_CONNECTED
from gui.main_window.palette import Palette
from gui.models.names import Name, NameList
from gui.tabs.credentials.profiles.profiles_pane import ProfilesPane


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


def test_an_explanation_is_withdrawn_only_while_it_is_shown(window):
    button = window.show_tab("links")
    shortcuts.explain(button, "They are already in this folder.")
    shortcuts.withdraw(button, "Another text.")
    assert window.hint.text == "They are already in this folder."
    shortcuts.withdraw(button, "They are already in this folder.")
    assert window.hint.text == ""


def test_keys_of_the_current_tab_work_while_the_tab_bar_has_the_focus(window, qtbot):
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    performed = []
    tab = window.show_tab("browser")
    shortcuts.bind("browser.collect", tab, lambda: performed.append("collect"))
    window.bar.setFocus()
    qtbot.keyClick(window.bar, "e", both)
    assert performed == ["collect"]
    assert window.hint.text == ""
    window.toggle_drawer()
    field = QLineEdit(window.drawer)
    field.show()
    field.setFocus()
    qtbot.keyClick(field, "e", both)
    assert "works in: Browser" in window.hint.text, "the drawer has its own actions"
    window.show_tab("links")
    window.bar.setFocus()
    qtbot.keyClick(window.bar, "e", both)
    assert performed == ["collect"]


def test_a_locked_profile_says_how_to_unlock(window, context, qtbot):
    context.set_workspace(workspace_of("production", ProfileColour.RED))
    qtbot.keyClick(window, "u", Qt.KeyboardModifier.ControlModifier)
    assert window.hint.text == context.locked_reason
    window.hint._buttons[1].click()
    question = window.findChild(Confirm)
    assert question.windowTitle() == "Allow changes on production?"
    question.reject()


def test_tabs_and_menus_name_their_keys(window, context, qtbot):
    assert "Ctrl+5" in window.bar.tabToolTip(4)
    assert "Ctrl+J" in window.status.button.toolTip()
    profiles = ProfilesPane()
    qtbot.addWidget(profiles)
    profiles.show_profiles((), "")
    profiles.list.customContextMenuRequested.emit(QPoint())
    (menu,) = profiles.findChildren(QMenu)
    entries = {entry.text(): entry for entry in menu.actions()}
    assert list(entries) == ["Use this profile", "Edit profile…", "Delete profile…"]
    assert entries["Delete profile…"].shortcut().toString() == "Del"
    for entry in entries.values():
        assert not entry.isEnabled()
        assert "Select" in entry.toolTip()
    menu.close()


def test_names_of_another_workspace_are_not_found(window, context, qtbot):
    old = NameList([Name("Key", "old-key", "old-key")])
    window.show_tab("browser").searchable = lambda: (old,)
    window.show_tab("links")
    for found in (["old-key"], []):
        window.search()
        palette = window.findChild(Palette)
        palette.field.setText("old-key")
        qtbot.waitUntil(lambda palette=palette: not palette.searching)
        model = palette.list.model()
        assert [model.index(row, 0).data() for row in range(model.rowCount())] == found
        palette.close()
        qtbot.waitUntil(lambda: window.findChild(Palette) is None)
        context.set_workspace(workspace_of())


def test_an_address_that_names_no_bucket_is_explained(window, qtbot):
    window.search()
    palette = window.findChild(Palette)
    palette.field.setText("https://example.com/x?X-Amz-Signature=0")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.hint.text.startswith("This text names no place in a bucket.")
    assert "s3:// URI" in window.hint.text
    assert "Signature" not in window.hint.text
