"""The Backups tab backs up, restores and undoes with the real engine process."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import apsw
import pytest
from helpers.backups import everything
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QFileDialog, QLabel, QPlainTextEdit

from core.backup.run import backup
from core.errors import Offline
from core.model.backup import BackupState
from core.model.database import Reference
from core.objects.reading import read
from core.objects.writing import put
from gui.dialogs.confirm import Confirm
from gui.tabs.backups.models import BackupsModel, CellsModel, TablesModel


def elsewhere(function):
    """Run a call in another thread, as the window does: none may reach AWS from this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def backed_up(tab, path, *tables):
    workspace = tab.context.workspace
    wanted = list(tables) or None
    return elsewhere(lambda: backup(workspace, database=str(path), tables=wanted)).backups[0]


def sql(path, text):
    connection = apsw.Connection(str(path))
    rows = connection.execute(text).fetchall()
    connection.close()
    return rows


def select(qtbot, tab, table):
    tab.tables.select(table)
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)


def answer(tab, typed=""):
    dialog = next(d for d in tab.findChildren(Confirm) if d.isVisible())
    dialog.field.setText(typed)
    assert dialog.go.isEnabled()
    dialog.go.click()


def test_back_up_drop_restore(qtbot, tab, path):
    before = sql(path, "SELECT * FROM users")
    select(qtbot, tab, "users")
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: len(tab.backups.model.backups) == 1, timeout=15_000)
    assert "Backed up users: 3 rows" in tab.banner.text
    sql(path, "DROP TABLE users")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    tab.flow.compare()
    qtbot.waitUntil(
        lambda: tab.restoring.preview and not tab.restoring.preview.exists,
        timeout=15_000,
    )
    assert tab.restoring.as_new.isHidden()
    tab.restoring.in_place.click()
    qtbot.waitUntil(lambda: "users was restored" in tab.banner.text, timeout=15_000)
    assert sql(path, "SELECT * FROM users") == before
    actions = [logged.change.action for logged in tab.context.log.read()]
    assert {"Backing up", "Restoring a table"} <= set(actions)


def test_names_of_figures_need_one_line_in_a_small_window(qtbot, tab, path):
    backed_up(tab, path)
    tab.refresh()
    select(qtbot, tab, "orders")
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.table == "orders", timeout=15_000
    )
    references = (Reference("portfolio", ("order_id", "portfolio_id")),)
    difference = replace(tab.restoring.preview.difference, by_key=())
    preview = replace(
        tab.restoring.preview, incoming=references, orphans=(("portfolio", 3),),
        difference=difference,
    )  # fmt: skip
    tab.resize(853, 440)
    tab.restoring.show_preview(preview, "SQLite")
    names = {"rows to remove", "foreign keys into orders", "dangling rows", "compared"}

    def on_one_line():
        labels = [each for each in tab.restoring.findChildren(QLabel) if not each.isHidden()]
        return {
            each.text()
            for each in labels
            if each.width() >= each.fontMetrics().horizontalAdvance(each.text())
        }

    qtbot.waitUntil(lambda: names <= on_one_line())


def test_restore_in_place_asks_for_the_name_and_can_be_undone(qtbot, tab, path):
    backed_up(tab, path)
    sql(path, "UPDATE orders SET status = 'lost' WHERE id < 10; DELETE FROM orders WHERE id > 50")
    changed = everything(path)
    tab.refresh()
    select(qtbot, tab, "orders")
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.table == "orders", timeout=15_000
    )
    found = tab.restoring.preview.difference
    assert (found.added, found.changed, found.removed) == (10, 9, 0)
    assert tab.restoring.cells.rowCount() == 19
    tab.restoring.in_place.click()
    answer(tab, "orders")
    qtbot.waitUntil(lambda: not tab.former_bar.isHidden(), timeout=15_000)
    assert sql(path, "SELECT count(*) FROM orders WHERE status = 'lost'") == [(0,)]
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    sql(path, "UPDATE orders SET user_id = 2 WHERE user_id = 1; DELETE FROM users WHERE id = 1")
    tab.former_bar.undo.click()
    qtbot.waitUntil(lambda: any(d.isVisible() for d in tab.findChildren(Confirm)))
    question = next(d for d in tab.findChildren(Confirm) if d.isVisible())
    assert not question.go.isEnabled()
    shown = question.findChild(QPlainTextEdit).toPlainText()
    assert shown == f"\N{MINUS SIGN} orders: 60 rows\n+ {tab.former_bar.former}: 50 rows"
    answer(tab, "orders")
    qtbot.waitUntil(lambda: "undone" in tab.banner.text, timeout=15_000)
    assert any(
        "of orders refer to missing rows." in each.text()
        for each in tab.banner.findChildren(QLabel)
    )
    assert sorted(r for r in everything(path) if r[0] == "orders") == sorted(
        r for r in changed if r[0] == "orders"
    )


