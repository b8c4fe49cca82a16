"""Folders of the tree by mouse and keyboard: dragged without being opened, copied, moved, renamed."""

from pathlib import Path

import pytest
from helpers.browser import active, in_other_thread, settled
from helpers.browser_drags import CTRL, SHIFT, Over, dialog_of, pulled
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDragLeaveEvent, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QTableView, QWidget

from core.objects.listing import list_pages
from gui.actions import action
from gui.shortcuts import Binding
from gui.tabs.browser import dragging
from gui.tabs.browser.actions import LIST_ACTIONS, Actions, Subject
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.tree_panel import TreePanel

WAIT = 30_000
LEFT = Qt.MouseButton.LeftButton


def keys(bucket):
    return in_other_thread(lambda: [key for page in list_pages(bucket, "") for key in page.keys])


def until(qtbot, tab, text):
    qtbot.waitUntil(lambda: text in tab.banner.text, timeout=WAIT)
    settled(qtbot, tab)


def row_of(tab, prefix):
    """Return the position of a folder of the tree in its viewport."""
    tree = tab.tree_panel.view
    return tree.visualRect(tab.tree_panel.model.index_of(prefix)).center()


def opened(tab, qtbot, prefix):
    """Open a folder, and focus the tree with this folder selected."""
    tab.go_to(prefix)
    settled(qtbot, tab)
    active(tab, qtbot)
    tab.tree_panel.view.setFocus()


@pytest.fixture
def dragged(tab, qtbot, monkeypatch):
    """Return a function that drags a folder of the tree and calls another one during the drag."""

    def drag(prefix, during, modifiers=Qt.KeyboardModifier.NoModifier):
        active(tab, qtbot)
        results = []

        def run(drag):
            results.append(during(Over(drag.mimeData(), modifiers & CTRL or SHIFT)))

        monkeypatch.setattr(dragging, "run_drag", run)
        viewport, start = tab.tree_panel.view.viewport(), row_of(tab, prefix)
        QTest.mousePress(viewport, LEFT, modifiers, start)
        for step in (4, 30):
            pulled(viewport, start + QPoint(step, 0), modifiers)
        QTest.mouseRelease(viewport, LEFT, modifiers, start + QPoint(30, 0))
        return results

    return drag


def test_a_folder_of_the_tree_is_moved_after_the_plan_was_shown_and_ctrl_z_brings_it_back(
    tab, qtbot, bucket, dragged
):
    tree, shown = tab.tree_panel.view.viewport(), tab.prefix
    assert dragged("logs/", lambda over: over.drop(tree, row_of(tab, "odd/"))) == [True]
    dialog = dialog_of(tab, qtbot)
    assert (dialog.windowTitle(), dialog.plan.targets) == ("Move objects", ("odd/logs/app.log",))
    assert tab.prefix == shown, "a drag does not open the folder"
    assert "logs/app.log" in keys(bucket)
    dialog.go.click()
    until(qtbot, tab, "1 of 1 object moved")
    assert "odd/logs/app.log" in keys(bucket)
    assert "logs/app.log" not in keys(bucket)
    active(tab, qtbot)
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_Z, CTRL)
    until(qtbot, tab, "1 object moved back.")
    assert "logs/app.log" in keys(bucket)


def test_with_ctrl_it_is_copied_and_a_place_inside_itself_is_refused(tab, qtbot, dragged):
    table, model = tab.folder.table, tab.folder.model
    at = table.visualRect(model.index_of("odd/")).center()
    assert dragged("logs/", lambda over: over.drop(table.viewport(), at), CTRL) == [True]
    assert dialog_of(tab, qtbot).windowTitle() == "Copy objects"
    tab.tools.copying.dialog.reject()
    tree = tab.tree_panel.view.viewport()
    assert dragged("logs/", lambda over: over.drop(tree, row_of(tab, "logs/"))) == [False]


def test_a_folder_of_the_tree_is_dropped_on_the_desktop_as_files(tab, qtbot, dragged):
    def during(over):
        assert over.data.text() == f"s3://{tab.bucket.name}/logs/"
        QApplication.sendEvent(tab.window().windowHandle(), QDragLeaveEvent())
        until(qtbot, tab, "1 item downloaded, which can be dropped now.")
        return [Path(url.toLocalFile()) for url in over.data.urls()]

    ((folder,),) = dragged("logs/", during)
    assert (folder / "app.log").read_bytes() == b"INFO one\nERROR two\n"


