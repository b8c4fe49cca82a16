"""Displayed ages are updated, and times follow the selected time zone."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from core.links.ledger import Entry
from core.local.settings import Settings
from core.model.listing import ObjectRow
from core.units import format_age, format_moment, utc_now
from gui import clock
from gui.main_window.status_bar import StatusBar
from gui.main_window.tasks_model import TasksModel
from gui.tabs.browser.folder_model import FolderModel
from gui.tabs.browser.folder_rows import MODIFIED, rows_of
from gui.tabs.links.models import LedgerModel
from gui.widgets.labels import Pill, Text
from gui.widgets.table import make_table

WHEN = datetime(2024, 1, 15, 10, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    clock.current().set_zone("utc")
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def folder():
    model = FolderModel()
    model.add(rows_of("", (), [ObjectRow("a.json", 5, WHEN)]))
    return model


def test_the_zone_changes_everywhere_at_once_and_is_stored(
    berlin, context, qtbot, folder, tmp_path
):
    table = make_table(folder, "Objects")
    label, pill = Text(), Pill()
    for widget in (table, label, pill):
        qtbot.addWidget(widget)
        widget.show()
    label.show_live(partial(format_moment, WHEN))
    pill.show_live(partial(format_moment, WHEN))
    bar = StatusBar(context, TasksModel(context.runner))
    qtbot.addWidget(bar)
    assert bar.zone.text() == "UTC ▾"
    actions = {action.text(): action for action in bar.zone.menu().actions()}
    actions["Show times in local time"].trigger()
    head = folder.headerData(MODIFIED, Qt.Orientation.Horizontal)
    assert head == "Modified (local)"
    assert folder.index(0, MODIFIED).data() == "15 Jan 2024 11:00:00"
    assert label.text() == pill.text() == "15 Jan 2024 11:00:00 UTC+1"
    assert bar.zone.accessibleName().startswith("Times are shown in Local time, UTC+")
    context.settings.flush()
    assert Settings(tmp_path).get(clock.ZONE_SETTING) == "local"
    actions["Show times in UTC"].trigger()
    assert label.text() == "15 Jan 2024 10:00:00 UTC"
    assert folder.headerData(MODIFIED, Qt.Orientation.Horizontal) == "Modified (UTC)"


@pytest.mark.parametrize(("stored", "zone"), [("local", "local"), ("utc", "utc"), (None, "utc")])
def test_a_stored_zone_that_means_nothing_is_utc(stored, zone):
    assert clock.zone_of(stored) == zone


def test_an_age_counts_up_only_while_it_is_visible(qtbot):
    begun = utc_now() - timedelta(seconds=59)
    label = Text()
    qtbot.addWidget(label)
    label.show_live(partial(format_age, begun))
    assert label.text() == "59 s ago"
    ticking = clock.current()
    label.show()
    qtbot.waitUntil(lambda: label.text() == "1 min ago")
    label.hide()
    ticking._timer.timeout.emit()
    assert not ticking.running or _others_follow()


def _others_follow():
    """Widgets of other tests that are not gone yet."""
    from PySide6.QtWidgets import QApplication

    return any(widget.isVisible() for widget in QApplication.allWidgets())


def test_another_text_ends_what_was_live(qtbot):
    label = Text()
    qtbot.addWidget(label)
    label.show()
    label.show_live(lambda: "live")
    label.setText("still")
    clock.current().ticked.emit()
    assert label.text() == "still"


def test_remaining_time_in_a_table_counts_down_to_the_end(monkeypatch):
    model = LedgerModel()
    ends = utc_now() + timedelta(seconds=30)
    model.show([Entry("b", "k", "GET", utc_now(), ends, "me", "AKIAEXAMPLE")])
    cells = [model.index(0, column) for column in (2, 3)]
    assert cells[1].data().endswith(" s")
    monkeypatch.setattr("core.units.utc_now", lambda: ends + timedelta(seconds=1))
    monkeypatch.setattr("core.links.ledger.utc_now", lambda: ends + timedelta(seconds=1))
    assert cells[0].data() == "expired"
    assert cells[1].data().startswith("expired ")


def test_what_is_renewed_does_not_keep_its_widget_alive(qtbot):
    class Shown(QWidget):
        def renew(self):
            """Nothing to show."""

    widget = Shown()
    gone = []
    widget.destroyed.connect(lambda: gone.append(True))
    clock.follow_time(widget, widget.renew)
    widget.deleteLater()
    del widget
    qtbot.waitUntil(lambda: bool(gone))
