"""The Backups tab works with database servers: login, list of sources, backup, restore and undo."""

import json
from pathlib import Path

import pytest
from helpers.databases import postgresql_server
from helpers.keyrings import ForgetfulKeyring, allow, memory_keyring
from helpers.postgresql_tables import new_database, trading
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from gui.dialogs.confirm import Confirm
from gui.shortcuts import Binding
from gui.tabs.backups.secret_dialog import SecretDialog
from gui.tabs.backups.server_dialog import ServerDialog
from gui.tabs.backups.servers import SERVER_KINDS, ServerLogin, is_server, login_of

__all__ = ["postgresql_server"]

#: Nothing listens there: a connection is refused at once.
SILENT = "postgresql://backup@127.0.0.1:9/trading"

#: Milliseconds; a busy machine may need seconds to start the engine process.
WAIT = 30_000


@pytest.fixture
def orders(postgresql_server):
    """A database of a real server, with tables and their owner."""
    with new_database(postgresql_server) as made:
        yield trading(made)


@pytest.fixture
def stored_passwords(monkeypatch):
    yield from memory_keyring(monkeypatch)


@pytest.fixture
def settled(qtbot):
    def wait(tab):
        qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)

    return wait


def opened(tab, kind):
    return next(each for each in tab.findChildren(kind) if each.isVisible())


def fill(form, database, password):
    form.host.setText("127.0.0.1")
    form.port.setText(str(database.server.port))
    form.database.setText(database.name)
    form.user.setText(database.user)
    form.password.line.setText(password)


def log_in(qtbot, tab, database):
    tab.opener.open_server()
    dialog = opened(tab, ServerDialog)
    dialog.store.setChecked(False)
    fill(dialog.form, database, database.password)
    dialog.go.click()
    url = database.address.url
    qtbot.waitUntil(lambda: tab.sources.current.address == url and not tab.busy, timeout=WAIT)


def confirm(qtbot, tab, typed):
    qtbot.waitUntil(lambda: any(each.isVisible() for each in tab.findChildren(Confirm)))
    question = opened(tab, Confirm)
    texts = " ".join(label.text() for label in question.findChildren(QLabel))
    question.field.setText(typed)
    question.go.click()
    return texts


@pytest.mark.parametrize("kind", SERVER_KINDS, ids=lambda kind: kind.scheme)
@pytest.mark.parametrize("tls", ["prefer", "require", "verify"])
def test_the_form_can_be_filled_again_from_its_url(kind, tls):
    authority = "/etc/ssl/company ca.pem" if tls == "verify" else ""
    login = ServerLogin(kind, "db.example.com", 6000, "trading/eu", 'us"er@home', tls, authority)
    assert is_server(login.url())
    assert login_of(login.url()) == login


def test_the_url_of_the_form_is_understood_by_its_engine():
    from core.backup.databases import origin_of

    for kind in SERVER_KINDS:
        url = ServerLogin(kind, "db.example.com", kind.port, "trading", "backup", "verify").url()
        assert origin_of(url).host == f"db.example.com:{kind.port}"


def test_the_dialog_shows_what_is_missing_and_the_usual_port(qtbot, fresh_tab):
    fresh_tab.show()
    fresh_tab.opener.open_server()
    dialog = opened(fresh_tab, ServerDialog)
    form = dialog.form
    assert not dialog.go.isEnabled()
    assert dialog.reason.text() == "Enter the host name or IP address of the server."
    assert form.port.text() == "5432"
    assert "~/.pgpass" in form.password.line.placeholderText()
    form.engine.setCurrentIndex(1)
    assert form.port.text() == "3306"
    assert "~/.my.cnf" in form.password.line.placeholderText()
    form.port.setText("3307")
    form.engine.setCurrentIndex(0)
    assert form.port.text() == "3307", "a port that was entered stays"
    assert not form.authority.isVisible()
    form.tls.setCurrentIndex(2)
    assert form.authority.isVisible()
    dialog.reject()


def test_a_url_that_was_typed_is_used_by_the_next_key(qtbot, fresh_tab):
    fresh_tab.show()
    fresh_tab.opener.open_server()
    dialog = opened(fresh_tab, ServerDialog)
    form = dialog.form
    dialog.activateWindow()
    qtbot.waitUntil(form.host.hasFocus, timeout=WAIT)
    for typed in ("mysql://", "mysql://ada@db.example.com:3307/sho"):
        form.host.clear()
        qtbot.keyClicks(form.host, typed)
    assert not dialog.go.isEnabled()
    assert dialog.reason.text() == "Press Tab or Enter to fill in the form from the URL."
    qtbot.keyClicks(form.host, "p")
    qtbot.keyClick(form.host, Qt.Key.Key_Tab)
    assert (form.host.text(), form.port.text()) == ("db.example.com", "3307")
    assert (form.database.text(), form.user.text()) == ("shop", "ada")
    assert dialog.reason.text() == ""
    assert dialog.go.isEnabled()
    dialog.reject()


