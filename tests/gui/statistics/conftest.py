"""The Statistics tab, connected to the embedded server."""

import pytest

from core.workspace import Workspace
from gui.tabs.statistics import StatisticsTab


@pytest.fixture
def tab(qtbot, context, demo_server):
    made = StatisticsTab(context)
    qtbot.addWidget(made)
    made.resize(1280, 700)
    made.show()
    workspace = Workspace.open(demo_server.connection)
    context.set_workspace(workspace)
    qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
    yield made
    workspace.close()
