"""The pictures and colours of an open dialog follow a change of the theme."""

from itertools import product

import pytest
from helpers.dialogs import MAKERS
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QIcon, QImage
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QFileDialog, QLabel, QWidget

from gui import theme
from gui.widgets import dialog as dialog_module

pytestmark = pytest.mark.usefixtures("no_earlier_windows")
ROWS = 20
ROLES = (Qt.ItemDataRole.DecorationRole, Qt.ItemDataRole.ForegroundRole)


@pytest.fixture
def parent(qtbot, themed):
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    yield parent
    theme.current().set_mode("light")


def picture(value):
    """Return an icon, pixmap or colour in a form that can be compared."""
    if isinstance(value, QIcon):
        value = value.pixmap(QSize(16, 16))
    if isinstance(value, QBrush):
        value = value.color()
    if isinstance(value, QColor):
        return value.name()
    image = value.toImage().convertToFormat(QImage.Format.Format_ARGB32)
    return image.size().toTuple(), bytes(image.constBits())


def pictures(dialog):
    """Return every picture and colour of the labels, buttons and first rows of a dialog by name."""
    found = {}
    for number, label in enumerate(dialog.findChildren(QLabel)):
        if not label.pixmap().isNull():
            found[f"label {number} {label.accessibleName()}"] = picture(label.pixmap())
    for number, button in enumerate(dialog.findChildren(QAbstractButton)):
        if not button.icon().isNull():
            found[f"button {number} {button.text()}"] = picture(button.icon())
    for number, view in enumerate(dialog.findChildren(QAbstractItemView)):
        found |= {f"view {number} {where}": shown for where, shown in cells(view.model())}
    return found


def cells(model):
    """Yield the place and the picture or colour of each cell in the first rows of a list."""
    rows = min(model.rowCount(), ROWS) if model else 0
    for row, column, role in product(range(rows), range(model.columnCount() if rows else 0), ROLES):
        value = model.index(row, column).data(role)
        if isinstance(value, QIcon | QBrush | QColor):
            yield f"cell {row} {column} {role.name}", picture(value)


def opened(name, parent, context, qtbot):
    dialog = MAKERS[name](parent, context)
    dialog.show()
    qtbot.waitUntil(lambda: not context.runner.busy)
    return dialog


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_an_open_dialog_has_the_pictures_of_one_opened_in_the_new_theme(
    name, parent, context, qtbot, monkeypatch
):
    monkeypatch.setattr(QFileDialog, "open", lambda _dialog: None)
    monkeypatch.setattr(dialog_module, "available_area", lambda _dialog: QRect(0, 0, 853, 533))
    dialog = opened(name, parent, context, qtbot)
    light = pictures(dialog)
    theme.current().set_mode("dark")
    followed = pictures(dialog)
    dialog.close()
    other = opened(name, parent, context, qtbot)
    expected = pictures(other)
    other.close()
    assert followed.keys() == expected.keys() == light.keys()
    assert [each for each in expected if followed[each] != expected[each]] == []


def test_the_signs_of_a_rollback_change_their_colours(parent, context, qtbot):
    dialog = opened("RollBackPreview", parent, context, qtbot)
    light = pictures(dialog)
    theme.current().set_mode("dark")
    assert light
    assert not light.items() & pictures(dialog).items()
    dialog.close()
