"""A failure at any point of a restore leaves a PostgreSQL database exactly as it was."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from helpers.backups import MemoryStore, with_other_content
from helpers.databases import Server
from helpers.doses import HEAVY
from helpers.postgresql_tables import Database

from core.backup import manifest as manifests
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.postgresql.names import checked_type
from core.backup.databases.postgresql.session import Session
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.effects import BY_HAND, stating_effect
from core.errors import (
    AccessDenied,
    Cancelled,
    Conflict,
    Corrupt,
    CredentialsInvalid,
    DatabaseError,
    InvalidInput,
    Offline,
    StorageError,
)
from core.model.backup import Backup
from core.redaction import Secret
from core.work import CancelToken, Work

#: `make tables` takes every step; the suite every sixth, from a random start.
EVERY = 1 if HEAVY else 6


class Failing:
    """Calls of a connection, of which the n-th is preceded by an action."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, action: Callable[[Session], None]):
        self.calls = 0
        for name in ("query", "_send"):
            self._watch(monkeypatch, name, at, action)

    def _watch(
        self, monkeypatch: pytest.MonkeyPatch, name: str, at: int, action: Callable[[Session], None]
    ) -> None:
        original = getattr(Session, name)

        def call(session: Session, *arguments: Any) -> Any:
            self.calls += 1
            if self.calls == at:
                action(session)
            return original(session, *arguments)

        monkeypatch.setattr(Session, name, call)


def steps_of(orders: Database, store: MemoryStore, backup: Backup) -> int:
    """Return the number of calls of a restore that succeeds, and undo it."""
    with pytest.MonkeyPatch.context() as patch:
        counted = Failing(patch, 0, lambda session: None)
        report = orders.restore(store, backup)
        steps = counted.calls
    with open_database(orders.address, write=True) as opened, opened.change(work=Work()):
        opened.undo(report.kept)
    return steps


def test_a_connection_that_ends_at_any_step_changes_nothing(
    orders: Database, store: MemoryStore
) -> None:
    backup = orders.back_up(store, "orders")
    orders.script("UPDATE orders SET price = 0 WHERE id < 10")
    steps = steps_of(orders, store, backup)
    before = orders.everything()
    assert steps > 40
    for at in range(random.randint(1, EVERY), steps, EVERY):
        with pytest.MonkeyPatch.context() as patch:
            Failing(patch, at, Session.cut)
            with pytest.raises(StorageError):
                orders.restore(store, backup)
        assert orders.everything() == before, f"changed by an end of the connection at step {at}"


def test_a_server_process_that_is_killed_changes_nothing(
    orders: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    backup = orders.back_up(store, "orders")
    before = orders.everything()
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
        f"datname = '{orders.name}' AND application_name = 'strongroom'"
    )
    for at in range(20, 60, 5 if HEAVY else 15):
        with pytest.MonkeyPatch.context() as patch:
            Failing(patch, at, lambda session: postgresql_server.ask(kill))
            with pytest.raises(Offline):
                orders.restore(store, backup)
        assert orders.everything() == before


def test_a_cancel_ends_a_long_query_at_once_and_changes_nothing(
    orders: Database, store: MemoryStore
) -> None:
    before = orders.everything()
    token = CancelToken()

    def wait() -> None:
        with open_database(orders.address, write=True) as opened, opened.change(work=Work(token)):
            session = opened._session  # type: ignore[attr-defined] # a query of the test
            session.query("DELETE FROM public.fills")
            threading.Timer(0.1, token.cancel).start()
            with session.cancellable(Work(token)):
                session.query("SELECT pg_sleep(30)")

    with pytest.raises(Cancelled):
        wait()
    assert orders.everything() == before


