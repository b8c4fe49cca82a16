"""A user with rights on one prefix only: there everything works, elsewhere the window names what is missing."""

import pytest
from helpers.demo import plain_client
from helpers.limited_user import user_of_demo
from helpers.user_input import User

from core.model.connection import Connection, KeySource, Profile
from gui.tabs.browser.tree_model import State

BUCKET, ALLOWED = "tentimecrypto", "market-data/ohlcv/BTC-USD/"
DAY = f"{ALLOWED}1h/2024/01/15/"


@pytest.fixture
def limited(program, demo_server, qtbot):
    """The window of a user that may list, read and write `ALLOWED` only."""
    iam = plain_client(demo_server, "iam", demo_server.admin)
    keys = user_of_demo(iam, BUCKET, ALLOWED)
    iam.close()
    profile = Profile("desk", KeySource.SESSION, endpoint_url=demo_server.endpoint_url)
    program.window.show()
    program.connector.open_connection(Connection(profile, keys))
    user = User(qtbot, program.window)
    user.until(lambda: program.context.workspace is not None)
    return user


def notes(model, parent):
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


def test_the_permitted_folder_is_browsed_and_the_others_are_locked(program, limited):
    tab = program.window.show_tab("browser")
    tree = tab.tree_panel.model
    limited.until(lambda: tree.state_of("") is State.LOCKED)
    assert notes(tree, tree.index_of("")) == ["needs s3:ListBucket"]
    limited.until(tab.folder.state.empty.isVisible)
    assert "This needs s3:ListBucket." in tab.folder.state.empty._text.text()
    tab.navigation.go(f"s3://{BUCKET}/{DAY}")
    limited.until(lambda: tab.folder.model.total == 24 and tree.index_of(DAY).isValid())
    for above in ("market-data/", "market-data/ohlcv/"):
        assert tree.state_of(above) is State.LOCKED
        assert notes(tree, tree.index_of(above))[-1] == "needs s3:ListBucket"
    assert tree.state_of(ALLOWED) is State.COMPLETE
    limited.choose(tab.folder.table, "2024-01-15T10:00:00Z.json")
    limited.until(lambda: tab.object.inspection is not None)
