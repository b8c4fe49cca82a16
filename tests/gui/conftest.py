import gc

import pytest
from helpers.engine_forks import fork_engines
from helpers.engines import with_normal_priority
from helpers.forks import Forks
from helpers.frame import window  # noqa: F401 - fixture for all tests here
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from core.local.activity import ChangeLog
from core.local.settings import Settings
from gui import theme
from gui.context import Context
from gui.tasks import TaskRunner


@pytest.fixture(scope="session")
def _engine_forks():
    # Not with the first engine: Linux ends a process with the thread that started it.
    with Forks("helpers.engine_forks:prepare") as forks:
        yield forks


@pytest.fixture(autouse=True)
def _forked_engines(_engine_forks, monkeypatch, tmp_path):
    fork_engines(monkeypatch, _engine_forks, tmp_path)


@pytest.fixture(autouse=True)
def _engines_with_normal_priority(monkeypatch):
    with_normal_priority(monkeypatch)


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _released_modifiers():
    """Release Ctrl and Shift, which QTest holds after a shortcut until the next key event.

    Otherwise a click or `selectRow` in the next test would add to the selection.
    """
    yield
    app = QGuiApplication.instance()
    if app is not None and app.keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
        QTest.keyRelease(QWidget(), Qt.Key.Key_Control)
        assert app.keyboardModifiers() == Qt.KeyboardModifier.NoModifier


#: The style sheet of the light theme, once it was set.
_light: list[str] = []


@pytest.fixture
def themed(qapp):
    """The application in the light theme, which stays for the next test: setting it takes 50 ms."""
    if [qapp.styleSheet()] != _light or theme.current().mode != "light":
        theme.apply(qapp, "light")
        _light[:] = [qapp.styleSheet()]
    return qapp


@pytest.fixture(scope="module")
def no_earlier_windows():
    """Free the windows of other files, since a change of the theme would style their widgets, too."""
    gc.collect()


@pytest.fixture
def context(themed, tmp_path):
    runner = TaskRunner()
    context = Context(
        runner,
        settings=Settings(tmp_path),
        log=ChangeLog(tmp_path),
    )
    yield context
    runner.shutdown()
