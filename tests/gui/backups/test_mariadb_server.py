"""An operator backs up, loses, compares and restores a table of a MariaDB server in the window."""

import os
from uuid import uuid4

import pytest
from helpers.databases import mariadb_server
from PySide6.QtWidgets import QLabel

from gui.dialogs.confirm import Confirm
from gui.tabs.backups.server_dialog import ServerDialog

__all__ = ["mariadb_server"]

#: Milliseconds; a busy machine may need seconds to start the engine process.
WAIT = 30_000
_PASSWORD = "pass-of-the-operator"


@pytest.fixture
def trading(mariadb_server):
    """The name of a database with the table `orders`, whose user is the operator."""
    name = f"trading_{uuid4().hex[:8]}"
    ask = mariadb_server.ask
    ask(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    ask("CREATE USER IF NOT EXISTS operator@'%%' IDENTIFIED BY %s", _PASSWORD)
    ask(f"GRANT ALL PRIVILEGES ON {name}.* TO operator@'%%'")
    ask(f"CREATE TABLE {name}.orders (id INT PRIMARY KEY AUTO_INCREMENT, symbol VARCHAR(20), "
        "price DECIMAL(18,8), note TEXT)")  # fmt: skip
    ask(f"INSERT INTO {name}.orders (symbol, price, note) VALUES ('BTC_USDT', 42123.12345678, NULL), "
        "('ETH_USDT', 2500.5, ''), ('SOL_USDT', 98.00000001, 'Zürich')")  # fmt: skip
    yield name
    ask(f"DROP DATABASE {name}")


@pytest.fixture
def settled(qtbot):
    def wait(tab):
        qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)

    return wait


def visible(tab, kind):
    return next(each for each in tab.findChildren(kind) if each.isVisible())


def confirm(qtbot, tab, typed):
    qtbot.waitUntil(lambda: any(each.isVisible() for each in tab.findChildren(Confirm)))
    question = visible(tab, Confirm)
    texts = " ".join(label.text() for label in question.findChildren(QLabel))
    question.field.setText(typed)
    question.go.click()
    return texts


def log_in(qtbot, tab, server, database):
    tab.opener.open_server()
    dialog = visible(tab, ServerDialog)
    form = dialog.form
    form.engine.setCurrentIndex(form.engine.findText("MariaDB or MySQL"))
    assert form.port.text() == "3306"
    for line, text in (
        (form.host, "127.0.0.1"), (form.port, str(server.port)), (form.database, database),
        (form.user, "operator"), (form.password.line, _PASSWORD),
    ):  # fmt: skip
        line.setText(text)
    dialog.store.setChecked(False)
    picture(tab.window(), "login")
    dialog.go.click()
    qtbot.waitUntil(lambda: database in tab.sources.current.address and not tab.busy, timeout=WAIT)


def picture(window, name):
    """Save a picture of the window in the folder of `STRONGROOM_PICTURES`, if it is set."""
    if folder := os.environ.get("STRONGROOM_PICTURES"):
        window.grab().save(f"{folder}/mariadb-{name}.png")


def test_a_dropped_table_comes_back(qtbot, tab, mariadb_server, trading, settled):
    def rows():
        return mariadb_server.ask(f"SELECT * FROM {trading}.orders ORDER BY id")

    tab.window().resize(1280, 800)
    log_in(qtbot, tab, mariadb_server, trading)
    before = rows()
    tab.tables.select("orders")
    settled(tab)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up orders: 3 rows" in tab.banner.text, timeout=WAIT)

    mariadb_server.ask(f"UPDATE {trading}.orders SET price = 1 WHERE id = 1")
    mariadb_server.ask(f"DELETE FROM {trading}.orders WHERE id = 2")
    lost = rows()
    settled(tab)
    tab.flow.compare()
    settled(tab)
    difference = tab.restoring.preview.difference
    assert (difference.added, difference.changed, difference.removed) == (1, 1, 0)
    picture(tab.window(), "compared")
    tab.restoring.in_place.click()
    assert f"{trading} on 127.0.0.1:{mariadb_server.port}" in confirm(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: "restored" in tab.banner.text or tab.banner.failed, timeout=WAIT)
    assert rows() == before, tab.banner.text
    settled(tab)
    picture(tab.window(), "restored")
    tab.former_bar.undo.click()
    confirm(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: "undone" in tab.banner.text, timeout=WAIT)
    assert rows() == lost
    # Until the lists are loaded again: without its table, the backup would not be selected then.
    qtbot.waitUntil(
        lambda: tab.restoring.preview and tab.restoring.preview.difference.added == 1, timeout=WAIT
    )
    settled(tab)

    mariadb_server.ask(f"DROP TABLE {trading}.orders")
    tab.flow.compare()
    qtbot.waitUntil(
        lambda: tab.restoring.preview and not tab.restoring.preview.exists, timeout=WAIT
    )
    settled(tab)
    qtbot.waitUntil(tab.restoring.in_place.isEnabled, timeout=WAIT)
    tab.restoring.in_place.click()  # nothing is overwritten, so nothing is asked
    qtbot.waitUntil(
        lambda: "orders was restored" in tab.banner.text or tab.banner.failed, timeout=WAIT
    )
    assert "orders was restored" in tab.banner.text
    assert rows() == before
    settled(tab)
    picture(tab.window(), "restored-after-drop")


def test_dangling_rows_are_shown_and_allowed(qtbot, tab, mariadb_server, trading, settled):
    log_in(qtbot, tab, mariadb_server, trading)
    tab.tables.select("orders")
    settled(tab)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up orders: 3 rows" in tab.banner.text, timeout=WAIT)
    ask = mariadb_server.ask
    ask(f"INSERT INTO {trading}.orders (id) VALUES (9)")
    ask(f"CREATE TABLE {trading}.fills (o INT, FOREIGN KEY (o) REFERENCES orders (id))")
    ask(f"INSERT INTO {trading}.fills VALUES (9), (1)")
    settled(tab)
    tab.flow.compare()
    settled(tab)
    assert tab.restoring.preview.orphans == (("fills", 1),)
    tab.restoring.in_place.click()
    assert "1 row of fills will have dangling foreign keys" in confirm(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: "restored" in tab.banner.text or tab.banner.failed, timeout=WAIT)
    assert len(ask(f"SELECT id FROM {trading}.orders")) == 3, tab.banner.text
    settled(tab)
