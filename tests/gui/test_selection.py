"""A row that the program selects is the only selected row."""

import re

import pytest
from conventions import source
from PySide6.QtCore import QStringListModel, Qt

from gui.widgets.table import choose_row, make_table

#: `selectRow`, and `setCurrentIndex` of a view, add to the selection while a modifier is held.
_ADDS = re.compile(r"\.selectRow\b|\.(table|list|tree|view)\.setCurrentIndex\(")


def test_tabs_select_rows_with_the_function_that_selects_them_alone():
    found = [
        str(path.relative_to(source.ROOT))
        for path in source.python_files("gui")
        if "tabs" in path.parts and _ADDS.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("modifier", ["ControlModifier", "ShiftModifier"])
def test_a_row_is_selected_alone_while_a_modifier_is_held(themed, qtbot, modifier):
    table = make_table(QStringListModel([str(row) for row in range(5)]), "Rows", multiple=True)
    qtbot.addWidget(table)
    table.show()
    choose_row(table, 1)
    qtbot.keyPress(table, Qt.Key.Key_Control, getattr(Qt.KeyboardModifier, modifier))
    choose_row(table, 3)
    qtbot.keyRelease(table, Qt.Key.Key_Control)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [3]
