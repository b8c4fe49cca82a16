"""Every shortcut does something or explains why not, in every pane of every tab.

After each key something must have changed, or the window must have said why not. No key may be
ambiguous.
"""

import logging

import pytest
from helpers.keys import press_key
from helpers.user_input import open_dialogs
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTreeView,
    QWidget,
)
from pytestqt.exceptions import TimeoutError as WaitTimeoutError

from gui.actions import ACTIONS
from gui.dialogs.confirm import Confirm
from gui.shortcuts import bound_to
from gui.tab_list import TABS
from gui.tabs.base import Tab
from gui.tabs.browser.downloads import Downloads
from gui.tabs.browser.removal import Removal
from gui.tabs.uploads.upload_form import UploadForm
from gui.tasks import TaskRunner
from gui.views.canvas import Canvas

FOLDER = "logs/"
#: All panes of these kinds are tried, and of the others the first one of each tab.
_ALL = (QAbstractItemView, Canvas)
_FIRST = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox, QAbstractButton)
#: Keys that text fields keep.
_OF_FIELDS = {"Ctrl+C", "Ctrl+Z", "Del"}
_FIELDS = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)
#: Actions that show another folder, preview or page; `tests/gui/browser` presses their keys. After
#: them the panes of this test would be hidden.
_OF_THE_STRIP = frozenset(
    f"browser.{name}"
    for name in (
        "back", "forward", "new_tab", "close_tab", "next_tab", "previous_tab", "bookmarks",
        "search", "coverage", "collect", "query",
    )
) | {"objects.query_folder"}  # fmt: skip


class Running:
    """Work that makes the window ask before it closes."""

    name = "Scan"


@pytest.fixture
def recorded(monkeypatch):
    """Start to record what would leave the window or cost time, instead of doing it."""
    done = []

    def record(owner, name):
        monkeypatch.setattr(owner, name, lambda self, *_given, **_named: done.append(name))

    def start():
        record(Tab, "refresh")
        record(UploadForm, "choose_files")
        record(Downloads, "ask")
        record(Removal, "ask")
        monkeypatch.setattr(TaskRunner, "bulk_running", property(lambda _self: [Running()]))
        return done

    return start


def panes(tab, window):
    """Return the tab bar and what can have the focus in a tab."""
    bar = window.findChild(QTabBar)
    found = [bar]
    firsts = set()
    for widget in tab.findChildren(QWidget):
        usable = widget.isVisible() and widget.isEnabled() and not isinstance(widget, QHeaderView)
        if not usable or widget.focusPolicy() == Qt.FocusPolicy.NoFocus or widget.focusProxy():
            continue
        kind = next((each for each in _FIRST if isinstance(widget, each)), None)
        if isinstance(widget, _ALL):
            found.append(widget)
        elif kind is not None and kind not in firsts:
            firsts.add(kind)
            found.append(widget)
    return found


def scopes_of(tab_id, pane, window):
    """Return the scopes whose keys must work with the focus in a pane."""
    found = {"window", tab_id}
    browser = window.tabs["browser"]
    if tab_id == "browser" and pane in {browser.folder.table, browser.tree_panel.view}:
        found.add("objects")
    if tab_id == "credentials":
        tab = window.tabs["credentials"]
        found |= {"secrets"} if pane is tab.secrets.table else set()
        found |= {"profiles"} if pane is tab.profiles.list else set()
    if tab_id == "bucket" and pane is window.tabs["bucket"].table:
        found.add("rules")
    return found


class World:
    """Sees whether a key changed anything, and puts the window back as it was."""

    def __init__(self, window, done):
        self.window, self.done = window, done

    def state(self):
        window = self.window
        tab = window.current_tab
        views = [v for v in tab.findChildren(QAbstractItemView) if v.isVisible()]
        return (
            window.bar.currentIndex(),
            QApplication.focusWidget(),
            tuple(w for w in QApplication.topLevelWidgets() if w.isVisible()),
            window.hint.text,
            (window.banner.text, tab.banner.text),
            "drawer" in window.__dict__ and window.drawer.isVisible(),
            QGuiApplication.clipboard().text(),
            window.context.settings.get("theme"),
            len(self.done),
            len(window.context.runner.tasks),
            (tab.prefix, tab.object.prefix) if hasattr(tab, "prefix") else "",
            [v.currentIndex() for v in views],
        )

    def restore(self, tab_id, pane):
        window = self.window
        for top in QApplication.topLevelWidgets():
            if top is not window and top.isVisible():
                top.close()
        for banner in (window.hint, window.banner, window.current_tab.banner):
            banner.clear()
        if "drawer" in window.__dict__ and window.drawer.isVisible():
            window.toggle_drawer()
        if TABS[window.bar.currentIndex()].id != tab_id:
            window.show_tab(tab_id)
        QGuiApplication.clipboard().setText("before")
        pane.setFocus()
        assert QApplication.focusWidget() in (pane, pane.focusProxy())