@pytest.mark.parametrize("gone", [False, True])
def test_after_a_drop_of_a_former_table_its_table_is_selected(qtbot, tab, path, gone):
    backed_up(tab, path)
    tab.refresh()
    select(qtbot, tab, "orders")
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.table == "orders", timeout=15_000
    )
    tab.restoring.in_place.click()
    answer(tab, "orders")
    qtbot.waitUntil(lambda: not tab.former_bar.isHidden() and not tab.busy, timeout=15_000)
    former = tab.former_bar.former
    select(qtbot, tab, former)
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    if gone:  # by another program
        sql(path, f"DROP TABLE {former}")
    tab.former_bar.drop.click()
    answer(tab, former)
    result = f"{former} is not a former table" if gone else "The former table was dropped."
    qtbot.waitUntil(lambda: tab.banner.text.startswith(result), timeout=15_000)
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    assert tab.former_bar.isHidden()
    assert former not in [info.name for info in tab.tables.model.tables]
    assert tab.tables.current.name == "orders"


def test_a_restore_or_a_backup_that_is_stopped_states_the_result(qtbot, tab, path, monkeypatch):
    backed_up(tab, path, "users")
    tab.refresh()
    select(qtbot, tab, "users")
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.table == "users", timeout=15_000
    )
    before = everything(path)
    engine = tab.context.runner._engine_client()
    monkeypatch.setattr(engine, "call", lambda *_order, work, **_more: work.token.wait(30))
    tab.restoring.as_new.click()
    tab.context.runner.bulk_running[0].cancel()  # as in the list of activities
    qtbot.waitUntil(lambda: tab.banner.text == "The restore was stopped. Nothing was changed.")
    assert tab.restoring.in_place.isVisible()
    assert everything(path) == before
    tab.tables.back_up.click()
    tab.context.runner.bulk_running[0].cancel()
    qtbot.waitUntil(lambda: tab.banner.text.startswith("The backup was stopped."))
    assert tab.tables.note.text() == ""


def test_the_bar_of_a_stored_table_hands_the_focus_on_and_messages_keep_clear_of_it(qtbot, tab):
    with qtbot.waitActive(tab):
        tab.activateWindow()
    tab.former_bar.show_former("shop.db", "orders", "orders__before_1")
    tab.banner.show_good("orders was restored.")
    qtbot.waitUntil(lambda: tab.former_bar.isVisible() and tab.former_bar.width() > 100)
    tab.banner.keep_clear()
    assert not tab.banner.geometry().intersects(tab.former_bar.geometry())
    tab.former_bar.keep.setFocus()
    tab.former_bar.keep.click()
    assert tab.tables.table.hasFocus()


def test_under_a_new_name_nothing_is_asked(qtbot, tab, path):
    backed_up(tab, path, "users")
    tab.refresh()
    select(qtbot, tab, "users")
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.table == "users", timeout=15_000
    )
    name = tab.restoring.preview.suggested_name
    tab.restoring.as_new.click()
    qtbot.waitUntil(lambda: "was restored" in tab.banner.text, timeout=15_000)
    assert sql(path, f"SELECT count(*) FROM {name}") == [(3,)]


