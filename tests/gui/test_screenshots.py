"""`--screenshots` saves each picture in both themes, or in the one that was chosen."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from gui import theme
from gui.app import screenshots
from gui.app.screenshots import Screenshots
from gui.app.steps import Step


class Connector(QObject):
    failed = Signal(object)


class Window(QWidget):
    """A window with one tab that is always loaded, and filled with the colour of the theme."""

    def __init__(self):
        super().__init__()
        self.connector = Connector(self)
        self.context = SimpleNamespace(workspace=object(), runner=SimpleNamespace(busy=False))
        banner = SimpleNamespace(failed=False)
        self.current_tab = SimpleNamespace(banner=banner, ensure_loaded=lambda: None)
        self.setAutoFillBackground(True)
        self.resize(20, 20)

    def show_tab(self, _tab):
        return self.current_tab


@pytest.fixture
def themed_window(qtbot, monkeypatch):
    window = Window()
    qtbot.addWidget(window)
    chosen = theme.current()
    monkeypatch.setattr(screenshots, "_REST_SECONDS", 0.0)
    monkeypatch.setattr(screenshots, "_POLL_MS", 1)
    theme.apply(QApplication.instance(), "light")
    yield window
    chosen.set_mode("light")


def steps_of(*shows):
    return lambda: [
        Step(f"{number:02}-x", "x", f"the tab {number}", (show,))
        for number, show in enumerate(shows, 1)
    ]


def ended(qtbot, monkeypatch, pictures):
    codes = []
    monkeypatch.setattr(QApplication, "exit", codes.append)
    qtbot.waitUntil(lambda: bool(codes), timeout=10_000)
    assert codes == [0]
    del pictures


@pytest.mark.parametrize("both", [False, True])
def test_each_picture_is_saved_in_the_chosen_themes(
    themed_window, qtbot, monkeypatch, tmp_path, both
):
    monkeypatch.setattr(screenshots, "tab_steps", steps_of(lambda _tab: None, lambda _tab: None))
    ended(qtbot, monkeypatch, Screenshots(themed_window, tmp_path, both_themes=both))
    found = {path.name: QImage(str(path)).pixelColor(5, 5) for path in tmp_path.iterdir()}
    light, dark = ["01-x-light.png", "02-x-light.png"], ["01-x-dark.png", "02-x-dark.png"]
    assert sorted(found) == sorted([*light, *(dark if both else [])])
    colours = {QColor.lightness(found[name]) for name in light}
    assert colours == {max(colours)}
    assert all(QColor.lightness(found[name]) < min(colours) for name in dark if both)


def test_a_dialog_is_open_until_it_is_saved_in_both_themes(
    themed_window, qtbot, monkeypatch, tmp_path
):
    sizes = []

    def opened(_tab):
        dialog = QDialog(themed_window)
        dialog.resize(30, 10)
        dialog.finished.connect(lambda _code: sizes.append(len(list(tmp_path.iterdir()))))
        dialog.open()

    monkeypatch.setattr(screenshots, "tab_steps", steps_of(opened, lambda _tab: None))
    ended(qtbot, monkeypatch, Screenshots(themed_window, tmp_path, both_themes=True))
    assert sizes == [2]
    size_of = {path.name: QImage(str(path)).size().toTuple() for path in tmp_path.iterdir()}
    assert size_of["01-x-dark.png"] == size_of["01-x-light.png"] == (30, 10)
    assert size_of["02-x-dark.png"] == (20, 20)
