"""Every dialog fits a small screen and closes with Escape."""

import pytest
from helpers.accessibility import (
    close_dialogs,
    controls,
    nameless,
    press,
    state_of_screen,
    unexplained,
)
from helpers.dialogs import BASES, MAKERS, classes
from helpers.geometry import problems
from helpers.widget_tree import unnamed
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QPushButton,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionFrame,
    QStyleOptionViewItem,
    QWidget,
)

from gui.widgets import dialog as dialog_module
from gui.widgets.dialog import Dialog
from gui.widgets.secret_field import SecretField

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
    monkeypatch.setattr(dialog_module, "available_area", lambda _dialog: QRect(0, 0, 853, 533))
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


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_screen_reader_can_name_and_press_everything_in_a_dialog(
    name, parent, context, qtbot, monkeypatch
):
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: parent.setWindowTitle("chosen"))
    dialog = MAKERS[name](parent, context)
    dialog.open()
    qtbot.waitUntil(lambda: not context.runner.busy)
    faults = [f"no name or role: {what}" for what in nameless(dialog)]
    faults += [f"disabled without a reason: {what}" for what in unexplained(dialog)]
    for button in [b for b in controls(dialog) if isinstance(b, QAbstractButton)]:
        if not dialog.isVisible() or not button.isVisible() or not button.isEnabled():
            continue  # an earlier one has ended the dialog, or hidden this one
        if button.autoExclusive() and button.isChecked():
            continue  # it is chosen
        before, title = state_of_screen(), parent.windowTitle()
        press(button)
        if state_of_screen() == before and parent.windowTitle() == title:
            faults.append(f"nothing came of pressing {button.accessibleName() or button.text()}")
        parent.setWindowTitle("")
    qtbot.waitUntil(lambda: not context.runner.busy)
    close_dialogs()
    assert faults == []


def test_a_long_number_among_the_most_frequent_values_begins_with_its_first_digits(parent, context):
    dialog = MAKERS["StatisticsDialog"](parent, context)
    table = dialog.frequent_table
    option = QStyleOptionViewItem()
    option.initFrom(table)
    option.widget = table
    row = table.model().match(table.model().index(0, 0), 0, "42017.50000000000000000001")[0]
    line = table.itemDelegate().line(option, row, 100)
    dialog.close()
    assert line.startswith("42017.5")
    assert line.endswith("…")


def _text_begins(field, form):
    """Return where the text of a field begins in a form, in pixels."""
    line = field.lineEdit() if isinstance(field, QComboBox) else field
    if line is None:
        option = QStyleOptionComboBox()
        field.initStyleOption(option)
        edit = QStyle.SubControl.SC_ComboBoxEditField
        area = field.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, edit, field)
        return field.mapTo(form, area.topLeft()).x()
    option = QStyleOptionFrame()
    line.initStyleOption(option)
    contents = QStyle.SubElement.SE_LineEditContents
    area = line.style().subElementRect(contents, option, line)
    return line.mapTo(form, area.topLeft()).x() + 2  # Qt's own margin inside a line edit


def test_the_texts_of_all_fields_of_a_form_begin_below_each_other(parent, context, qtbot):
    dialog = MAKERS["ProfileEditor"](parent, context)
    dialog.show()
    qtbot.waitUntil(lambda: not context.runner.busy)
    form = dialog.form
    fields = (form.name, form.colour, form.source, form.region, form.bucket, form.endpoint)
    begins = {field.accessibleName(): _text_begins(field, form) for field in fields}
    dialog.reject()
    assert max(begins.values()) - min(begins.values()) <= 1, begins


def test_a_comparison_of_versions_fits_a_window_of_800_pixels(parent, context, qtbot):
    dialog = MAKERS["CompareVersions"](parent, context)
    dialog.show()
    values = dialog.findChildren(SecretField)
    width, cut = dialog.width(), [v.accessibleName() for v in values if v.width() < 150]
    area = next(a for a in dialog.findChildren(QScrollArea) if a.findChildren(SecretField))
    wider = area.horizontalScrollBar().maximum()
    dialog.reject()
    assert width <= 800 - 16
    assert (cut, wider) == ([], 0)
