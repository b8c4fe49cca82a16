"""The window creates tabs on first use, passes changes to them, and locks production profiles."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

from helpers.frame import workspace_of
from helpers.widget_tree import labels_with_html, unnamed
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QLabel

from core.aws.buckets import BucketBrief
from core.errors import LocalIOError, NotFound, Offline
from core.local.settings import Settings
from core.model.change import Change, ChangeKind
from core.model.connection import ProfileColour
from core.model.identity import Identity
from core.units import utc_now
from core.work import Progress
from core.workspace import Workspace
from gui.actions import Action
from gui.dialogs.confirm import Confirm
from gui.main_window.commands import Command, matching
from gui.main_window.connecting import Connector
from gui.main_window.palette import Palette
from gui.main_window.shortcut_list import ShortcutList
from gui.main_window.window import MainWindow


def test_tabs_are_made_when_they_are_first_seen_and_loaded_once(window, context):
    assert list(window.tabs) == ["browser"]
    workspace = workspace_of()
    context.set_workspace(workspace)
    assert window.tabs["browser"].calls == [("workspace", None), ("workspace", workspace)]
    window.show_tab("links")
    window.show_tab("browser")
    window.show_tab("links")
    assert window.tabs["links"].calls == [("workspace", workspace)]


def test_a_hidden_tab_hears_of_another_workspace_when_it_is_seen_again(window, context):
    context.set_workspace(workspace_of())
    window.show_tab("links")
    other = workspace_of("other")
    context.set_workspace(other)
    assert window.tabs["browser"].calls[-1][1] is not other
    window.show_tab("browser")
    assert window.tabs["browser"].calls[-1] == ("workspace", other)


def test_a_target_is_opened_after_the_load(window, context):
    context.go("statistics", "market-data/")
    assert window.tabs["statistics"].calls == [("workspace", None), ("target", "market-data/")]
    assert window.bar.currentIndex() == 4


def test_keys_reach_the_frame_and_the_tab(window, qtbot):
    qtbot.keyClick(window, "3", Qt.KeyboardModifier.ControlModifier)
    assert window.bar.currentIndex() == 2
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.keyClick(window, "f", Qt.KeyboardModifier.ControlModifier)
    assert window.current_tab.calls[-2:] == [("refresh",), ("filter",)]


def test_changes_reach_loaded_tabs_and_the_log(window, context, qtbot):
    window.show_tab("links")
    change = Change(ChangeKind.OBJECTS, "s3:PutObject", "s3://b/k", "Uploads", utc_now())
    window.drawer.pages.select("changes")
    page = window.drawer.changes_page
    qtbot.waitUntil(lambda: not context.runner.busy)
    context.announce(change)
    assert window.tabs["links"].calls[-1] == ("change", change)
    assert context.log.read()[0].change == change
    assert page._shown.rows()[0][2:4] == ("s3:PutObject", "s3://b/k")
    page.filter.setText("nothing like it")
    assert page._shown.rows() == []


def test_a_change_made_while_the_log_is_read_is_listed(window, context, qtbot, monkeypatch):
    was_read, answer = threading.Event(), threading.Event()
    read = context.log.read

    def slowly(**limits):
        found = read(**limits)
        was_read.set()
        answer.wait(30)
        return found

    monkeypatch.setattr(context.log, "read", slowly)
    window.drawer.pages.select("changes")
    assert was_read.wait(30)
    change = Change(ChangeKind.OBJECTS, "s3:PutObject", "s3://b/k", "Uploads", utc_now())
    context.announce(change)
    answer.set()
    qtbot.waitUntil(lambda: not context.runner.busy)
    rows = window.drawer.changes_page._shown.rows()
    assert [row[2:4] for row in rows] == [("s3:PutObject", "s3://b/k")]


def test_a_log_that_could_not_be_read_is_read_when_its_page_is_opened_again(
    window, context, qtbot, monkeypatch
):
    def fail():
        raise LocalIOError("state.db could not be read")

    context.log.append(
        Change(ChangeKind.OBJECTS, "s3:PutObject", "s3://b/k", "Uploads", utc_now()), profile="dev"
    )
    with monkeypatch.context() as patched:
        patched.setattr(context.log, "read", fail)
        window.drawer.pages.select("changes")
        qtbot.waitUntil(lambda: not context.runner.busy)
    assert window.drawer.banner.failed
    assert window.drawer.changes_page._shown.rows() == []
    window.drawer.pages.select("tasks")
    window.drawer.pages.select("changes")
    qtbot.waitUntil(lambda: not context.runner.busy)
    assert len(window.drawer.changes_page._shown.rows()) == 1


def test_production_opens_read_only_and_unlocks_for_a_time(window, context, qtbot):
    context.set_workspace(workspace_of("production", ProfileColour.RED))
    assert context.read_only
    assert window.header.chip.property("chip") == "danger"
    assert window.header.lock.isVisible()
    window.header.lock.click()
    question = window.findChild(Confirm)
    assert not question.go.isDefault()
    with qtbot.waitSignal(context.read_only_changed):
        question.go.click()
    assert not context.read_only
    assert context.unlocked_until - utc_now() > timedelta(minutes=14)
    assert window.header.lock.text() == "writing · 14 min left"
    context._unlocked_until = utc_now() + timedelta(seconds=42.5)
    window.header._show_lock()
    assert window.header.lock.text() == "writing · 42 s left"
    context._relock.setInterval(0)
    qtbot.waitUntil(lambda: context.read_only)
    assert window.header.lock.text() == "read-only"


def test_other_profiles_are_not_locked(window, context):
    context.set_workspace(workspace_of())
    assert not context.read_only
    assert not window.header.lock.isVisible()


def test_the_header_and_the_status_bar_tell_where_we_are(window, context):
    context.set_workspace(workspace_of())
    window.connector.bucket_described.emit(
        BucketBrief("eu-west-1", followed=True, versioning="Enabled")
    )
    ends = utc_now() + timedelta(minutes=42, seconds=30)
    context.set_identity(Identity("1", "arn:aws:iam::1:user/ann", "ann", ends))
    assert window.header.chip.text().strip() == "dev"
    assert window.header.region.text() == "eu-west-1"
    assert "requests use" in window.header.region.toolTip()
    assert window.header.versioned.text() == "versioned"
    assert window.status.who.text() == "ann"
    window.connector.bucket_described.emit(BucketBrief("eu-west-1", followed=False, versioning=""))
    assert window.header.versioned.property("pill") == "warning"


def test_a_failed_connection_is_reported_with_a_retry(window, context, qtbot, monkeypatch):
    tries = []
    monkeypatch.setattr(Workspace, "identity", lambda self, work=None: tries.append(1))

    def refuse(name):
        tries.append(name)
        raise Offline("The endpoint is out of reach", remedy="Check the network.")

    monkeypatch.setattr(context.connections, "connect", refuse)
    context.switch_profile("dev")
    qtbot.waitUntil(lambda: window.banner.text != "")
    assert window.banner.text == "The endpoint is out of reach"
    assert window.status.connection.state.text() == "not connected"
    assert window.status.connection.tone == "danger"
    window.banner._buttons[0].click()
    qtbot.waitUntil(lambda: tries == ["dev", "dev"])


def test_a_demo_server_that_cannot_start_is_reported_with_a_retry(
    window, context, qtbot, monkeypatch
):
    tries = []

    def refuse(**_options):
        tries.append(1)
        raise Offline("The demo server did not start", remedy="Try again.")

    monkeypatch.setattr("core.demo.DemoServer.start", refuse)
    context.switch_profile("demo")
    assert window.header.chip.text().strip() == "demo …"
    qtbot.waitUntil(lambda: window.banner.text == "The demo server did not start")
    assert window.header.chip.text().strip() == "no profile"
    assert window.banner._buttons[0].isVisible()
    window.banner._buttons[0].click()
    qtbot.waitUntil(lambda: len(tries) == 2)


def test_a_failed_switch_leaves_the_former_connection_in_force(window, context, qtbot, monkeypatch):
    context.set_workspace(workspace_of())
    context.set_identity(Identity("1", "arn:aws:iam::1:user/ann", "ann"))

    def refuse(_name):
        raise NotFound("There is no such profile")

    monkeypatch.setattr(context.connections, "connect", refuse)
    context.switch_profile("gone")
    assert window.header.chip.text().strip() == "gone …"
    qtbot.waitUntil(lambda: window.banner.text != "")
    assert window.header.chip.text().strip() == "dev"
    assert window.status.who.text() == "ann"
    assert window.windowTitle() == "dev · tentimecrypto — Strongroom"


def test_connecting_puts_the_profile_in_force(window, context, qtbot, monkeypatch):
    made = workspace_of()
    identity = Identity("1", "arn:aws:iam::1:user/ann", "ann")
    monkeypatch.setattr(context.connections, "connect", lambda _name: made.connection)
    monkeypatch.setattr(Workspace, "identity", lambda self, work=None: identity)
    monkeypatch.setattr(
        "core.aws.buckets.bucket_brief",
        lambda *_a, **_k: BucketBrief("us-east-1", followed=False, versioning="Enabled"),
    )
    context.switch_profile("dev")
    qtbot.waitUntil(lambda: context.identity is identity)
    qtbot.waitUntil(lambda: window.header.versioned.text() == "versioned")
    assert context.workspace.profile.name == "dev"
    window.connector.open_bucket("other-bucket")
    qtbot.waitUntil(lambda: not context.runner.busy)
    assert context.workspace.profile.bucket == "other-bucket"
    assert "other-bucket" in window.header.bucket.text()


def test_the_drawer_lists_tasks_which_can_be_retried(window, context, qtbot):
    def fail(_work):
        raise NotFound("It is not there")

    task = context.runner.run("Fetch", fail, owner=window)
    window.toggle_drawer()
    page = window.drawer.tasks_page
    qtbot.waitUntil(lambda: task.state == "failed")
    page.table.selectRow(0)
    assert page.retry.isEnabled()
    assert not page.cancel.isEnabled()
    page.retry.click()
    qtbot.waitUntil(lambda: len(context.runner.tasks) == 2 and not context.runner.busy)
    page.clear.click()
    assert context.runner.tasks == []


def test_the_status_bar_counts_running_work(window, context, qtbot):
    def upload(work):
        work.report(Progress(1_000_000, 2_000_000, "bytes", items_done=3, items_total=120))
        work.token.wait(5)

    task = context.runner.run("Upload", upload, owner=window)
    qtbot.waitUntil(lambda: "3 of 120" in window.status.doing.text())
    assert window.status.doing.text().startswith("1 task · ")
    task.cancel()
    qtbot.waitUntil(lambda: window.status.doing.text() == "ready")


def test_closing_with_bulk_work_asks_once(window, context, qtbot, monkeypatch):
    class Bulk:
        name = "Scan"

    monkeypatch.setattr(type(context.runner), "bulk_running", property(lambda _self: [Bulk()]))
    assert not window.close()
    question = window.findChild(Confirm)
    assert not question.go.isDefault()
    with qtbot.waitSignal(window.closing):
        question.go.click()
    assert not window.isVisible()


def test_the_question_disappears_when_the_work_ends(window, context, qtbot, monkeypatch):
    running = [SimpleNamespace(name="Restore big")]
    monkeypatch.setattr(type(context.runner), "bulk_running", property(lambda _self: running))
    assert not window.close()
    question = window.findChild(Confirm)
    for left in (True, False):
        running[:] = running if left else []
        with qtbot.waitSignal(context.runner.task_finished):
            context.runner.run("Read", lambda _work: None, owner=window)
        assert question.isVisible() == left
    assert window.isVisible()
    assert "has ended" in window.hint.text


def test_the_window_comes_back_as_it_was_left(window, context, qtbot, tmp_path):
    window.show_tab("backups")
    window.close()
    stored = Settings(tmp_path)
    assert stored.get("window/tab") == "backups"
    assert stored.get("window/geometry")
    again = MainWindow(context.settings).complete(context, Connector(context))
    qtbot.addWidget(again)
    assert again.bar.currentIndex() == 5


def test_letters_find_actions():
    titles = ("Go to Links", "Dark theme", "Quit")
    commands = [Command(Action(title, title), lambda: None) for title in titles]

    def found(text):
        return [command.title for _score, command in matching(commands, text)]

    assert found("") == list(titles)
    assert found("dt") == ["Dark theme"]
    assert found("lin")[0] == "Go to Links"
    assert found("zzz") == []


def test_the_palette_runs_an_action_and_goes_to_a_key(window, context, qtbot):
    context.set_workspace(workspace_of())
    qtbot.keyClick(window, "k", Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(Palette)
    qtbot.keyClicks(palette.field, "statis")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.bar.currentIndex() == 4
    qtbot.waitUntil(lambda: window.findChild(Palette) is None)
    window.search()
    palette = window.findChild(Palette)
    palette.field.setText("market-data/x.json")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    opened = ("target", "market-data/x.json")  # the names that no server sends are not waited for
    qtbot.waitUntil(lambda: "browser" in window.tabs and opened in window.tabs["browser"].calls)
    qtbot.waitUntil(lambda: window.findChild(Palette) is None)
    window.search()
    palette = window.findChild(Palette)
    qtbot.keyClicks(palette.field, "doctor")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.tabs["credentials"].calls[-1] == ("target", "doctor")


def test_every_control_has_a_name_and_no_label_reads_html(window, context, qtbot):
    context.set_workspace(workspace_of())
    window.toggle_drawer()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    assert window.findChild(ShortcutList) is not None
    window.search()
    assert unnamed(window) == []
    assert len(window.findChildren(QLabel)) > 30
    assert labels_with_html(window) == []
    for dialog in window.findChildren(QDialog):
        dialog.close()


def test_an_answer_about_a_workspace_that_was_left_is_dropped(window, context, qtbot):
    context.set_workspace(workspace_of())
    tab, seen = window.current_tab, []
    tab.run("slow", lambda work: time.monotonic(), seen.append)
    context.set_workspace(workspace_of("other"))
    qtbot.waitUntil(lambda: not context.runner.busy)
    assert seen == []
    with qtbot.waitSignal(tab.settled):
        tab.run("now", lambda work: 7, seen.append)
        assert tab.busy
    assert seen == [7]


def test_a_tab_does_not_repeat_what_the_frame_reports(window, context):
    context.set_workspace(workspace_of())
    tab = window.show_tab("browser")
    window._on_failed(Offline("The endpoint cannot be reached"))
    tab.show_error(Offline("The endpoint cannot be reached"))
    assert not tab.banner.isVisibleTo(tab)
    tab.show_error(Offline("Something else"))
    assert tab.banner.isVisibleTo(tab)
    tab.calls.clear()
    window._on_connected()
    assert tab.calls == [("refresh",)], "what failed is tried again once the connection is well"
    window._on_connected()
    assert tab.calls == [("refresh",)], "once"
    tab.show_error(Offline("The endpoint cannot be reached"))
    assert tab.banner.isVisibleTo(tab)


def test_a_failure_shows_in_the_tab_with_a_retry_where_it_makes_sense(window, qtbot):
    tab, tries = window.current_tab, []

    def fn(_work):
        tries.append(1)
        raise Offline("Out of reach")

    tab.run("try", fn)
    qtbot.waitUntil(lambda: tab.banner.text == "Out of reach")
    tab.banner._buttons[0].click()
    qtbot.waitUntil(lambda: len(tries) == 2)


def test_the_window_does_not_keep_the_program_busy_while_idle(window, qtbot):
    qtbot.waitUntil(lambda: not window.context.runner.busy)
    fast = [t for t in window.findChildren(QTimer) if t.isActive() and t.interval() < 1000]
    assert fast == []
    assert QApplication.topLevelWidgets()
