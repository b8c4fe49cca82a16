import shutil

import pytest
from helpers.engines import with_normal_priority
from helpers.keyrings import MemoryKeyring, allow
from helpers.user_input import User

from gui.app.options import Options
from gui.app.run import Program


@pytest.fixture(autouse=True)
def _engines_with_normal_priority(monkeypatch):
    with_normal_priority(monkeypatch)


@pytest.fixture
def program(qapp, monkeypatch):
    """The complete program as `strongroom` starts it, except the event loop and the exit."""
    allow(monkeypatch, MemoryKeyring)
    crashes = []
    program = Program(qapp, Options())
    program.complete_window()
    program._crashes.crashed.connect(crashes.append)
    yield program
    program.window._close_confirmed = True
    program.window.close()
    program.stop()
    program.window.deleteLater()
    assert crashes == []


@pytest.fixture
def database(demo_server, tmp_path):
    """A copy of the sample database that the test may change."""
    path = tmp_path / "rex_trading.db"
    shutil.copy(demo_server.database_path, path)
    return path


@pytest.fixture
def user(program, demo_server, database, qtbot):
    """The window, connected to the embedded server as its administrator."""
    program.context.demo_database = database
    program.window.show()
    program.connector.open_connection(demo_server.connection)
    user = User(qtbot, program.window)
    user.until(lambda: program.context.identity is not None)
    assert program.context.identity.user == "strongroom-admin"
    return user
