"""The Backups tab lists open databases and all backups of the bucket."""

import sqlite3
import threading
from contextlib import closing

import pytest
from helpers.backups import trading_database
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit, QStackedWidget, QStyleOptionViewItem

from core.backup.run import backup
from core.errors import Offline
from gui.tabs.backups import tab as tab_module
from gui.tabs.backups.models import BackupsModel, TablesModel
from gui.tabs.backups.open_databases import read_info


def rows(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


def names(tab):
    return [table.name for table in tab.tables.model.tables]


@pytest.fixture
def backed_up(workspace, elsewhere, monkeypatch):
    """Back up a database as another machine would."""

    def run(path, host, *tables):
        with monkeypatch.context() as patched:
            patched.setattr("socket.gethostname", lambda: host)
            wanted = list(tables) or None
            return elsewhere(lambda: backup(workspace, database=str(path), tables=wanted)).backups

    return run


@pytest.fixture
def settled(qtbot):
    def wait(tab):
        qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)

    return wait


def choose_file(tab, path):
    """Answer the open file dialog."""
    dialog = next(each for each in tab.findChildren(QFileDialog) if each.isVisible())
    dialog.selectFile(str(path))
    dialog.accept()


def test_a_fresh_machine_sees_all_of_the_bucket_and_restores_to_a_new_file(
    qtbot, fresh_tab, workspace, path, tmp_path, backed_up, settled
):
    tab, new = fresh_tab, tmp_path / "new.db"
    backed_up(path, "server-a")
    tab.context.set_workspace(workspace)
    tab.show()
    qtbot.waitUntil(tab.restoring.targets.isVisible, timeout=15_000)
    assert [source.name for source in tab.sources.model.sources] == [
        "In the bucket, from all computers"
    ]
    assert tab.sources.model.index(0, 1).data() == "3"
    assert names(tab) == ["audit", "orders", "users"]
    assert tab.tables.model.headerData(1, Qt.Orientation.Horizontal) == "Backups"
    assert not tab.tables.back_up.isVisible()

    tab.tables.select("orders")
    settled(tab)
    assert "60 rows, " in tab.restoring.targets._about.text()
    assert f"from server-a:{path} (SQLite)" in tab.restoring.targets._about.text()
    tab.restoring.targets.new_file.click()
    choose_file(tab, new)
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    assert not new.exists(), "a look writes nothing"
    assert tab.restoring.another.isVisible()
    tab.restoring.in_place.click()
    qtbot.waitUntil(lambda: "orders was restored: 60 rows" in tab.banner.text, timeout=15_000)
    assert rows(new, "orders") == rows(path, "orders")
    settled(tab)
    assert tab.sources.current.address == str(new)
    assert tab.tables.current.name == "orders"
    assert tab.context.settings.get("backups/database") == [str(new)]


def test_a_backup_of_the_bucket_is_compared_with_an_open_database(
    qtbot, tab, tmp_path, backed_up, settled
):
    other = trading_database(tmp_path / "other.db", rows=20)
    backed_up(other, "server-b", "orders")
    tab.refresh()
    settled(tab)
    tab.sources.select("")
    settled(tab)
    assert names(tab) == ["orders"]
    address = str(tab.context.demo_database)
    tab.restoring.targets.database_wanted.emit(address)
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    assert tab.restoring.preview.difference.removed == 40
    assert any("another database: server-b" in text for text in tab.restoring.preview.problems)
    tab.restoring.another.click()
    assert tab.restoring.targets.isVisible()


def test_a_restore_goes_where_it_was_compared_whatever_is_selected_since(
    qtbot, tab, tmp_path, backed_up, settled
):
    backed_up(tab.context.demo_database, "here", "users")
    tab.tables.select("users")
    tab.refresh()
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    preview = tab.restoring.preview
    tab.open_file(str(trading_database(tmp_path / "other.db", rows=2)))
    settled(tab)
    asked = []
    tab.bulk = lambda _name, _operation, arguments, *_more, **_options: asked.append(arguments)
    tab.flow._restore(preview, "copy")
    assert asked[0]["database"] == str(tab.context.demo_database)


