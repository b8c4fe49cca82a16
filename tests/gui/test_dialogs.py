"""Every dialog on a small screen: all of it can be read and reached, and Escape closes it."""

import pytest
from helpers.dialogs import BASES, MAKERS, classes
from helpers.geometry import problems
from helpers.widget_tree import unnamed
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QDialogButtonBox, QPushButton, QWidget

from gui.widgets import dialog as dialog_module
from gui.widgets.dialog import Dialog

#: 1280 x 800 at 150 %, less what the desktop's title bar takes.
SMALL = QSize(853 - 16, 533 - 40)


def test_every_dialog_of_the_window_is_tested():
    assert classes() - BASES == MAKERS.keys()


@pytest.fixture
def parent(qtbot, themed):
    parent = QWidget()
    parent.resize(853, 533)
    qtbot.addWidget(parent)
    parent.show()
    return parent


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_dialog_fits_a_small_screen_and_escape_closes_it(
    name, parent, context, qtbot, monkeypatch
):
    monkeypatch.setattr(dialog_module, "screen_room", lambda _dialog: QRect(0, 0, 853, 533))
    dialog = MAKERS[name](parent, context)
    dialog.show()
    qtbot.waitExposed(dialog)
    if not isinstance(dialog, Dialog):  # the desktop shrinks it
        dialog.resize(dialog.size().boundedTo(SMALL))
    qtbot.waitUntil(lambda: not context.runner.busy)
    fits = dialog.size().boundedTo(SMALL) == dialog.size()
    found = problems(dialog)
    buttons = [b for b in dialog.findChildren(QPushButton) if b.isVisible() and b.text()]
    nameless = unnamed(dialog)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: context.runner.busy is False)
    assert fits, f"needs {dialog.minimumSizeHint()}"
    assert found == []
    assert nameless == []
    assert buttons, "there is no way out but Escape"


def test_no_dialog_has_buttons_of_another_kind(parent):
    assert parent.findChildren(QDialogButtonBox) == []