def test_a_click_still_opens_and_a_double_click_expands(tab, qtbot):
    tree, model = tab.tree_panel.view, tab.tree_panel.model
    QTest.mouseClick(tree.viewport(), LEFT, pos=row_of(tab, "logs/"))
    settled(qtbot, tab)
    assert tab.prefix == "logs/"
    at = row_of(tab, "market-data/")
    QTest.mouseClick(tree.viewport(), LEFT, pos=at)
    qtbot.mouseDClick(tree.viewport(), LEFT, pos=at)
    settled(qtbot, tab)
    assert tree.isExpanded(model.index_of("market-data/"))
    branch = QPoint(tree.visualRect(model.index_of("market-data/")).left() - 6, at.y())
    QTest.mouseClick(tree.viewport(), LEFT, pos=branch)
    assert not tree.isExpanded(model.index_of("market-data/"))


def test_the_keyboard_copies_cuts_and_pastes_the_folder_of_the_tree(tab, qtbot, bucket):
    opened(tab, qtbot, "logs/")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_X, CTRL)
    assert QGuiApplication.clipboard().text() == "logs/"
    opened(tab, qtbot, "odd/")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_V, CTRL)
    dialog = dialog_of(tab, qtbot)
    assert (dialog.windowTitle(), dialog.plan.targets) == ("Move objects", ("odd/logs/app.log",))
    dialog.reject()
    opened(tab, qtbot, "logs/")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_D, CTRL | SHIFT)
    until(qtbot, tab, "1 item copied.")
    (path,) = (Path(url.toLocalFile()) for url in QGuiApplication.clipboard().mimeData().urls())
    assert (path / "app.log").read_bytes() == b"INFO one\nERROR two\n"


def test_a_renamed_folder_stays_open_under_its_new_name(tab, qtbot, bucket):
    opened(tab, qtbot, "logs/")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_F2)
    dialog = tab.tools.copying.name_dialog
    assert dialog.field.text() == "logs"
    dialog.field.setText("reports")
    dialog.go.click()
    until(qtbot, tab, "1 of 1 object moved")
    assert tab.prefix == "reports/"
    assert [key for key in keys(bucket) if key.endswith(".log")] == ["reports/app.log"]
    qtbot.waitUntil(lambda: tab.tree_panel.view.currentIndex().data() == "reports", timeout=WAIT)


#: The actions with keys of the Browser and of its lists; the keys of the window act on no
#: selection.
KEYED = [
    each
    for each in LIST_ACTIONS
    if each is not None and action(each.action).keys and action(each.action).where != "window"
]


@pytest.fixture
def two_views(qtbot, themed):
    """Return a tree on a folder beside a list with another selection, and what the actions got."""
    owner, table, panel, received = QWidget(), QTableView(), TreePanel(), []
    box = QHBoxLayout(owner)
    box.addWidget(panel)
    box.addWidget(table)
    qtbot.addWidget(owner)

    def slot(name):
        return lambda subject: received.append((name, subject))

    of_list = Subject([Entry("other/", None)], "", "")
    made = Actions(
        owner, table, panel.view, {each.name: slot(each.name) for each in LIST_ACTIONS if each},
        {}, lambda: of_list,
    )  # fmt: skip
    made.allow(of_list.entries, locked="", connected=True)
    panel.model.add_page("", ["data/"], 0, None, first=True)
    panel.model.add_page("data/", ["data/logs/"], 0, None, first=True)
    panel.select_folder("data/logs/")
    with qtbot.waitActive(owner):
        owner.show()
        owner.activateWindow()
    owner.panel, owner.table, owner.of_list, owner.received = panel, table, of_list, received
    return owner


@pytest.mark.parametrize("item", KEYED, ids=lambda each: each.name)
def test_every_key_acts_on_the_folder_of_the_tree_while_it_has_the_focus(item, two_views, qtbot):
    folder = Subject([Entry("data/logs/", None)], "data/", "data/logs/", of_tree=True)
    for view, subject in ((two_views.panel.view, folder), (two_views.table, two_views.of_list)):
        if action(item.action).own:  # the tree opens and closes its branches itself
            continue
        for keys in action(item.action).keys:
            view.setFocus()
            two_views.received.clear()
            qtbot.keySequence(view, QKeySequence(keys))
            of_objects = item.needs in {"object", "objects"}
            assert two_views.received == ([] if of_objects else [(item.name, subject)]), keys


