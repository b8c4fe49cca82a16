"""The window shows the lock of a production profile exactly as the library enforces it."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from helpers.accessibility import unexplained
from helpers.aws import connection
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QAbstractButton, QPushButton, QVBoxLayout

from core.errors import ReadOnlyProfile
from core.model.connection import ProfileColour
from core.units import utc_now
from core.workspace import Workspace
from gui.main_window.connecting import Connector
from gui.main_window.palette import Palette, Tabs
from gui.main_window.window import MainWindow
from gui.models.roles import ASIDE_ROLE
from gui.tab_list import TABS
from gui.tabs.base import Tab


@pytest.fixture
def workspace(context):
    made = Workspace.open(connection(colour=ProfileColour.RED), unlocked=True)
    context.set_workspace(made)
    yield made
    context.set_workspace(None)
    made.close()


def test_the_library_is_locked_and_unlocked_with_the_window(context, workspace):
    assert context.read_only
    assert workspace.read_only  # however the connection was opened
    context.unlock(15)
    assert not workspace.read_only
    context.lock()
    assert workspace.read_only
    with pytest.raises(ReadOnlyProfile):
        workspace.clients.require_writable("s3:PutObject")


def test_a_task_that_runs_may_end_before_the_library_locks(context, workspace, qtbot):
    go, owner, ended = threading.Event(), QObject(), []
    context.unlock(15)
    context.runner.run(
        "Rotate", lambda _work: go.wait(5), owner=owner, then=lambda _: ended.append(True)
    )
    context.lock()
    assert context.read_only
    assert not workspace.read_only
    go.set()
    qtbot.waitUntil(lambda: workspace.read_only)
    assert ended == [True]


def test_writing_is_locked_again_after_the_computer_has_slept(
    context, workspace, qtbot, monkeypatch
):
    """Timers stand still while it sleeps: writing stayed unlocked for the rest of the 15 minutes."""
    monkeypatch.setattr("gui.context.context._CHECK_MS", 1)
    context.unlock(15)
    assert not context.read_only
    awake = utc_now() + timedelta(minutes=16)
    monkeypatch.setattr("gui.context.context.utc_now", lambda: awake)
    qtbot.waitUntil(lambda: workspace.read_only)
    assert context.unlocked_until is None


def test_what_is_tried_again_later_brings_no_lock_of_its_own(context, workspace):
    context.unlock(15)
    then = workspace.connection
    assert context.runner.present_connection(then) == then
    context.lock()
    assert context.runner.present_connection(then) == replace(then, unlocked=False)


class View(Tab):
    """An empty view."""

    def __init__(self, context):
        super().__init__(context)
        QVBoxLayout(self).addWidget(self.banner)


def test_a_refusal_offers_to_unlock(context, workspace, qtbot):
    view = View(context)
    qtbot.addWidget(view)
    view.show()
    with pytest.raises(ReadOnlyProfile) as caught:
        workspace.clients.require_writable("s3:PutObject")
    view.show_error(caught.value)
    assert "read-only" in view.banner.text
    button = next(b for b in view.banner.findChildren(QPushButton) if b.text() == "Unlock…")
    with qtbot.waitSignal(context.unlock_wanted):
        button.click()


def test_the_palette_says_which_commands_wait_for_the_lock(context, workspace, qtbot):
    window = MainWindow(context.settings).complete(context, Connector(context))
    qtbot.addWidget(window)
    for unlock in (False, True):
        if unlock:
            context.unlock(15)
        palette = Palette(
            window,
            context,
            window.commands,
            Tabs(window.current_tab, window.names, window.show_tab),
        )
        model = palette.list.model()
        rows = [model.index(row, 0) for row in range(model.rowCount())]
        said = {row.data() for row in rows if "unlock" in str(row.data(ASIDE_ROLE))}
        changing = {"Objects and folders: Delete", "Upload…", "Rotate the platform's access key…"}
        assert said >= changing if not unlock else said == set()
        palette.close()


@pytest.mark.parametrize("connected", [True, False])
def test_what_is_disabled_says_why(context, workspace, qtbot, connected):
    if not connected:
        context.set_workspace(None)
    tabs = [spec.factory(context) for spec in TABS]
    silent, disabled = [], []
    for tab in tabs:
        qtbot.addWidget(tab)
        tab.ensure_loaded()
        disabled += [each for each in tab.findChildren(QAbstractButton) if not each.isEnabled()]
        silent += unexplained(tab)
    assert len(disabled) > 10
    assert silent == []
