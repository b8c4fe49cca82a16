"""Every control of the window has a name and an action for screen readers."""

from functools import partial

import pytest
from helpers.accessibility import (
    close_dialogs,
    controls,
    nameless,
    press,
    state_of_screen,
    unexplained,
)
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton
from pytestqt import exceptions

from core.demo import DemoServer
from gui.app.samples import show_sample
from gui.tab_list import TABS
from gui.views.treemap import Treemap

#: Milliseconds for what a press starts, and for loading a view on a busy machine.
SHORT, LONG = 2_000, 60_000
#: What may change nothing, and why. By the name that a screen reader says.
IDEMPOTENT = {
    "Refresh": "fetches again what is shown; nothing may have changed",
}
#: What is not pressed, and why.
SKIPPED: dict[str, str] = {}


@pytest.fixture(scope="module")
def demo_server():
    """A separate server: every button is pressed, also those that change something."""
    with DemoServer.start() as server:
        yield server


def _label(button):
    return button.accessibleName() or button.text()


def _kind(button):
    """Return what distinguishes a button; rows of a list, and tiles of a map, have buttons of one kind."""
    holder = type(button.parentWidget())
    return ("tile" if holder is Treemap else _label(button)), holder


def _next(tab, done):
    """Return a button of a tab that was not pressed yet, or None."""
    for button in controls(tab):
        if not isinstance(button, QAbstractButton) or not button.isEnabled():
            continue
        chosen = button.autoExclusive() and button.isChecked()
        if not chosen and _kind(button) not in done:
            return button
    return None


def _answers(user, runner, button):
    """Press a button as a screen reader does; return whether anything came of it."""
    before, started = state_of_screen(), []
    runner.task_started.connect(started.append)
    press(button)
    try:
        user.until(lambda: started or state_of_screen() != before, SHORT)
    except exceptions.TimeoutError:
        return False
    finally:
        runner.task_started.disconnect(started.append)
    close_dialogs()
    return True


def _press_all(user, runner, part, come_back):
    """Press every button of a part of the window; return those that nothing came of."""
    done, mute = set(), []
    while (button := _next(part, done)) is not None:
        kind = _kind(button)
        done.add(kind)
        if kind[0] in SKIPPED:
            continue
        if not _answers(user, runner, button) and kind[0] not in IDEMPOTENT:
            mute.append(f"nothing came of pressing {kind}")
        come_back()
    assert done, f"{type(part).__name__} has no controls"
    return mute


def _loaded(user, spec):
    tab = user.window.show_tab(spec.id)
    tab.ensure_loaded()
    user.until(lambda: not tab.busy, LONG)
    show_sample(tab)
    user.until(lambda: not tab.busy, LONG)
    return tab


def _change_the_tab(bar):
    """Press every tab of the tab bar; a screen reader knows each by its title."""
    control = QAccessible.queryAccessibleInterface(bar)
    names = []
    for place in range(control.childCount()):
        child = control.child(place)
        if child.role() is QAccessible.Role.PageTab:
            names.append(child.text(QAccessible.Text.Name))
            child.actionInterface().doAction("Press")
            assert bar.tabText(bar.currentIndex()) == names[-1]
    assert names == [spec.title for spec in TABS]


def test_every_control_of_every_tab_has_a_name_and_answers(user, program):
    runner, window = program.context.runner, user.window
    faults = []
    for spec in TABS:
        tab = _loaded(user, spec)
        faults += [f"{spec.id}: no name or role: {what}" for what in nameless(window)]
        faults += [f"{spec.id}: disabled without a reason: {what}" for what in unexplained(tab)]
        mute = _press_all(user, runner, tab, partial(window.show_tab, spec.id))
        faults += [f"{spec.id}: {what}" for what in mute]
    window.toggle_drawer()
    for part in (window.drawer, window.status, window.header):
        faults += _press_all(user, runner, part, close_dialogs)
    close_dialogs()
    _change_the_tab(window.bar)
    assert faults == [], "\n" + "\n".join(faults)