def test_a_look_at_another_backup_does_not_stop_a_restore(qtbot, tab, path):
    backed_up(tab, path, "users")
    tab.refresh()
    select(qtbot, tab, "users")
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.table == "users", timeout=15_000
    )
    tab.restoring.as_new.click()
    tab.tables.select("orders")
    qtbot.waitUntil(lambda: "was restored" in tab.banner.text, timeout=15_000)


def test_a_broken_backup_says_why_and_verify_reports_a_harmed_one(qtbot, tab, path, bucket):
    done = backed_up(tab, path, "users")
    part = done.key.replace("_manifest.json", "part-00000.jsonl.zst")
    forged = "backups/database/users/2020/01/01/2020-01-01T00:00:00Z_0123456789ab/_manifest.json"

    def harm():
        data = bytearray(read(bucket, part))
        data[20] ^= 1
        put(bucket, part, bytes(data))
        put(bucket, forged, b"{}")

    elsewhere(harm)
    tab.refresh()
    select(qtbot, tab, "users")
    qtbot.waitUntil(lambda: len(tab.backups.model.backups) == 2 and not tab.busy, timeout=15_000)
    assert "is damaged" in tab.banner.text
    tab.banner.clear()
    tab.backups.verify.click()
    qtbot.waitUntil(lambda: "is damaged" in tab.banner.text, timeout=15_000)
    assert tab.backups.model.backups[0].checked.startswith("found damaged on ")
    tab.backups.table.selectRow(1)
    assert tab.backups.current.state is BackupState.BROKEN
    assert tab.restoring.preview is None


def test_a_file_that_is_no_database_is_reported_and_leaves_the_list(qtbot, tab, path, tmp_path):
    (tmp_path / "letter.db").write_text("Dear reader, this is not a database.")
    tab.open_file(str(tmp_path / "letter.db"))
    qtbot.waitUntil(lambda: "not an SQLite database" in tab.banner.text)
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    assert [source.address for source in tab.sources.model.sources] == [str(path), ""]
    assert len(tab.tables.model.tables) == 3
    assert tab.context.settings.get("backups/database") == []


def test_a_read_only_profile_offers_nothing_that_writes(qtbot, tab):
    select(qtbot, tab, "users")
    assert tab.tables.back_up.isEnabled()
    tab.context.lock()
    assert not tab.tables.back_up.isEnabled()
    assert not tab.tables.back_up_all.isEnabled()
    assert not tab.restoring.in_place.isEnabled()
    assert "read-only" in tab.tables.back_up.toolTip()


@pytest.mark.parametrize("model", [TablesModel, BackupsModel, CellsModel])
def test_models_keep_qts_rules(qtbot, model):
    QAbstractItemModelTester(model(), QAbstractItemModelTester.FailureReportingMode.Fatal)


