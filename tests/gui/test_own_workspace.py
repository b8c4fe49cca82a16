"""What a task of one bucket does to a tab that shows another bucket when it ends: nothing there."""

import pytest
from helpers.frame import PlainTab
from PySide6.QtWidgets import QPushButton

from core.errors import Offline
from core.model.connection import Connection, KeySource, Profile
from core.workspace import Workspace

CHANGE, READ = "objects.delete_many", "statistics.scan"


def workspace(name):
    return Workspace.open(Connection(Profile(name, KeySource.SESSION, bucket="first")))


@pytest.fixture
def tab(context, qtbot, themed):
    context.set_workspace(workspace("staging"))
    tab = PlainTab(context)
    qtbot.addWidget(tab)
    tab.resize(900, 400)
    tab.show()
    yield tab
    qtbot.waitUntil(lambda: not tab.busy)


@pytest.fixture
def started(context, tab, monkeypatch):
    """The orders that the engine would get: their connection and callbacks."""
    orders = []

    def run_bulk(_name, _operation, _arguments, **order):
        orders.append(order)
        return context.runner.run("stands for the engine", lambda _work: None, owner=tab)

    monkeypatch.setattr(context.runner, "run_bulk", run_bulk)
    return orders


def named_buttons(tab):
    """The visible buttons of the message that have a text."""
    buttons = tab.banner.findChildren(QPushButton)
    return {each.text(): each for each in buttons if each.text() and each.isVisible()}


def begin(tab, operation, calls):
    def add(name):
        return lambda value=None: calls.append((name, value))

    tab.bulk("Delete 5 objects", operation, {}, add("then"), failed=add("failed"),
             stopped=add("stopped"), progress=add("progress"), batch=add("batch"), here=True)  # fmt: skip


@pytest.mark.parametrize("name", ["then", "failed", "stopped", "progress", "batch"])
@pytest.mark.parametrize("operation", [CHANGE, READ])
class TestOwnContent:
    def test_callbacks_are_called_in_the_workspace_of_the_task(self, tab, started, operation, name):
        calls = []
        begin(tab, operation, calls)
        started[0][name](value := Offline("x"))
        assert calls == [(name, value)]

    def test_no_callback_is_called_in_another_one(self, tab, started, context, operation, name):
        calls = []
        begin(tab, operation, calls)
        context.set_workspace(workspace("other"))
        started[0][name](Offline("The server does not answer", remedy="Try again."))
        assert calls == []
        reported = operation is CHANGE and name in {"then", "failed", "stopped"}
        assert ("s3://first, profile staging" in tab.banner.text) is reported
        assert not named_buttons(tab)


def test_a_retry_never_runs_in_another_bucket(tab, started, context):
    first = context.workspace.connection
    tab.bulk("Remove unfinished uploads", "leftovers.remove", {})
    context.set_workspace(workspace("other"))
    started[0]["failed"](Offline("The server does not answer"))
    named_buttons(tab)["Retry"].click()
    assert [order["connection"] for order in started] == [first, first]


def test_a_retry_uses_the_new_keys_of_the_same_workspace(tab, started, context):
    tab.bulk("Remove unfinished uploads", "leftovers.remove", {})
    context.workspace.clients.renew(context.workspace.connection)
    started[0]["failed"](Offline("The server does not answer"))
    named_buttons(tab)["Retry"].click()
    assert [order["connection"].session for order in started] == [0, 1]