def test_backups_of_several_machines_are_named_in_the_bucket(tab, path, backed_up, settled):
    backed_up(path, "server-a", "users")
    backed_up(path, "server-b", "users")
    tab.sources.select("")
    tab.refresh()
    settled(tab)
    model = tab.backups.model
    shown = {model.index(row, BackupsModel.DATABASE).data() for row in range(model.rowCount())}
    assert shown == {"server-a: trading.db", "server-b: trading.db"}
    assert not tab.backups.table.isColumnHidden(BackupsModel.DATABASE)
    assert tab.tables.model.index(0, 1).data() == "2"


def test_several_databases_are_open_and_come_back(qtbot, tab, path, tmp_path, settled):
    other = trading_database(tmp_path / "other.db", rows=2)
    tab.open_file(str(other))
    settled(tab)
    assert [source.name for source in tab.sources.model.sources][:2] == ["trading.db", "other.db"]
    assert tab.sources.current.address == str(other)
    assert tab.context.settings.get("backups/database") == [str(other)]
    tab.sources.select(str(path))
    settled(tab)
    assert tab.tables.model.index(1, TablesModel.heads.index("Rows")).data() == "60"
    tab.sources.select(str(other))
    tab.sources.closer.click()
    settled(tab)
    assert [source.address for source in tab.sources.model.sources] == [str(path), ""]
    assert tab.context.settings.get("backups/database") == []


def test_an_answer_about_a_source_that_was_left_is_not_shown(tab, path, backed_up, settled):
    backed_up(path, "here", "users")
    tab.refresh()
    tab.sources.select("")
    settled(tab)
    assert names(tab) == ["users"]
    tab.sources.select(str(path))
    tab.sources.select("")
    settled(tab)
    assert names(tab) == ["users"]


def test_a_refresh_keeps_the_selected_backup(qtbot, tab, path, backed_up, settled):
    older = backed_up(path, "here", "users")[0]
    backed_up(path, "here", "users")
    tab.tables.select("users")
    tab.refresh()
    qtbot.waitUntil(lambda: tab.backups.model.rowCount() == 2, timeout=15_000)
    tab.backups.table.selectRow(1)
    assert tab.backups.current.id == older.id
    settled(tab)
    tab.refresh()
    settled(tab)
    assert tab.backups.current.id == older.id


def test_an_empty_bucket_says_what_to_do(qtbot, fresh_tab, workspace, settled):
    fresh_tab.context.set_workspace(workspace)
    fresh_tab.show()
    settled(fresh_tab)
    assert fresh_tab.tables._empty.button.isVisible()
    assert "This bucket has no backups" in fresh_tab.tables._empty._title.text()


def test_without_a_connection_the_bucket_leads_to_the_profiles(fresh_tab):
    fresh_tab.show()
    assert not fresh_tab.tables.table.isVisible()
    assert "Not connected" in {
        label.text() for label in fresh_tab.tables.findChildren(type(fresh_tab.tables.note))
    }


@pytest.mark.parametrize("mixed", [False, True], ids=["one database", "several"])
def test_nothing_is_cut_off_at_the_smallest_size(qtbot, tab, path, backed_up, settled, mixed):
    backed_up(path, "here", "orders")
    if mixed:
        backed_up(path, "server-b", "orders")
    tab.setMinimumSize(1100, 552)
    tab.resize(1100, 552)
    tab.tables.select("orders")
    tab.refresh()
    qtbot.waitUntil(lambda: tab.restoring.preview is not None and not tab.busy, timeout=15_000)
    tab.backups.verify.click()
    qtbot.waitUntil(lambda: "every hash" in tab.banner.text, timeout=15_000)
    assert tab.width() == 1100
    for view in (tab.tables.table, tab.backups.table):
        assert cut_off(view) == []
    area = tab.rect()
    for button in (tab.restoring.as_new, tab.restoring.in_place, tab.backups.verify):
        place = button.rect().translated(button.mapTo(tab, button.rect().topLeft()))
        assert area.contains(place), button.text()
        assert button.width() >= button.sizeHint().width(), button.text()