def test_the_search_finds_the_three_ways_to_open_a_database(fresh_tab):
    bound = {each.action.id: each for each in fresh_tab.findChildren(Binding)}
    assert {"backups.open_file", "backups.open_server", "backups.open_secret"} <= set(bound)
    assert [entry.text() for entry in fresh_tab.opener.menu.actions()] == [
        "SQLite file…", "Database server…", "From a secret…", "From cryptotrading/database",
    ]  # fmt: skip
    fresh_tab.opener.menu.aboutToShow.emit()
    without_connection = fresh_tab.opener.menu.actions()[-1]
    assert not without_connection.isEnabled()
    assert "Connect to a bucket first" in without_connection.toolTip()
    bound["backups.open_secret"].perform()
    assert not fresh_tab.findChildren(SecretDialog)


def test_an_unusable_keyring_is_explained_and_the_secret_suggested(qtbot, fresh_tab, monkeypatch):
    import keyring

    allow(monkeypatch, ForgetfulKeyring)
    keyring.set_keyring(ForgetfulKeyring())
    fresh_tab.show()
    fresh_tab.opener.open_server()
    dialog = opened(fresh_tab, ServerDialog)
    qtbot.waitUntil(lambda: not dialog.store.isEnabled())
    assert not dialog.store.isChecked()
    assert "does not store passwords" in dialog.note.text()
    assert "From a secret…" in dialog.note.text()
    dialog.reject()


def test_a_refused_login_is_shown_and_a_good_one_is_stored_in_the_keyring(
    qtbot, tab, orders, settled, stored_passwords
):
    tab.opener.open_server()
    dialog = opened(tab, ServerDialog)
    qtbot.waitUntil(lambda: not tab.context.runner.busy)
    texts = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "The demo has no database server" in texts
    fill(dialog.form, orders, "not the password")
    dialog.go.click()
    qtbot.waitUntil(lambda: dialog.banner.failed, timeout=WAIT)
    assert "refuses the login" in dialog.banner.text
    assert "Check the user and the password" in dialog.banner._why.text()
    assert stored_passwords.entries == {}
    dialog.form.password.line.setText(orders.password)
    dialog.go.click()
    url = orders.address.url
    qtbot.waitUntil(lambda: tab.sources.current.address == url and not tab.busy, timeout=WAIT)
    assert any(orders.password in text for text in stored_passwords.entries.values())
    assert tab.context.settings.get("backups/database") == [url]
    source = tab.sources.current
    assert source.name == f"{orders.name} (PostgreSQL)"
    assert source.hint.splitlines() == [
        f"{orders.name} on 127.0.0.1:{orders.server.port} (PostgreSQL)",
        f"PostgreSQL {source.facts.version}",
        "TLS, certificate not verified",
        f"as {orders.user}",
    ]


def test_a_login_without_a_password_uses_the_password_file(
    qtbot, tab, orders, settled, stored_passwords
):
    path = Path.home() / ".pgpass"
    path.write_text(f"*:*:{orders.name}:{orders.user}:{orders.password}\n")
    path.chmod(0o600)
    tab.opener.open_server()
    dialog = opened(tab, ServerDialog)
    fill(dialog.form, orders, "")
    dialog.go.click()
    qtbot.waitUntil(
        lambda: tab.sources.current.address == orders.address.url and not tab.busy, timeout=WAIT
    )
    settled(tab)
    assert stored_passwords.entries == {}
    tab.tables.select("orders")
    settled(tab)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up orders" in tab.banner.text, timeout=WAIT)
    settled(tab)


def test_a_table_of_a_server_is_backed_up_and_a_restore_undone(qtbot, tab, orders, settled, caplog):
    log_in(qtbot, tab, orders)
    before = orders.content("orders")
    orders.run("GRANT SELECT ON orders TO PUBLIC")
    tab.tables.select("orders")
    settled(tab)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up orders" in tab.banner.text, timeout=WAIT)
    orders.run("REVOKE SELECT ON orders FROM PUBLIC")
    orders.run("DELETE FROM orders WHERE id = (SELECT max(id) FROM orders)")
    lost = orders.content("orders")
    settled(tab)
    tab.flow.compare()
    settled(tab)
    preview = tab.restoring.preview
    assert preview.difference.added == 1
    facts = tab.restoring._shown.findChildren(QLabel)
    assert "engine: PostgreSQL" in {label.accessibleName() for label in facts}
    assert "PUBLIC:SELECT" in tab.restoring.grants.toolTip()
    tab.restoring.grants.click()
    tab.restoring.in_place.click()
    place = f"Database: {orders.name} on 127.0.0.1:{orders.server.port} (PostgreSQL)."
    assert place in confirm(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: "restored" in tab.banner.text or tab.banner.failed, timeout=WAIT)
    assert "orders was restored" in tab.banner.text, tab.banner._why.text()
    assert orders.content("orders") == before
    granted = "SELECT has_table_privilege('pg_monitor', 'orders', 'SELECT')"
    assert orders.run(granted) == [[True]], "the grant of the backup"
    settled(tab)
    tab.former_bar.undo.click()
    assert place in confirm(qtbot, tab, "orders")
    qtbot.waitUntil(lambda: "undone" in tab.banner.text, timeout=WAIT)
    assert orders.content("orders") == lost
    assert orders.run(granted) == [[False]]
    settled(tab)
    check_password_is_nowhere(tab, orders.password, caplog)


