"""Objects by mouse and clipboard: drags inside the Browser, out of it and into it; cut and paste."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.browser import DAY, active, in_other_thread, settled
from helpers.browser_drags import CTRL, SHIFT, Over, dialog_of, pulled
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import (
    QDragLeaveEvent,
    QDragMoveEvent,
    QGuiApplication,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from core.objects.listing import list_pages
from gui import shortcuts
from gui.tabs.browser import dragging, dropping, local_copies
from gui.tabs.browser.object_selection import files_data

WAIT = 30_000


def keys(bucket):
    return in_other_thread(lambda: [key for page in list_pages(bucket, "") for key in page.keys])


def until(qtbot, tab, text):
    qtbot.waitUntil(lambda: text in tab.banner.text, timeout=WAIT)
    settled(qtbot, tab)


def chosen(tab, qtbot, *selected):
    active(tab, qtbot)
    tab.folder.select_all_of(selected)
    tab.folder.table.setFocus()


def row_of(tab, key):
    """Return the position of a row of the list in its viewport."""
    return tab.folder.table.visualRect(tab.folder.model.index_of(key)).center()


@pytest.fixture
def dragged(tab, qtbot, monkeypatch):
    """Return a function that drags selected rows and calls another one during the drag."""

    def drag(*selected, during, at=None, modifiers=Qt.KeyboardModifier.NoModifier):
        chosen(tab, qtbot, *selected)
        results = []

        def run(drag):
            results.append(during(Over(drag.mimeData(), modifiers & CTRL or SHIFT)))

        monkeypatch.setattr(dragging, "run_drag", run)
        viewport, start = tab.folder.table.viewport(), row_of(tab, at or selected[0])
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, modifiers, start)
        for step in (4, 30):
            pulled(viewport, start + QPoint(step, 0), modifiers)
        QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, modifiers, start + QPoint(30, 0))
        return results

    return drag


@pytest.fixture
def reasons(monkeypatch):
    """The reasons that are shown in the window."""
    found = []
    for module in (dropping, shortcuts):
        monkeypatch.setattr(module, "explain", lambda _widget, why: found.append(why))
    return found


def test_rows_dropped_on_a_folder_of_the_list_are_moved_after_the_plan_was_shown(
    tab, qtbot, bucket, dragged
):
    viewport = tab.folder.table.viewport()
    assert dragged("note.txt", during=lambda over: over.drop(viewport, row_of(tab, "logs/"))) == [
        True
    ]
    dialog = dialog_of(tab, qtbot)
    assert dialog.windowTitle() == "Move objects"
    assert dialog.plan.targets == ("logs/note.txt",)
    assert "note.txt" in keys(bucket), "nothing is moved before the plan is confirmed"
    dialog.go.click()
    until(qtbot, tab, "1 of 1 object moved")
    assert "logs/note.txt" in keys(bucket)
    assert "note.txt" not in keys(bucket)


def test_with_ctrl_a_drop_on_the_tree_copies(tab, qtbot, bucket, dragged):
    tree = tab.tree_panel.view
    at = tree.visualRect(tab.tree_panel.model.index_of("logs/")).center()
    dragged("note.txt", "odd/", modifiers=CTRL, during=lambda over: over.drop(tree.viewport(), at))
    dialog = dialog_of(tab, qtbot)
    assert dialog.windowTitle() == "Copy objects"
    assert dialog.target.folder == "logs/"
    assert {*dialog.plan.targets} == {"logs/note.txt", "logs/odd//x"}
    dialog.reject()


def test_breadcrumbs_and_folder_tabs_are_targets(tab, qtbot, dragged):
    tab.go_to("logs/")
    settled(qtbot, tab)
    tab.open_folders.open_another()
    tab.go_to(DAY)
    settled(qtbot, tab)
    key, path, bar = f"{DAY}2024-01-15T00:00:00Z.json", tab.folder.path, tab.contents.strip.bar
    month = DAY.removesuffix("15/")
    (crumb,) = (
        each
        for each in path.findChildren(QPushButton)
        if each.isVisible() and each.accessibleName() == f"Go to {month}"
    )
    places = (
        (path, path.root.mapTo(path, path.root.rect().center()), ""),
        (path, crumb.mapTo(path, crumb.rect().center()), month),
        (bar, bar.tabRect(0).center(), "logs/"),
    )
    for view, at, folder in places:
        assert dragged(key, during=lambda over, view=view, at=at: over.drop(view, at)) == [True]
        dialog = dialog_of(tab, qtbot)
        assert dialog.target.folder == folder
        dialog.reject()
        tab.tools.copying.dialog = None


def test_the_same_folder_and_a_folder_itself_are_refused_with_the_reason(
    tab, qtbot, dragged, reasons
):
    viewport, empty = tab.folder.table.viewport(), QPoint(30, tab.folder.table.height() - 60)
    assert dragged("note.txt", during=lambda over: over.drop(viewport, empty)) == [False]
    assert reasons[-1] == "They are already in this folder."
    assert dragged("logs/", during=lambda over: over.drop(viewport, row_of(tab, "logs/"))) == [
        False
    ]
    assert reasons[-1] == "A folder cannot be put into itself."
    assert tab.tools.copying.dialog is None


def test_a_refusal_is_withdrawn_above_a_valid_target(tab, dragged, reasons, monkeypatch):
    withdrawn = []
    monkeypatch.setattr(dropping, "withdraw", lambda _widget, why: withdrawn.append(why))
    viewport, empty = tab.folder.table.viewport(), QPoint(30, tab.folder.table.height() - 60)

    def move(over):
        refused, before = over.move(viewport, empty), list(withdrawn)
        return refused, before, over.move(viewport, row_of(tab, "logs/"))

    assert dragged("note.txt", during=move) == [(False, [], True)]
    assert reasons == ["They are already in this folder."]
    assert withdrawn == reasons


def test_a_locked_profile_refuses_drops(tab, qtbot, context, dragged, reasons):
    context.lock()
    over = dragged(
        "note.txt",
        during=lambda over: over.drop(tab.folder.table.viewport(), row_of(tab, "logs/")),
    )
    assert over == [False]
    assert "read-only" in reasons[-1]


def test_the_target_is_marked_and_a_folder_of_the_tree_opens_below_a_drag(tab, qtbot, dragged):
    tree = tab.tree_panel.view
    index = tab.tree_panel.model.index_of("market-data/")
    at = tree.visualRect(index).center()

    def during(over):
        over.move(tree.viewport(), at)
        mark = tree.viewport().findChild(QWidget, "drop mark")
        shown = mark.isVisible() and mark.geometry().contains(at)
        qtbot.waitUntil(lambda: tree.isExpanded(index), timeout=WAIT)
        QApplication.sendEvent(tree.viewport(), QDragLeaveEvent())
        return shown, mark.isVisible()

    assert dragged("note.txt", during=during) == [(True, False)]


def test_pulling_selects_rows_elsewhere_and_ctrl_still_deselects(tab, qtbot, dragged):
    chosen(tab, qtbot, "note.txt", "odd/")
    viewport, at = tab.folder.table.viewport(), row_of(tab, "note.txt")
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, CTRL, at)
    assert [entry.key for entry in tab.folder.selected] == ["odd/"]
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, CTRL, at)
    assert [entry.key for entry in tab.folder.selected] == ["odd/", "note.txt"]
    assert dragged("odd/", at="note.txt", during=lambda over: over.data.text()) != []


def test_files_of_the_desktop_are_planned_for_the_folder_below_the_pointer(tab, qtbot, context):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/a")])
    viewport = tab.folder.table.viewport()
    for at, folder in ((row_of(tab, "logs/"), "logs/"), (row_of(tab, "note.txt"), "")):
        with qtbot.waitSignal(context.navigate) as gone:
            assert Over(data).drop(viewport, at)
        assert gone.args == ["uploads", (folder, ("/tmp/a",))]
    text = QMimeData()
    text.setText("note.txt")
    assert not Over(text).drop(viewport, row_of(tab, "logs/"))


# The clipboard


def press(tab, qtbot, key, modifier, *selected):
    chosen(tab, qtbot, *selected)
    qtbot.keyClick(tab.folder.table, key, modifier)


def test_cut_objects_are_moved_by_a_paste_in_another_folder(tab, qtbot, bucket, reasons):
    press(tab, qtbot, Qt.Key.Key_X, CTRL, "note.txt")
    assert QGuiApplication.clipboard().text() == "note.txt"
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_V, CTRL)
    assert reasons[-1] == "They are already in this folder."
    tab.go_to("logs/")
    settled(qtbot, tab)
    press(tab, qtbot, Qt.Key.Key_V, CTRL)
    dialog = dialog_of(tab, qtbot)
    assert (dialog.windowTitle(), dialog.target.folder) == ("Move objects", "logs/")
    dialog.go.click()
    until(qtbot, tab, "1 of 1 object moved")
    assert "logs/note.txt" in keys(bucket)
    assert "no objects" in tab.object_actions.reason("paste")


def test_copied_objects_are_copied_by_a_paste_unless_something_else_was_copied(tab, qtbot):
    press(tab, qtbot, Qt.Key.Key_C, CTRL, "note.txt", "odd/")
    tab.go_to("logs/")
    settled(qtbot, tab)
    press(tab, qtbot, Qt.Key.Key_V, CTRL)
    dialog = dialog_of(tab, qtbot)
    assert dialog.windowTitle() == "Copy objects"
    assert {*dialog.plan.targets} == {"logs/note.txt", "logs/odd//x"}
    dialog.reject()
    QGuiApplication.clipboard().setText("other")
    assert "no objects" in tab.object_actions.reason("paste")


def test_the_keys_of_all_rows_are_copied_as_text(tab, qtbot):
    active(tab, qtbot)
    tab.folder.table.selectAll()
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_C, CTRL)
    model = tab.folder.model
    rows = [model.key(row) for row in range(model.rowCount())]
    assert QGuiApplication.clipboard().text().split("\n") == rows
    assert [entry.key for entry in tab.folder.selected] == rows


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_dropped_names_that_are_not_utf_8_stay_unchanged(tab, qtbot, context):
    data, viewport = QMimeData(), tab.folder.table.viewport()
    data.setData("text/uri-list", b"file:///tmp/%FF.txt")
    with qtbot.waitSignal(context.navigate) as gone:
        assert Over(data).drop(viewport, row_of(tab, "logs/"))
    assert gone.args == ["uploads", ("logs/", (os.fsdecode(b"/tmp/\xff.txt"),))]


def test_the_files_of_a_drag_are_read_once_for_all_its_moves(tab):
    class Data(QMimeData):
        """Data of another program that counts how often its files are read."""

        read = 0

        def urls(self):
            Data.read += 1
            return super().urls()

    data, viewport = Data(), tab.folder.table.viewport()
    data.setUrls([QUrl.fromLocalFile("/data/a.csv")])
    assert Over(data).move(viewport, row_of(tab, "logs/"))
    for _ in range(20):
        moved = QDragMoveEvent(
            row_of(tab, "note.txt"), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(viewport, moved)
        assert moved.isAccepted()
    assert Data.read == 1


def test_files_of_the_clipboard_are_planned_as_an_upload(tab, qtbot, context):
    QGuiApplication.clipboard().setMimeData(files_data([Path("/tmp/a")]))
    with qtbot.waitSignal(context.navigate) as gone:
        press(tab, qtbot, Qt.Key.Key_V, CTRL)
    assert gone.args == ["uploads", ("", ("/tmp/a",))]


# Files for other programs


def leave_window(tab):
    """Move a drag out of the window."""
    QApplication.sendEvent(tab.window().windowHandle(), QDragLeaveEvent())


def test_objects_dragged_out_of_the_window_exist_as_files_when_they_are_dropped(
    tab, qtbot, bucket, dragged
):
    def during(over):
        assert over.data.hasUrls(), "programs decide by the formats, before any file exists"
        assert over.data.urls() == []
        leave_window(tab)
        until(qtbot, tab, "2 items downloaded, which can be dropped now.")
        urls = over.data.urls()
        listed = bytes(over.data.data("text/uri-list").data()).decode()
        assert listed == "".join(
            f"{url.toString(QUrl.ComponentFormattingOption.FullyEncoded)}\r\n" for url in urls
        )
        return [Path(url.toLocalFile()) for url in urls]

    (paths,) = dragged("note.txt", "logs/", during=during)
    assert {path.name for path in paths} == {"note.txt", "logs"}
    found = {path.name: path for path in paths}
    assert found["note.txt"].read_bytes() == b"hello"
    assert (found["logs"] / "app.log").read_bytes() == b"INFO one\nERROR two\n"
    if os.name == "posix":
        assert found["note.txt"].parent.stat().st_mode & 0o077 == 0
    # A second drag finds the files at once; one after a change downloads them again.
    assert dragged("note.txt", "logs/", during=lambda over: len(over.data.urls())) == [2]
    tab.handling.copies.forget()
    assert dragged("note.txt", "logs/", during=lambda over: len(over.data.urls())) == [0]


def test_files_that_are_not_complete_are_never_offered_under_their_name(tab, qtbot, dragged):
    offered = []

    def during(over):
        leave_window(tab)
        settled(qtbot, tab)
        offered.extend(Path(url.toLocalFile()) for url in over.data.urls())

    dragged("note.txt", during=during)
    until(qtbot, tab, "1 item downloaded")
    assert [path.name for path in offered] == ["note.txt"]
    assert [each.name for each in offered[0].parent.iterdir()] == ["note.txt"]


def test_what_is_too_large_for_a_drag_is_offered_as_a_download(tab, qtbot, dragged, monkeypatch):
    monkeypatch.setattr(local_copies, "MOST_BYTES", 4)

    def during(over):
        leave_window(tab)
        return over.data.hasUrls(), over.data.text()

    ((urls, text),) = dragged("note.txt", during=during)
    assert (urls, text) == (False, f"s3://{tab.bucket.name}/note.txt")
    assert "too many for another program" in tab.banner.text


def test_a_copy_as_files_puts_files_on_the_clipboard(tab, qtbot):
    press(tab, qtbot, Qt.Key.Key_D, CTRL | SHIFT, "note.txt")
    until(qtbot, tab, "1 item copied.")
    data = QGuiApplication.clipboard().mimeData()
    (path,) = (Path(url.toLocalFile()) for url in data.urls())
    assert path.read_bytes() == b"hello"
    gnome = bytes(data.data("x-special/gnome-copied-files").data()).decode()
    assert gnome == f"copy\n{path.as_uri()}"


def test_real_mouse_events_drag_a_row_out_of_the_window_and_onto_a_folder():
    """By default the drag moves, and with Ctrl it copies."""
    tests = Path(__file__).parents[2]
    places = os.pathsep.join((str(tests.parent), str(tests)))
    ended = subprocess.run(
        [sys.executable, "-m", "helpers.real_drag"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": places, "QT_QPA_PLATFORM": "minimal"}, check=True,
    )  # fmt: skip
    found = json.loads(ended.stdout)
    assert found == {"dropped": [[["a/x"], "to/", True], [["a/x"], "to/", False]], "left": 2}
