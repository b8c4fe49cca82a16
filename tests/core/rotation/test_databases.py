"""Users of real databases sign in and change their passwords."""

import socket
import ssl
import threading
from contextlib import closing

import pytest
from helpers.databases import mariadb_server, postgresql_server  # noqa: F401 - fixtures

from core.errors import Cancelled, CredentialsInvalid, DatabaseError, NotSupported, Offline
from core.redaction import Secret
from core.rotation.databases import login_for
from core.rotation.databases.passwords import PASSWORD_BITS, generate_password
from core.work import Work

pytestmark = pytest.mark.db
ENGINES = ("postgresql", "mariadb")


@pytest.fixture(params=ENGINES)
def server(request):
    return request.getfixturevalue(f"{request.param}_server")


def test_a_password_is_checked_and_changed(server):
    user, work = server.login(), Work()
    login, old, new = login_for(user.values), Secret(user.password), generate_password()
    login.check(old, work)
    with pytest.raises(CredentialsInvalid):
        login.check(new, work)
    login.change(old, new, work)
    assert server.accepts(user, new.reveal())
    assert not server.accepts(user, user.password)
    with pytest.raises(CredentialsInvalid):
        login.change(old, new, work)
    login.change(new, old, work)  # an odd one: quotes and backslashes
    assert server.accepts(user, user.password)
    login.check(old, work)


def test_a_login_reads_no_certificates_of_the_system(server, monkeypatch):
    """They serve no connection that is not verified, and take longer to read than the login."""
    user, read = server.login(), []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: read.append("all"))
    login_for(user.values).check(Secret(user.password), Work())
    assert read == []


def test_a_login_is_encrypted_if_the_server_offers_it(postgresql_server):  # noqa: F811 - the fixture
    user = postgresql_server.login()
    with login_for(user.values)._session(Secret(user.password), Work()) as session:
        assert session.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [[True]]


@pytest.mark.parametrize("password", ["päßwörd-ünïcode", "ﬁ ligature", "'; DROP TABLE x; --"])
def test_foreign_passwords_are_set_as_the_servers_own_clients_would(server, password):
    user, work = server.login(), Work()
    login, new = login_for(user.values), Secret(password)
    login.change(Secret(user.password), new, work)
    login.check(new, work)


def test_an_md5_server_gets_md5(postgresql_server):  # noqa: F811 - the fixture
    user = postgresql_server.login()
    name = user.username.replace('"', '""')
    postgresql_server.ask(f"ALTER ROLE \"{name}\" SET password_encryption = 'md5'")
    login_for(user.values).change(Secret(user.password), Secret("a new password"), Work())
    stored = postgresql_server.ask(
        f"SELECT rolpassword FROM pg_authid WHERE rolname='{user.username}'"
    )
    assert stored[0][0].startswith("md5")


def test_other_refusals_are_no_wrong_password(server):
    user = server.login()
    with pytest.raises(DatabaseError, match="reported an error") as output:
        login_for({**user.values, "database": "nowhere"}).check(Secret(user.password), Work())
    assert not output.value.retryable
    server.let_in(user, allowed=False)
    with pytest.raises(DatabaseError, match="reported an error"):
        login_for(user.values).check(Secret(user.password), Work())


@pytest.mark.parametrize("engine", ENGINES)
def test_no_one_listens(engine):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        values = {"host": "127.0.0.1", "port": free.getsockname()[1], "username": "x"}
        with pytest.raises(Offline, match="cannot be reached") as output:
            login_for({**values, "engine": engine}).check(Secret("a password"), Work())
    assert "refused" in output.value.cause


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_something_else_answers(engine, answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def play():
            link, _ = listener.accept()
            with link:
                if answer:
                    link.sendall(answer)
                    link.recv(100)

        player = threading.Thread(target=play)
        player.start()
        port = listener.getsockname()[1]
        values = {"host": "127.0.0.1", "port": port, "username": "x", "engine": engine}
        with pytest.raises((DatabaseError, Offline)):
            login_for(values).check(Secret("a password"), Work())
        player.join()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cancel_closes_the_connection_of_a_silent_server(engine):
    work = Work()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        canceller = threading.Timer(0.2, work.token.cancel)
        canceller.start()
        port = listener.getsockname()[1]
        values = {"host": "127.0.0.1", "port": port, "username": "x", "engine": engine}
        with pytest.raises(Cancelled):
            login_for(values).check(Secret("a password"), work)
        canceller.join()


def test_a_secret_names_its_database():
    where = {"host": "db", "username": "u"}
    assert login_for(where).address.port == 5432
    assert login_for({**where, "port": "6543"}).address.port == 6543
    assert login_for({**where, "engine": "mysql+pymysql"}).address.port == 3306
    with pytest.raises(NotSupported):
        login_for({**where, "engine": "oracle"})


def test_generated_passwords_are_strong_and_plain():
    assert PASSWORD_BITS >= 128
    for password in (generate_password().reveal() for _ in range(200)):
        assert len(password) == 32
        assert password[0].isalpha()
        assert set(password) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
        )