def backed_up_elsewhere(tab, path, host, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("socket.gethostname", lambda: host)
        return backed_up(tab, path, "orders")


def texts(tab, column):
    model = tab.backups.table.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_backups_of_another_database_stand_apart_and_are_named(qtbot, tab, path, monkeypatch):
    mine = backed_up(tab, path, "orders")
    backed_up_elsewhere(tab, path, "staging", monkeypatch)
    tab.refresh()
    select(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    assert tab.backups.current.id == mine.id
    assert not tab.backups.table.isColumnHidden(BackupsModel.DATABASE)
    assert texts(tab, BackupsModel.DATABASE) == ["this one", "staging"]
    assert f"from staging:{path} (SQLite)" in tab.backups.table.model().index(1, 0).data(
        Qt.ItemDataRole.ToolTipRole
    )
    tab.resize(1100, 640)
    assert tab.minimumSizeHint().width() <= 1100
    tab.backups.table.selectRow(1)
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.backup.id != mine.id, timeout=15_000
    )
    assert any("another database: staging" in text for text in tab.restoring.preview.problems)
    assert "another database: staging" in tab.restoring._details.text()


def test_what_was_checked_is_shown_in_the_text_of_the_command_line(qtbot, tab, path):
    done = backed_up(tab, path, "orders")
    tab.refresh()
    select(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    assert texts(tab, BackupsModel.CHECKED) == ["listed, sizes agree"]
    assert tab.backups.table.isColumnHidden(BackupsModel.DATABASE)
    tab.backups.verify.click()
    qtbot.waitUntil(lambda: "every hash as written" in tab.banner.text, timeout=15_000)
    assert done.id in tab.banner.text
    assert texts(tab, BackupsModel.CHECKED)[0].startswith("verified ")
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    assert texts(tab, BackupsModel.CHECKED)[0].startswith("verified ")


def test_the_report_names_the_backup_and_what_no_longer_works(qtbot, tab, path):
    done = backed_up(tab, path, "orders")
    sql(path, "ALTER TABLE orders ADD COLUMN added; CREATE VIEW later AS SELECT added FROM orders")
    tab.refresh()
    select(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    assert "view later: does not work with this schema" in tab.restoring._details.text()
    tab.restoring.in_place.click()
    answer(tab, "orders")
    qtbot.waitUntil(lambda: done.id in tab.banner.text, timeout=15_000)
    assert "verified (SHA-256)" in tab.banner.text
    assert "view later" in tab.banner._why.text()


def test_a_table_that_cannot_be_restored_is_named_as_skipped(qtbot, tab, path):
    connection = apsw.Connection(str(path))
    connection.create_scalar_function("slug", lambda value: value, 1, deterministic=True)
    connection.execute("CREATE TABLE odd(a, b AS (slug(a)) STORED)")
    connection.close()
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy and len(tab.tables.model.tables) == 4, timeout=15_000)
    tab.tables.back_up_all.click()
    qtbot.waitUntil(lambda: "odd was skipped" in tab.banner._why.text(), timeout=15_000)
    assert "slug" in tab.banner._why.text()


def test_no_restore_of_another_table_is_offered_while_backups_cannot_be_listed(
    qtbot, tab, path, monkeypatch
):
    def unreachable(*_args, **_more):
        raise Offline("The endpoint cannot be reached")

    backed_up(tab, path, "users")
    select(qtbot, tab, "users")
    qtbot.waitUntil(tab.restoring.as_new.isVisible, timeout=15_000)
    monkeypatch.setattr("gui.tabs.backups.tab.list_backups", unreachable)
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    assert tab.restoring.as_new.isVisible(), "what was known of the same table stays"
    select(qtbot, tab, "orders")
    assert tab.banner.text == "The endpoint cannot be reached"
    assert not tab.restoring.as_new.isVisible()
    assert not tab.restoring.in_place.isVisible()


def test_the_demo_says_how_to_add_a_server(tab):
    tab.tables.set_narrow(narrow=False)
    tab.tables.set_low(low=False)
    hint = tab.tables._hint
    assert hint.isVisible()
    assert "Database server…" in hint.text()
    server = "postgresql://backup@127.0.0.1:9/trading"
    tab._show_databases([*tab.open_databases.addresses, server])
    assert not hint.isVisible()


def test_the_recovery_kit_is_saved_and_overwrites_nothing(qtbot, tab, tmp_path, monkeypatch):
    folder = tmp_path / "kit"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: dialog.fileSelected.emit(str(folder)))
    tab.routines.bar.kit.click()
    qtbot.waitUntil(lambda: tab.banner.text.startswith("Saved in "), timeout=15_000)
    assert sorted(path.name for path in folder.iterdir()) == ["FORMAT.md", "restore.py"]
    (folder / "restore.py").write_text("mine")
    tab.routines.bar.kit.click()
    qtbot.waitUntil(lambda: "already exists" in tab.banner.text, timeout=15_000)
    assert (folder / "restore.py").read_text() == "mine"


def test_the_dialog_for_the_recovery_kit_is_deleted_after_use(qtbot, tab):
    tab.routines.bar.kit.click()
    (dialog,) = tab.findChildren(QFileDialog)
    dialog.reject()
    qtbot.waitUntil(lambda: not tab.findChildren(QFileDialog))
