"""The message about a failed task disappears when the task is repeated with any control."""

import threading

import pytest
from helpers.frame import PlainTab

from core.errors import Offline


@pytest.fixture
def tab(context, qtbot, themed):
    tab = PlainTab(context)
    qtbot.addWidget(tab)
    tab.resize(700, 400)
    tab.show()
    return tab


def _raise(_work):
    raise Offline("The connection to the database ended")


def _fail(tab, qtbot, **options):
    tab.run("Compare", _raise, **options)
    qtbot.waitUntil(lambda: tab.banner.failed)


def test_a_repeated_action_hides_its_error_at_once(tab, qtbot):
    _fail(tab, qtbot)
    go = threading.Event()
    tab.run("Compare", lambda _work: go.wait(10))
    try:
        assert not tab.banner.text
    finally:
        go.set()
        qtbot.waitUntil(lambda: not tab.busy)


@pytest.mark.parametrize("failed", [True, False])
def test_the_error_of_a_list_stays_until_it_is_read(tab, qtbot, failed):
    def show(error):
        tab.show_error(error)

    options = {"quiet": True, "latest": "list"} | ({"failed": show} if failed else {})
    _fail(tab, qtbot, **options)
    go = threading.Event()
    tab.run("Compare another", lambda _work: go.wait(10), quiet=True, latest="list")
    assert tab.banner.failed
    go.set()
    qtbot.waitUntil(lambda: not tab.banner.text)


def test_other_tasks_and_later_messages_are_left_alone(tab, qtbot):
    _fail(tab, qtbot)
    done = []
    tab.run("Verify", lambda _work: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert tab.banner.failed
    tab.banner.show_good("Saved.")
    tab.run("Compare", lambda _work: None, done.append)
    qtbot.waitUntil(lambda: len(done) == 2)
    assert tab.banner.text == "Saved."