def needless(keys, tab_id, pane):
    """Return whether a key would select the state that is already selected."""
    if keys == f"Ctrl+{[spec.id for spec in TABS].index(tab_id) + 1}":
        return True
    return keys == "Ctrl+F" and "ilter" in pane.accessibleName()


def key_event(keys):
    combination = QKeySequence(keys)[0]
    kind = QEvent.Type.KeyPress
    return QKeyEvent(kind, combination.key(), combination.keyboardModifiers())


def press(keys):
    combination = QKeySequence(keys)[0]
    press_key(combination.key(), combination.keyboardModifiers())


def expected(action, keys, scopes, pane):
    """Whether a key has to do or explain something with the focus in a pane."""
    if isinstance(pane, _FIELDS) and (keys in _OF_FIELDS or action.where not in scopes):
        return False
    if action.where in scopes:
        return True
    if isinstance(pane, QAbstractItemView) and keys == "Del":
        return False  # a list takes it for a letter to search for
    return action in bound_to(key_event(keys))


def fill(user, program):
    """Give every tab something to show."""
    window = program.window
    for spec in TABS:
        window.show_tab(spec.id)
    secrets = window.show_tab("credentials").secrets
    user.until(secrets.table.isVisible)
    user.until(lambda: secrets.current is not None)
    browser = window.show_tab("browser")
    user.until(lambda: browser.listing.seen_keys._counted)
    key = next(key for key in browser.listing.seen_keys._counted if key.startswith(FOLDER))
    browser.open_target(key)
    user.until(lambda: browser.object.inspection is not None)
    statistics = window.show_tab("statistics")
    statistics.refresh()
    user.until(lambda: not statistics.busy)
    return window


def changes(user, world, before, *, in_steps):
    """Return whether a key that was pressed had an effect, which may be a dialog created in steps."""
    if in_steps:
        user.until(open_dialogs)
    try:
        # Some dialogs are created in one turn of the event loop and shown in the next.
        user.until(lambda: world.state() != before, timeout=500)
    except WaitTimeoutError:
        return False
    return True


def presses(user, world):
    """Press everything everywhere; yield what had no effect."""
    window = user.window
    for spec in TABS:
        tab = window.show_tab(spec.id)
        for pane in panes(tab, window):
            scopes = scopes_of(spec.id, pane, window)
            for action in ACTIONS:
                for keys in () if action.own or action.id in _OF_THE_STRIP else action.keys:
                    if needless(keys, spec.id, pane):
                        continue
                    if not expected(action, keys, scopes, pane):
                        continue
                    world.restore(spec.id, pane)
                    before = world.state()
                    press(keys)
                    in_steps = keys == "Alt+Return" and isinstance(pane, QTreeView)
                    if not changes(user, world, before, in_steps=in_steps):
                        yield spec.id, type(pane).__name__, pane.accessibleName(), keys


def locked(window, world):
    """Press every key that changes something while the profile is locked; yield the answers."""
    tables = {
        "window": ("browser", window.tabs["browser"].folder.table),
        "browser": ("browser", window.tabs["browser"].folder.table),
        "objects": ("browser", window.tabs["browser"].folder.table),
        "secrets": ("credentials", window.tabs["credentials"].secrets.table),
        "rules": ("bucket", window.tabs["bucket"].table),
        "backups": ("backups", window.tabs["backups"].tables.table),
    }
    for action in ACTIONS:
        for keys in action.keys if action.changes else ():
            tab_id, pane = tables[action.where]
            window.show_tab(tab_id)
            if pane.isVisible():
                world.restore(tab_id, pane)
                press(keys)
                yield action.id, window.hint.text, world.state()[2] == (window,)


def test_every_key_does_something_or_says_why_not(user, program, recorded, caplog):
    window = fill(user, program)
    world = World(window, recorded())
    with caplog.at_level(logging.WARNING, "gui.shortcuts"):
        dead = list(presses(user, world))
    ambiguous = [r.getMessage() for r in caplog.records if r.name == "gui.shortcuts"]
    program.context.lock()
    answers = list(locked(window, world))
    reason = program.context.locked_reason
    user.press("Unlock…", window.hint)
    user.press("Unlock for 15 minutes", user.dialog(Confirm))
    user.until(lambda: not program.context.read_only)
    world.restore("browser", window.findChild(QTabBar))
    assert ambiguous == []
    assert dead == []
    assert set(world.done) == {"refresh", "choose_files", "ask"}
    assert {name for name, _text, _alone in answers} >= {
        "upload", "objects.delete", "secrets.delete",
    }  # fmt: skip
    # A copy may have another profile as its target, so that its dialog refuses locked ones; and
    # there is no restore to undo.
    refused = [answer for answer in answers if answer[0] not in ("objects.copy_to", "backups.undo")]
    assert {(text, alone) for _name, text, alone in refused} == {(reason, True)}