def test_a_locked_table_is_reported_and_unchanged(orders: Database, store: MemoryStore) -> None:
    from pg8000.core import CoreConnection

    backup = orders.back_up(store, "orders")
    before = orders.everything()
    other = CoreConnection(
        orders.user, host="127.0.0.1", port=orders.server.port, database=orders.name,
        password=orders.password, ssl_context=False,
    )  # fmt: skip
    other.execute_simple("BEGIN")
    other.execute_simple("LOCK TABLE orders IN ACCESS SHARE MODE")
    with pytest.MonkeyPatch.context() as patch:
        from core.backup.databases.postgresql import session as sessions

        patch.setitem(sessions._SETTINGS, "lock_timeout", "100ms")
        with pytest.raises(Conflict, match="holds a lock on a table") as swapping:
            orders.restore(store, backup)
        other.execute_simple("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE")
        with pytest.raises(Conflict, match="holds a lock on orders in ") as locking:
            orders.restore(store, backup)
        other.execute_simple("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Conflict) as reading:
            orders.restore(store, backup)
    other.close()
    assert reading.value.cause.endswith("The table being restored is orders.")
    assert swapping.value.cause.endswith("The table being restored is orders.")
    assert "being restored" not in locking.value.cause
    assert orders.everything() == before


@pytest.mark.parametrize("harm", ["missing", "flipped", "swapped"])
def test_a_harmed_part_is_found_before_anything_is_changed(
    orders: Database, store: MemoryStore, harm: str
) -> None:
    orders.script("CREATE TABLE other AS SELECT * FROM orders ORDER BY id DESC")
    backup, other = orders.back_up(store, "orders"), orders.back_up(store, "other")
    before = orders.everything()
    part = backup.key.replace("_manifest.json", "part-00000.csv.zst")
    theirs = other.key.replace("_manifest.json", "part-00000.csv.zst")
    if harm == "missing":
        del store.objects[part]
    elif harm == "flipped":
        data = bytearray(store.objects[part])
        data[len(data) // 2] ^= 1
        store.objects[part] = bytes(data)
    else:
        store.objects[part] = store.objects[theirs]
    with pytest.raises(StorageError):
        orders.restore(store, backup)
    assert orders.everything() == before


#: Definitions that an attacker who can write into the bucket might put into a manifest.
FORGED = {
    "a second statement": lambda s: s["columns"][2].update(default="1); DROP TABLE users; --"),
    "a type with a clause": lambda s: s["columns"][2].update(type="int); DROP TABLE users; --"),
    "a comment": lambda s: s["checks"][0].update(definition="CHECK (true) -- x"),
    "another clause": lambda s: s["keys"][0].update(definition="NOT NULL"),
    "a dollar quote": lambda s: s["checks"][0].update(definition="CHECK ($$a$$ = 'a')"),
    "unbalanced": lambda s: s["indexes"][0].update(definition="USING btree (id)) WITH (x"),
    "a function body": lambda s: s["keys"][0].update(definition="UNIQUE (id); SELECT 1"),
    "a domain": lambda s: s.update(
        types=[
            {
                "name": "x",
                "kind": "domain",
                "items": ["CHECK (true); DROP TABLE users"],
                "base": "int",
                "not_null": False,
                "default": None,
            }
        ]
    ),
    "a collation": lambda s: s["columns"][3].update(collation='"C" CHECK (pg_sleep(9) IS NULL)'),
    "a check in a type": lambda s: s["columns"][2].update(type="int CHECK (pg_sleep(9) IS NULL)"),
    "a default in a type": lambda s: s["columns"][2].update(type="int DEFAULT pg_sleep(9)"),
    "a foreign key in a type": lambda s: s["columns"][2].update(type="int REFERENCES users"),
    "a modifier of a type": lambda s: s["columns"][2].update(type="numeric(3) CHECK (pg_sleep(9))"),
    "a foreign key": lambda s: s["foreign_keys"][0].update(definition="CHECK (true)"),
    "an option": lambda s: s.update(options=["fillfactor=70); DROP TABLE users; --"]),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_definition_is_not_executed(
    orders: Database, store: MemoryStore, forged: str
) -> None:
    backup = orders.back_up(store, "orders")
    body = json.loads(store.objects[backup.key])
    FORGED[forged](body["schema"])
    body["sha256"] = manifests._own_hash(body)
    store.objects[backup.key] = json.dumps(body).encode()
    (listed,) = backups_in(store, "orders", Work())
    before = orders.everything()
    logged = len(orders.server.logs)
    with pytest.raises((Corrupt, DatabaseError, InvalidInput)):
        orders.restore(store, listed)
    assert "pg_sleep(9)" not in orders.server.logs[logged:]
    assert orders.everything() == before


@pytest.mark.parametrize(
    "text",
    [
        "character varying(12)", "timestamp(3) with time zone", "interval day to second(3)",
        'interval(6)', '"char"', "double precision", "bit varying(5)[]", "numeric(3,-2)[][3]",
        'a."b ""c"(1,2)[]', "geometry(Point,4326)", "time without time zone[]", "ünï$1",
    ],
)  # fmt: skip
def test_types_as_the_server_writes_them_are_accepted(text: str) -> None:
    assert checked_type(text) == text


def test_a_user_who_may_only_read_can_back_up(
    orders: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    reader = f"reader_{orders.name}"
    postgresql_server.ask(f"CREATE ROLE {reader} LOGIN PASSWORD 'only reads'")
    orders.script(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")
    address = DatabaseAddress(
        f"postgresql://{reader}@127.0.0.1:{orders.server.port}/{orders.name}", Secret("only reads")
    )
    try:
        with open_database(address) as source:
            with pytest.raises(AccessDenied, match="refuses the action") as refused:
                back_up(store, source, ["orders"], "", Work())
            assert "orders_id_seq" in refused.value.cause
            orders.script(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {reader}")
            backup = back_up(store, source, ["orders"], "", Work()).backups[0]
            with pytest.raises(DatabaseError, match="reported an error"):
                source._session.query("DELETE FROM public.orders")  # type: ignore[attr-defined] # of PostgreSQL
    finally:
        orders.script(
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {reader}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {reader}",
        )
        postgresql_server.ask(f"DROP ROLE {reader}")
    assert backup.rows == 500


def test_a_user_without_temporary_tables_backs_up_the_same_rows(
    orders: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    reader, theirs = f"reader_{orders.name}", MemoryStore()
    expected = orders.back_up(theirs, "orders")
    before = orders.everything()
    postgresql_server.ask(f"CREATE ROLE {reader} LOGIN PASSWORD 'only reads'")
    postgresql_server.ask(f"REVOKE ALL ON DATABASE {orders.name} FROM PUBLIC")
    postgresql_server.ask(f"GRANT CONNECT ON DATABASE {orders.name} TO {reader}")
    orders.script(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {reader}",
    )
    address = DatabaseAddress(
        f"postgresql://{reader}@127.0.0.1:{orders.server.port}/{orders.name}", Secret("only reads")
    )
    try:
        with open_database(address) as source, pytest.raises(DatabaseError):
            source._session.query("CREATE TEMPORARY TABLE x ()")  # type: ignore[attr-defined] # of PostgreSQL
        with open_database(address) as source:
            backup = back_up(store, source, ["orders"], "", Work()).backups[0]
        with pytest.raises(AccessDenied) as refused:
            preview_of(store, backup, address, 5, Work())
        assert "Permission denied to create temporary tables" in refused.value.cause
        assert "Grant the user the missing permission" in refused.value.remedy
        with pytest.raises(StorageError):
            restore_of(store, backup, address, Choices(), Work())
    finally:
        orders.script(
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {reader}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {reader}",
        )
        postgresql_server.ask(f"REVOKE ALL ON DATABASE {orders.name} FROM {reader}")
        postgresql_server.ask(f"DROP ROLE {reader}")
    contents = {
        json.loads(one.objects[each.key])["content"]
        for one, each in ((theirs, expected), (store, backup))
    }
    assert len(contents) == 1
    assert orders.everything() == before


def test_rows_that_are_hidden_by_row_security_are_an_error(
    orders: Database, store: MemoryStore
) -> None:
    orders.script(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders FORCE ROW LEVEL SECURITY",
        "CREATE POLICY few ON orders USING (id < 10)",
    )
    with pytest.raises(AccessDenied) as refused:
        orders.back_up(store, "orders")
    assert refused.value.summary.startswith("Row-level security hides rows of orders in 127.0.0.1")
    assert "row-level security is not forced" in refused.value.remedy
    assert not store.objects


def test_a_wrong_password_and_a_missing_server_are_named(orders: Database) -> None:
    wrong = DatabaseAddress(orders.address.url, Secret("wrong password"))
    with pytest.raises(CredentialsInvalid, match="refuses the login"):
        open_database(wrong)
    with pytest.raises(Offline, match="cannot be reached"):
        open_database("postgresql://a@127.0.0.1:1/b")
    with pytest.raises(InvalidInput, match="names no user"):
        open_database("postgresql://127.0.0.1/")


def test_the_certificate_is_verified_if_the_address_requires_it(orders: Database) -> None:
    def opened(options: str) -> bool:
        address = DatabaseAddress(f"{orders.address.url}?{options}", orders.address.password)
        with open_database(address) as database:
            return bool(database.encrypted)  # type: ignore[attr-defined] # of PostgreSQL

    certificate = orders.server.folder / "data" / "server.crt"
    assert opened("sslmode=require")
    assert not opened("sslmode=disable")
    assert opened(f"sslmode=verify-ca&sslrootcert={certificate}")
    with pytest.raises(Offline, match="is not trusted") as refused:
        opened("sslmode=verify-full")
    assert "certificate" in refused.value.cause
    assert "sslrootcert" in refused.value.remedy


def test_the_password_is_in_no_log_and_no_object(orders: Database, store: MemoryStore) -> None:
    backup = orders.back_up(store, "orders")
    orders.restore(store, backup)
    assert "COPY" in orders.server.logs
    after_creation = orders.server.logs.split(f"CREATE DATABASE {orders.name}")[1]
    assert orders.password not in after_creation
    assert orders.password.replace("'", "''") not in after_creation
    assert not any(orders.password.encode() in data for data in store.objects.values())
    assert orders.password not in repr(orders.address)


def test_rows_that_are_not_those_of_the_manifest_change_nothing(
    orders: Database, store: MemoryStore
) -> None:
    """They are noticed after the last row was sent, before the server stores any."""
    forged = with_other_content(store, orders.back_up(store, "orders"))
    before = orders.everything()
    with pytest.raises(Corrupt, match="do not match its manifest"):
        orders.restore(store, forged)
    assert orders.everything() == before


def test_a_commit_whose_answer_is_lost_is_not_called_unchanged(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = orders.back_up(store, "orders")
    original = Session.query

    def query(session: Session, statement: str, *more: Any) -> Any:
        found = original(session, statement, *more)
        if statement != "COMMIT":
            return found
        session.cut()
        return original(session, "SELECT 1")

    monkeypatch.setattr(Session, "query", query)
    with pytest.raises(Offline) as lost, stating_effect("restored", (BY_HAND,)):
        orders.restore(store, backup)
    assert "may have been restored" in lost.value.effect
