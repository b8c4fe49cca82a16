"""The Uploads tab on a separate bucket."""

from uuid import uuid4

import pytest

from core.workspace import Workspace
from gui.tabs.uploads import UploadsTab
from tests.helpers.moto_bucket import moto_bucket

WAIT = 30_000


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def workspace(bucket):
    workspace = Workspace.open(bucket.clients.connection)
    yield workspace
    workspace.close()


@pytest.fixture
def tab(context, workspace, qtbot):
    context.set_workspace(workspace)
    tab = UploadsTab(context)
    qtbot.addWidget(tab)
    tab.resize(1280, 700)
    tab.show()
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    yield tab
    context.set_workspace(None)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / f"g{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(5):
        (root / f"{number}.json").write_text(f"[{number}]")
    return root