def check_password_is_nowhere(tab, password, caplog):
    context = tab.context
    stored = json.dumps(context.settings.get("backups/database"))
    changes = " ".join(str(logged) for logged in context.log.read())
    tasks = " ".join(f"{task.name} {task.order.source} {task.order.target} {task.order.command}"
                     for task in context.runner.tasks)  # fmt: skip
    spoken = " ".join(
        f"{each.accessibleName()} {each.accessibleDescription()} {each.toolTip()}"
        for each in tab.findChildren(QWidget)
    )
    for text in (stored, changes, tasks, spoken, caplog.text):
        assert password not in text


def test_a_server_is_listed_at_the_next_start_and_only_contacted_when_it_is_selected(
    qtbot, fresh_tab, workspace, settled
):
    tab = fresh_tab
    tab.context.settings.set("backups/database", [SILENT])
    tab.context.set_workspace(workspace)
    tab.show()
    settled(tab)
    assert tab.sources.model.sources[0].name == "trading (PostgreSQL)"
    assert tab.sources.current.in_bucket
    assert "Select it to connect." in tab.sources.model.sources[0].hint
    tab.sources.select(SILENT)
    settled(tab)
    assert tab.sources.model.index(0, 1).data() == "offline"
    assert "cannot be reached" in tab.sources.current.hint
    button = tab.tables._empty.button
    assert button.isVisible()
    assert button.text() == "Retry"
    button.click()
    assert tab.busy
    settled(tab)
    assert tab.sources.current.address == SILENT
    assert tab.context.settings.get("backups/database") == [SILENT]


def test_a_password_that_is_missing_at_the_next_start_can_be_entered(
    qtbot, fresh_tab, orders, workspace, settled
):
    url, tab = orders.address.url, fresh_tab
    tab.context.settings.set("backups/database", [url])
    tab.context.set_workspace(workspace)
    tab.show()
    settled(tab)
    tab.sources.select(url)
    settled(tab)
    assert tab.sources.model.index(0, 1).data() == "failed"
    assert tab.tables._empty.button.text() == "Log in…"
    tab.tables._empty.button.click()
    dialog = opened(tab, ServerDialog)
    assert dialog.form.login == login_of(url)
    assert dialog.form.password.line.text() == ""
    dialog.store.setChecked(False)
    dialog.form.password.line.setText(orders.password)
    dialog.go.click()
    qtbot.waitUntil(tab.tables.table.isVisible, timeout=WAIT)
    settled(tab)
    assert tab.sources.current.problem == ""


def test_the_address_in_a_secret_is_used_for_tables_backups_and_targets(
    qtbot, tab, orders, workspace, elsewhere, settled
):
    fields = {
        "engine": "postgresql", "host": "127.0.0.1", "port": orders.server.port,
        "database": orders.name, "username": orders.user, "password": orders.password,
    }  # fmt: skip
    secrets = workspace.secrets
    elsewhere(lambda: secrets.create_secret("cryptotrading/database", fields))
    elsewhere(lambda: secrets.create_secret("another", {"value": "1"}))
    tab.opener.open_secret()
    dialog = opened(tab, SecretDialog)
    qtbot.waitUntil(lambda: dialog.field.text() == "cryptotrading/database", timeout=WAIT)
    # Other tests on this server create keys of backups.
    listed = [name for name in dialog.model.stringList() if not name.startswith("keys/")]
    assert listed == ["another", "cryptotrading/database"]
    dialog.go.click()
    address = "secret:cryptotrading/database"
    assert tab.sources.current.address == address
    settled(tab)
    assert tab.sources.current.name == f"{orders.name} (PostgreSQL)"
    assert "address from the secret cryptotrading/database" in tab.sources.current.hint
    tab.tables.select("users")
    settled(tab)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up users" in tab.banner.text, timeout=WAIT)
    settled(tab)
    assert tab.restoring.preview.difference.added == 0
    assert not any("another database" in text for text in tab.restoring.preview.problems)
    tab.sources.select("")
    settled(tab)
    tab.opener.menu.actions()[-1].trigger()  # the same with one click
    assert tab.sources.current.address == address
    settled(tab)
    tab.sources.select("")
    settled(tab)
    tab.tables.select("users")
    settled(tab)
    targets = tab.restoring.targets
    assert targets.new_file.isEnabled()  # it is converted to SQLite
    assert tab.context.settings.get("backups/database") == [address]