def test_delete_moves_the_folder_of_the_tree_to_the_trash_and_ctrl_z_brings_it_back(
    tab, qtbot, bucket
):
    opened(tab, qtbot, "logs/")
    tab.folder.select("logs/app.log")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_Delete)
    until(qtbot, tab, "The folder logs with 1 object moved to the trash")
    assert "logs/app.log" not in keys(bucket)
    assert tab.prefix == "", "the folder above is shown"
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_Z, CTRL)
    until(qtbot, tab, "app.log restored.")
    assert "logs/app.log" in keys(bucket)


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_without_versions_the_name_of_the_folder_of_the_tree_is_typed_first(tab, qtbot, bucket):
    opened(tab, qtbot, "logs/")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=WAIT)
    question = tab.removal.question
    assert question.windowTitle() == "Delete the folder logs with 1 object permanently?"
    assert not question.go.isEnabled()
    question.reject()
    assert "logs/app.log" in keys(bucket)


def test_the_folder_of_the_tree_is_downloaded_with_its_name(tab, qtbot, tmp_path):
    opened(tab, qtbot, "logs/")
    tab.folder.select("logs/app.log")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_D, CTRL)
    qtbot.waitUntil(lambda: tab.downloads.dialog is not None, timeout=WAIT)
    assert tab.downloads.dialog.windowTitle() == "Download into"
    tab.downloads.dialog.fileSelected.emit(str(tmp_path))
    tab.downloads.dialog.close()
    until(qtbot, tab, "1 of 1 object downloaded")
    assert (tmp_path / "logs" / "app.log").read_bytes() == b"INFO one\nERROR two\n"


def test_alt_return_plans_a_change_of_all_objects_of_the_folder_of_the_tree(tab, qtbot):
    opened(tab, qtbot, "market-data/")
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_Return, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: tab.tools.edits.dialog is not None, timeout=WAIT)
    dialog = tab.tools.edits.dialog
    qtbot.waitUntil(lambda: dialog.state.text().startswith("3 objects, "), timeout=WAIT)
    dialog.reject()


def test_without_a_folder_of_the_tree_nothing_happens_to_the_selection_of_the_list(
    tab, qtbot, bucket
):
    active(tab, qtbot)
    tab.folder.select("note.txt")
    tab.tree_panel.view.setFocus()
    tab.tree_panel.select_folder("")
    assert tab.object_actions.reason("delete", in_tree=None) == "Select a folder of the tree first."
    qtbot.keyClick(tab.tree_panel.view, Qt.Key.Key_Delete)
    settled(qtbot, tab)
    assert "note.txt" in keys(bucket)


def test_the_menu_of_the_tree_states_why_something_is_not_possible(tab, qtbot, context):
    opened(tab, qtbot, "logs/")
    context.lock()
    menu = tab.object_actions.open_menu_of_tree(QPoint(10, 10))
    entries = {entry.text(): entry for entry in menu.actions() if not entry.isSeparator()}
    assert len(entries) == sum(each is not None and each.in_tree for each in LIST_ACTIONS)
    disabled = {text for text, entry in entries.items() if not entry.isEnabled()}
    assert disabled == {
        "Upload…", "Cut", "Paste into this folder…", "Move to…", "Rename…", "Delete",
        "Undo the last change",
    }  # fmt: skip
    assert "read-only" in entries["Cut"].toolTip()
    menu.close()
    tab.tree_panel.select_folder("")
    menu = tab.object_actions.open_menu_of_tree(QPoint(10, 10))
    enabled = {entry.text() for entry in menu.actions() if entry.isEnabled() and entry.text()}
    assert enabled == {"Query this folder…", "Up one folder", "Refresh", "Show the trash"}
    menu.close()


def test_the_search_lists_each_action_of_several_views_once(tab):
    tab.open_page("search")
    found = [each.action.id for each in tab.findChildren(Binding) if each.listed]
    objects = [each for each in found if each.startswith("objects.")]
    assert "objects.paste" in objects
    assert len(objects) == len({*objects})