def test_the_time_of_a_backup_is_complete_beside_its_database_in_a_very_narrow_window(
    tab, path, backed_up, settled
):
    backed_up(path, "server-a", "users")
    backed_up(path, "server-b", "users")
    tab.sources.select("")
    tab.refresh()
    settled(tab)
    tab.resize(853, 440)
    assert not tab.backups.table.isColumnHidden(BackupsModel.DATABASE)
    assert tab.backups.table.isColumnHidden(BackupsModel.CHECKED)
    assert cut_off(tab.backups.table) == []
    tab.resize(1200, 640)
    assert not tab.backups.table.isColumnHidden(BackupsModel.CHECKED)


def cut_off(view):
    """Return the texts of a table that do not fit into their columns."""
    bar = view.verticalScrollBar().sizeHint().width()
    delegate, option, model = view.itemDelegate(), QStyleOptionViewItem(), view.model()
    return [
        model.index(row, column).data()
        for row in range(model.rowCount())
        for column in range(model.columnCount())
        if not view.isColumnHidden(column)
        and delegate.sizeHint(option, model.index(row, column)).width()
        > view.columnWidth(column) - (0 if column else bar)
    ]


def test_the_list_of_sources_has_the_first_focus(qtbot, fresh_tab):
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    former = QLineEdit()
    stack.addWidget(former)
    stack.addWidget(fresh_tab)
    stack.show()
    former.setFocus()
    stack.setCurrentWidget(fresh_tab)
    assert stack.focusWidget() is fresh_tab.sources.table
    fresh_tab.setParent(None)  # each is deleted on its own


def test_a_source_that_is_being_read_shows_no_restore_of_the_former_one(
    qtbot, changed, tmp_path, monkeypatch, settled
):
    tab, go = changed, threading.Event()
    tab.tables.select("orders")
    settled(tab)
    assert tab.restoring.preview is not None

    def read_later(*arguments):
        go.wait(10)
        return read_info(*arguments)

    monkeypatch.setattr("gui.tabs.backups.tab.read_info", read_later)
    try:
        tab.open_file(str(trading_database(tmp_path / "slow.db", rows=1)))
        assert tab.restoring.preview is None
        assert not tab.restoring.in_place.isVisible()
        assert not tab.backups.age.isVisible()
    finally:
        go.set()
        settled(tab)


def test_a_database_file_that_has_disappeared_is_not_created_again(qtbot, changed, path, settled):
    tab = changed
    tab.tables.select("orders")
    settled(tab)
    preview = tab.restoring.preview
    path.rename(path.with_name("away.db"))
    tab.flow._restore(preview, "")
    qtbot.waitUntil(lambda: "does not exist any more" in tab.banner.text, timeout=15_000)
    assert not path.exists()
    path.with_name("away.db").rename(path)
    tab.flow._restore(preview, "")
    qtbot.waitUntil(lambda: "orders was restored: 60 rows" in tab.banner.text, timeout=15_000)
    settled(tab)


@pytest.mark.parametrize("failing", [False, True])
def test_backups_that_are_listed_late_are_not_those_of_another_source(
    tab, settled, workspace, monkeypatch, qtbot, backed_up, path, failing
):
    """They were shown, and could be restored, in the source that was selected in between."""
    backed_up(path, "server-a", "orders")
    arrived, go = threading.Event(), threading.Event()
    original = tab_module.list_backups

    def late(*args, **named):
        found = original(*args, **named)
        arrived.set()
        go.wait(10)
        if failing:
            raise Offline("The endpoint cannot be reached")
        return found

    monkeypatch.setattr(tab_module, "list_backups", late)
    tab.tables.select("orders")
    qtbot.waitUntil(arrived.is_set, timeout=15_000)
    tab.sources.select("")
    go.set()
    settled(tab)
    assert tab.tables.current is None
    assert tab.backups.current is None
    assert list(tab.backups.model.backups) == []
    assert not tab.banner.failed
