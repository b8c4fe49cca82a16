"""What an operator meets with a database server: a pasted URL, long runs, failures and large tables."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from helpers.backups import sql
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from core.backup.listing import list_backups
from core.backup.run import backup
from core.errors import Corrupt, DatabaseError, DatabaseOffline, InvalidInput, LocalIOError
from core.model.backup import Origin
from core.model.backup_listing import StoredTable
from core.model.database import DatabaseInfo, Dependant, TableInfo
from core.model.schedule import BackupHealth, LastBackup
from core.units import format_age
from gui import theme
from gui.tabs.backups.condition_dialog import ConditionDialog
from gui.tabs.backups.models import TablesModel
from gui.tabs.backups.server_dialog import ServerDialog
from gui.tabs.backups.servers import VERIFY, ServerFacts, login_of
from gui.tabs.backups.sources import Source, distinct_name
from gui.widgets.labels import Elided

WAIT = 15_000
URL = "postgresql://ada:s3cret%40%2F@db.example.com:6000/trading?sslmode=require"


@pytest.fixture
def form(qtbot, fresh_tab):
    fresh_tab.show()
    fresh_tab.opener.open_server()
    dialog = next(each for each in fresh_tab.findChildren(ServerDialog) if each.isVisible())
    yield dialog.form
    dialog.reject()


def test_a_pasted_url_fills_the_form_and_its_password_is_hidden(form):
    """It was taken as the name of a host, with its password in plain text."""
    QApplication.clipboard().setText(f" {URL}\n")
    form.host.paste()
    assert form.login == login_of("postgresql://ada@db.example.com:6000/trading?sslmode=require")
    assert form.secret.reveal() == "s3cret@/"
    assert not form.password.revealed
    assert form.problem == ""
    form.host.undo()
    assert "s3cret" not in form.host.text()


def test_a_typed_url_is_used_when_it_is_complete(form):
    QTest.keyClicks(form.host, "mysql://ada@db.example.com/shop?tls=verify&ca=/etc/ca.pem")
    assert form.host.text().startswith("mysql://")
    assert form.problem == "Press Tab or Enter to fill in the form from the URL."
    form.host.editingFinished.emit()
    assert (form.host.text(), form.port.text(), form.user.text()) == (
        "db.example.com", "3306", "ada",
    )  # fmt: skip
    assert (form.kind.scheme, form.tls.currentData()) == ("mysql", VERIFY)
    assert form.authority.text() == "/etc/ca.pem"
    assert form.problem == ""


def test_a_url_that_verifies_the_authority_only_is_not_weakened(form):
    form.host.setText("postgresql://ada@db/trading?sslmode=verify-ca")
    form.host.editingFinished.emit()
    assert form.tls.currentData() == VERIFY


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("db.example.com:6000", "Enter the port in its own field."),
        ("ada@db", "Enter a host name or IP address only, or a complete URL."),
        ("no url://", "Enter a host name or IP address only, or a complete URL."),
        ("fe80::1%eth0", ""),
    ],
)
def test_what_is_no_host_name_is_named(form, host, problem):
    form.host.setText("db")
    form.database.setText("trading")
    form.user.setText("ada")
    form.host.setText(host)
    form.host.editingFinished.emit()
    assert form.problem == problem


def test_the_progress_of_a_backup_is_shown_with_its_database_only(tab, path):
    """The line for it was hidden, since a database has no other text below its tables."""
    tables, database = tab.tables, str(path)
    assert not tables.note.isVisible()
    tables.show_activity(database, "Backing up orders…")
    assert tables.note.isVisible()
    assert tables.note.text() == "Backing up orders…"
    tables.show_bucket(())
    assert tables.note.text() == "Backups from every computer that writes to this bucket."
    tables.show_database(DatabaseInfo("SQLite", "3", "other", ()), Source("/other.db"))
    assert tables.note.text() == "This database has no tables."
    tables.show_database(DatabaseInfo("SQLite", "3", "trading", ()), Source(database))
    assert tables.note.text() == "Backing up orders…"
    tables.show_activity(database, "")
    assert tables.note.text() == "This database has no tables."


def test_the_selected_table_stays_visible_above_the_progress_of_a_backup(qtbot, tab, path):
    """The line for it makes the list lower, which could hide the selected table."""
    tables, database = tab.tables, str(path)
    many = tuple(TableInfo(f"t{number:02}", 1) for number in range(30))
    tables.show_database(DatabaseInfo("SQLite", "3", "trading", many), Source(database))
    view = tables.table
    tab.resize(1066, 600)
    qtbot.waitUntil(lambda: view.viewport().height() < 25 * theme.ROW)
    view.scrollToTop()
    last = view.rowAt(view.viewport().height() - theme.ROW - 1)
    tables.select(f"t{last:02}")
    former = view.height()
    tables.show_activity(database, "Backing up all tables of the database: 12 of 30 tables…")
    qtbot.waitUntil(lambda: view.height() < former)
    index = view.currentIndex()
    assert index.row() == last
    assert view.viewport().rect().contains(view.visualRect(index))


def test_the_line_of_a_backup_appears_and_disappears(qtbot, tab):
    tab.tables.select("orders")
    tab.tables.back_up.click()
    assert tab.tables.note.isVisible()
    assert tab.tables.note.text() == "Backing up orders…"
    qtbot.waitUntil(lambda: "Backed up orders" in tab.banner.text, timeout=WAIT)
    assert not tab.tables.note.isVisible()


def test_the_title_of_a_server_is_its_database_without_the_host(tab):
    address = "postgresql://ada@a-long-host-name.example.com:5432/trading"
    name = "a-long-host-name.example.com:5432/trading"
    info = DatabaseInfo("PostgreSQL", "15", name, ())
    origin = Origin("PostgreSQL", "trading", "a-long-host-name.example.com:5432", "trading")
    facts = ServerFacts("PostgreSQL", "15", origin, "TLS")
    tab.tables.show_database(info, Source(address, facts=facts))
    assert tab.tables._panel.head.title.text() == "trading"


def test_large_numbers_of_rows_are_not_cut(qtbot, tab):
    table, rows = tab.tables.table, TablesModel.ROWS
    tab.resize(1280, 700)
    large = DatabaseInfo("SQLite", "3", "trading", (TableInfo("ticks", 1_234_567_890),))
    tab.tables.show_database(large, Source("/trading.db"))
    qtbot.waitUntil(lambda: table.columnWidth(rows) >= table.sizeHintForColumn(rows))
    assert table.columnWidth(rows) < 140


def title_of(empty):
    return empty.findChildren(Elided)[0].text()


@pytest.fixture
def made(elsewhere, tab, path):
    workspace = tab.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path), tables=["orders"]))
    return elsewhere(lambda: list_backups(workspace, table="orders"))[0]


def test_a_comparison_that_failed_for_another_reason_than_the_backup_can_be_repeated(tab, made):
    """A server that is restarting was reported as a backup that cannot be restored."""
    empty = tab.restoring.empty
    for error in (
        DatabaseOffline("The connection to the database ended"), LocalIOError("No space"),
        DatabaseError("The disk is full"),
    ):  # fmt: skip
        tab.restoring.show_failure(made, error)
        assert title_of(empty) == "The comparison failed"
        assert (empty.button.isHidden(), empty.button.text()) == (False, "Compare")
    tab.restoring.show_failure(made, Corrupt("A part is damaged"))
    assert title_of(empty) == "This backup cannot be restored"
    assert empty.button.isHidden()


def test_a_restore_in_place_that_another_object_prevents_is_disabled(qtbot, tab, made):
    """The name of the table was typed before the restore was refused."""
    tab.refresh()
    tab.tables.select("orders")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None and not tab.busy, timeout=WAIT)
    assert tab.restoring.in_place.isEnabled()
    bound = Dependant("materialized view", "totals", "It is bound to the table.", blocks=True)
    other = Dependant("publication", "all", "Add the table again.")
    preview = replace(tab.restoring.preview, dependants=(other, bound))
    tab.restoring.show_preview(preview, "PostgreSQL")
    assert not tab.restoring.in_place.isEnabled()
    assert tab.restoring.in_place.reason == "materialized view totals: It is bound to the table."
    assert tab.restoring.as_new.property("kind") == "primary"


def test_a_table_that_cannot_be_backed_up_is_marked_with_its_reason(tab):
    hidden = "protected by row-level security, which hides rows from this user"
    info = DatabaseInfo("PostgreSQL", "15", "trading", (TableInfo("secured", None, hidden),))
    tab.tables.show_database(info, Source("/trading.db"))
    model = tab.tables.model
    assert model.index(0, 2).data() == "not possible"
    assert tab.tables.back_up.reason == f"secured is {hidden}."


def test_the_list_of_another_source_begins_with_its_first_table(qtbot, tab):
    """The selection had been scrolled to the top with the height of an empty list."""
    tab.resize(1280, 500)
    names = ("a", "b", *(f"table {number}" for number in range(40)))
    tables = tuple(TableInfo(name, 1, "a view" * (name == "a")) for name in names)
    tab.tables.show_loading("other")
    tab.tables.show_database(DatabaseInfo("SQLite", "3", "other", tables), Source("/other.db"))
    assert tab.tables.current.name == "b"
    bar = tab.tables.table.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == 0)
    bar.setValue(bar.maximum())
    last = bar.value()
    tab.tables.show_database(DatabaseInfo("SQLite", "3", "other", tables), Source("/other.db"))
    qtbot.wait(1)
    assert bar.value() == last, "a refresh does not scroll"


def test_estimates_are_marked(tab):
    tables = (TableInfo("large", 4_000_351, estimated=True), TableInfo("small", 5))
    tab.tables.show_database(DatabaseInfo("SQLite", "3", "other", tables), Source("/other.db"))
    model = tab.tables.model
    assert [model.index(row, TablesModel.ROWS).data() for row in (0, 1)] == ["≈ 4.0 M", "5"]
    tip = model.index(0, TablesModel.ROWS).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.startswith("About 4,000,351 rows, by an estimate of the server")


def test_sources_of_the_same_name_are_distinguished(tab, made):
    shared, other = "postgresql://ada@db:5432/trading", "postgresql://bob@db:5432/trading"
    tab.sources.show_databases([shared, "mysql://ada@db/shop"])
    model = tab.sources.model
    assert model.index(0, 0).data() == "trading (PostgreSQL)"
    tab.sources.show_databases([shared, other, "/a/x.db", "/b/x.db"])
    names = [model.index(row, 0).data() for row in range(4)]
    assert names[:2] == ["trading as ada", "trading as bob"]
    listed = tab.sources.databases
    assert [distinct_name(each, listed) for each in listed] == names
    tab.restoring.targets.show_backup(made, listed)
    buttons = [each.text() for each in tab.restoring.targets.findChildren(QPushButton)]
    assert {"trading as ada…", "trading as bob…"} <= set(buttons)
    assert "/a/x.db" in names[2]
    assert "/b/x.db" in names[3]
    tab.sources.show_databases([shared, shared.replace("5432", "5433"), "secret:s"])
    assert model.index(1, 0).data() == "trading on db:5433 (PostgreSQL)"


HERE = Origin("PostgreSQL", "trading", "db:5432", "trading")
THERE = Origin("MariaDB", "shop", "db:3306", "shop")
JANUARY, MARCH, MAY = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 3, 5))


@pytest.mark.parametrize(
    ("examined", "last"),
    [
        ((), MARCH),  # not examined yet
        ((LastBackup("orders", HERE, JANUARY, 1), LastBackup("orders", THERE, MARCH, 1)), JANUARY),
        ((LastBackup("orders", THERE, MARCH, 2),), None),
        ((LastBackup("orders", Origin(), MARCH, 2),), MARCH),  # an old form records no database
        ((LastBackup("orders", THERE, MARCH, 1),), MARCH),  # the other one was not examined
        ((LastBackup("orders", THERE, JANUARY, 2),), MARCH),  # made since the examination
    ],
)
def test_the_last_backup_of_a_table_is_of_its_database(examined, last):
    """A table that was never backed up was green because of one of the same name elsewhere."""
    model = TablesModel()
    model.set_stored([StoredTable("orders", 2, MARCH), StoredTable("gone", 1, MAY)])
    model.set_examined([*examined, LastBackup("gone", THERE, MAY, 1)])
    model.show([TableInfo("orders", 5)], HERE)
    assert model.index(0, 2).data() == ("never" if last is None else format_age(last))
    tip = model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert (tip or "").endswith("only from other databases.") == (last is None)
    assert model.index(1, 2).data() == format_age(MAY), "an absent table can be restored"
    model.show_bucket()
    assert model.index(0, 2).data() == format_age(MARCH)


def test_a_finished_examination_is_shown_in_the_list_of_tables(qtbot, tab, made):
    watch = tab.context.backup_watch
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    row = tab.tables.model.row_of("orders")
    assert tab.tables.model.index(row, 2).data() != "never"
    last = LastBackup("orders", THERE, made.taken, 1)
    watch.health = BackupHealth((), 1, MAY, (last,))
    watch.changed.emit()
    assert tab.tables.model.index(row, 2).data() == "never"


@pytest.mark.parametrize(("height", "shown"), [(700, 5), (500, 3), (400, 2)])
def test_a_low_window_leaves_room_for_the_tables(qtbot, tab, height, shown):
    """Five databases left room for three tables."""
    tab.sources.show_databases([f"postgresql://ada@db/number{each}" for each in range(9)])
    tab.resize(1280, height)
    table = tab.sources.table
    qtbot.waitUntil(lambda: (table.height() - 32) // theme.ROW == shown)


def test_a_table_whose_name_no_backup_can_have_is_marked(qtbot, tab, path):
    """Its backups were listed with an error, which offered to try again."""
    sql(path, 'CREATE TABLE "a/b" (id INTEGER)')
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy and tab.tables.model.row_of("a/b") >= 0, timeout=WAIT)
    tab.tables.select("a/b")
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert not tab.banner.failed
    reason = (
        "a/b is not usable in the bucket: a slash would divide it into two segments of the key."
    )
    assert tab.tables.back_up.reason == reason
    assert "could not be listed" in title_of(tab.backups._empty)


def test_a_small_page_has_room_for_all_columns_before_the_first_preview(qtbot, tab):
    """At 150 % of 1280 pixels, the page was one pixel too wide and scrolled."""
    for check in (tab.restoring.triggers, tab.restoring.grants):
        check.show()
    # 853 pixels without the minimum of the tables, of the backups, and of two borders.
    qtbot.waitUntil(lambda: tab.restoring.minimumSizeHint().width() <= 853 - 238 - 362 - 2)


def test_the_error_of_a_condition_does_not_cover_the_condition(qtbot, tab, path):
    """It covered the field that was to be corrected."""
    tab.making.back_up_some_rows("orders")
    dialog = next(each for each in tab.findChildren(ConditionDialog) if each.isVisible())
    long = InvalidInput("The condition cannot be used", cause="Long. " * 20, remedy="Try. " * 30)
    dialog.field.setText("nothing = 1")
    dialog.field.setFocus()
    dialog._on_failed(long)

    def covered(widget):
        area = QRect(widget.mapTo(dialog, QPoint()), widget.size())
        return area.intersects(dialog.banner.geometry())

    qtbot.waitUntil(lambda: not covered(dialog.field) and not covered(dialog.remark))
    dialog.reject()
