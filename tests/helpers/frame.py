"""The window with tabs that only record the calls they receive."""

import pytest

from core.model.connection import AccessKeys, Connection, KeySource, Profile, ProfileColour
from core.redaction import Secret
from core.workspace import Workspace
from gui import tab_list
from gui.main_window import window as window_module
from gui.main_window.connecting import Connector
from gui.main_window.window import MainWindow
from gui.tabs.base import Tab


class PlainTab(Tab):
    """A tab that only notes what the window asks of it."""

    def __init__(self, context):
        super().__init__(context)
        self.calls = []

    def _do_workspace(self, workspace):
        self.calls.append(("workspace", workspace))

    def _do_change(self, change):
        self.calls.append(("change", change))

    def _do_refresh(self):
        self.calls.append(("refresh",))

    def _do_filter(self):
        self.calls.append(("filter",))

    def open_target(self, target):
        self.calls.append(("target", target))


def workspace_of(name="dev", colour=ProfileColour.BLUE):
    """Return a workspace whose server never answers."""
    profile = Profile(name, KeySource.SESSION, endpoint_url="http://127.0.0.1:9", colour=colour)
    keys = AccessKeys("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMIK7MDENG"))
    return Workspace.open(Connection(profile, keys))


@pytest.fixture
def window(context, qtbot, monkeypatch):
    """The window on the screen, without a connection."""
    tabs = tuple(spec._replace(factory=PlainTab) for spec in tab_list.TABS)
    monkeypatch.setattr(window_module, "TABS", tabs)
    window = MainWindow(context.settings).complete(context, Connector(context))
    qtbot.addWidget(window)
    window.show()
    window.open_last_tab()
    return window
