"""The calendar of backups: keys, names for screen readers, and the backups of a day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from helpers.geometry import cut_cells
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QAbstractItemView

from core.model.backup import Backup, BackupState, Origin
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.calendar_grid import MonthModel, first_weekday, today
from gui.tabs.backups.models import BackupsModel

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
ORIGIN = Origin("SQLite", "a", "h", "/a")


def backup(days, **fields):
    moment = NOON - timedelta(days=days)
    made = Backup(f"{days}", "orders", moment, 10, f"backups/{days}", origin=ORIGIN, rows=1)
    return replace(made, **fields)


BACKUPS = [backup(0), backup(0.25, proven=NOON), backup(3), backup(3.25, state=BackupState.BROKEN)]


@pytest.fixture
def panel(qtbot, context):
    panel = BackupsPanel(context.settings)
    qtbot.addWidget(panel)
    panel.resize(480, 600)
    panel.show()
    panel.show_loading("orders")
    panel.show_loading("orders")
    panel.show_backups("orders", BACKUPS, ORIGIN)
    return panel


def taken(panel):
    model = panel.table.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_weeks_start_as_in_the_locale():
    assert first_weekday(QLocale("de_DE")) == 0
    assert first_weekday(QLocale("en_US")) == 6
    model = MonthModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(BACKUPS)
    model.show_month(date(2024, 1, 5))
    assert model.day(model.index_of(date(2024, 1, 15))).proven


def test_the_calendar_shows_the_day_of_the_selected_backup(panel, context):
    assert panel.current == BACKUPS[0]
    assert not panel.calendar.isVisible()
    panel.shape.select("calendar")
    assert panel.calendar.isVisible()
    assert panel.calendar.title.text() == "Jan 2024"
    assert panel.calendar.grid.day == date(2024, 1, 15)
    assert len(taken(panel)) == 2
    assert context.settings.get("backups/view") == "calendar"
    panel.shape.select("list")
    assert len(taken(panel)) == 4
    assert panel.current == BACKUPS[0]


def test_keys_move_by_days_weeks_and_months(panel, qtbot):
    panel.shape.select("calendar")
    grid = panel.calendar.grid
    keys = [
        (Qt.Key.Key_Left, date(2024, 1, 14)), (Qt.Key.Key_Up, date(2024, 1, 7)),
        (Qt.Key.Key_Up, date(2023, 12, 31)), (Qt.Key.Key_Right, date(2024, 1, 1)),
        (Qt.Key.Key_Down, date(2024, 1, 8)), (Qt.Key.Key_PageUp, date(2023, 12, 8)),
        (Qt.Key.Key_End, date(2023, 12, 31)), (Qt.Key.Key_PageDown, date(2024, 1, 31)),
        (Qt.Key.Key_PageDown, date(2024, 2, 29)), (Qt.Key.Key_Home, date(2024, 2, 1)),
    ]  # fmt: skip
    for key, expected in keys:
        qtbot.keyClick(grid, key)
        assert grid.day == expected
        assert grid.currentIndex().data() == str(expected.day)
    assert panel.calendar.title.text() == "Feb 2024"
    assert taken(panel) == []
    assert panel.current is None
    panel.calendar.before.click()
    assert panel.calendar.title.text() == "Jan 2024"
    panel.calendar.after.click()
    panel.calendar.today.click()
    assert grid.day == today()


def test_enter_and_a_double_click_select_the_newest_backup_of_the_day(panel, qtbot):
    with qtbot.waitActive(panel):
        panel.activateWindow()
    panel.shape.select("calendar")
    grid = panel.calendar.grid
    grid.setFocus()
    for _ in range(3):
        qtbot.keyClick(grid, Qt.Key.Key_Left)
    assert panel.current is None
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert panel.current == BACKUPS[2]
    assert panel.table.hasFocus()
    index = grid.model().index_of(date(2024, 1, 15))
    where = grid.visualRect(index).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert grid.day == date(2024, 1, 15)
    qtbot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert panel.current == BACKUPS[0]


def test_a_screen_reader_reads_what_a_day_has(panel):
    panel.shape.select("calendar")
    model = panel.calendar.grid.model()
    role = Qt.ItemDataRole.AccessibleTextRole
    texts = [model.index_of(date(2024, 1, day)).data(role) for day in (12, 13, 15)]
    assert texts == [
        "12 Jan 2024: 2 backups. At least one is damaged.",
        "13 Jan 2024: no backup.",
        "15 Jan 2024: 2 backups. All are complete. A restore drill has proven at least one.",
    ]
    assert "● complete" in panel.calendar.grid.accessibleDescription()


def test_a_backup_that_is_selected_from_elsewhere_has_its_day_shown(panel):
    panel.shape.select("calendar")
    panel.show_loading("orders")
    panel.show_backups("orders", BACKUPS, ORIGIN, BACKUPS[2].key)
    assert panel.calendar.grid.day == date(2024, 1, 12)
    assert panel.current == BACKUPS[2]


@pytest.mark.parametrize(("height", "row"), [(360, 17), (420, 22), (600, 28)])
def test_the_calendar_is_painted_and_does_not_scroll(panel, height, row):
    panel.shape.select("calendar")
    panel.resize(360, height)
    grid = panel.calendar.grid
    assert not panel.grab().isNull()
    assert grid.rowHeight(0) == row
    for bar in (grid.horizontalScrollBar(), grid.verticalScrollBar()):
        assert bar.maximum() == 0
    assert grid.editTriggers() == QAbstractItemView.EditTrigger.NoEditTriggers


def test_buttons_explain_themselves(panel):
    panel.show_backups("orders", [replace(BACKUPS[0], state=BackupState.OLD_FORM)], ORIGIN)
    assert not panel.pin.isEnabled()
    assert "old form" in panel.pin.toolTip()
    panel.show_backups("orders", [replace(BACKUPS[0], pinned=True, pin_note="x")], ORIGIN)
    assert panel.pin.text() == "Unpin"
    checked = panel.model.index(0, BackupsModel.CHECKED)
    assert checked.data().startswith("pinned")
    assert "pinned: x" in checked.data(Qt.ItemDataRole.ToolTipRole)
    assert not cut_cells(panel, moments=False)
    panel.allow("The profile is read-only.")
    assert panel.pin.reason == "The profile is read-only."
    panel.show_nothing()
    for button in (panel.pin, panel.drill, panel.verify):
        assert button.reason == "Select a backup first."
