"""A restored table gets the owner and the grants of the backup on request, and nothing else runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.databases.postgresql.names import quoted
from core.backup.listing import backups_in
from core.backup.manifest import from_bytes, to_bytes
from core.errors import Corrupt
from core.model.backup import Backup
from core.work import Work

HOSTILE = ('a"; DROP TABLE users --', "users; DROP TABLE users")


@pytest.fixture
def roles(postgresql_server: Server) -> Iterator[tuple[str, str]]:
    """An owner with a name that must be quoted, and a reader; removed after the database."""
    names = (f'own"er {uuid4().hex[:8]}', f"reader_{uuid4().hex[:8]}")
    for name in names:
        postgresql_server.ask(f"CREATE ROLE {quoted(name)}")
    yield names
    for name in names:
        postgresql_server.ask(f"DROP ROLE {quoted(name)}")


@pytest.fixture
def owned(
    roles: tuple[str, str], database: Database, postgresql_server: Server, store: MemoryStore
) -> Backup:
    """A backup of a table of another owner, which others may read; the table is gone."""
    owner, reader = map(quoted, roles)
    postgresql_server.ask(f"GRANT {owner} TO {quoted(database.user)}")
    database.script(
        f"GRANT CREATE ON SCHEMA public TO {owner}",
        "CREATE TABLE t (id int PRIMARY KEY, name text)",
        "INSERT INTO t VALUES (1, 'a')",
        f"GRANT SELECT, UPDATE ON t TO {reader}",
        "GRANT SELECT ON t TO PUBLIC",
        f"ALTER TABLE t OWNER TO {owner}",
    )
    backup = database.back_up(store, "t")
    database.script("DROP TABLE t")
    return backup


def ownership(database: Database, table: str = "t") -> tuple[str, set[str]]:
    with open_database(database.address) as opened:
        schema = opened.schema(table)
        return schema.owner, set(schema.grants)


def test_owner_and_grants_are_restored_on_request_only(
    roles: tuple[str, str], owned: Backup, database: Database, store: MemoryStore
) -> None:
    owner, reader = roles
    report = database.restore(store, owned)
    assert ownership(database) == (database.user, set())
    missing = {(each.kind, each.name) for each in report.dependants if each.problem}
    assert missing == {("owner", owner), ("grant", "PUBLIC"), ("grant", reader)}
    expected = (owner, {"PUBLIC:SELECT", f"{reader}:SELECT,UPDATE"})
    database.script(f"GRANT DELETE ON t TO {quoted(reader)}")
    report = database.restore(store, owned, with_grants=True)  # in place of the present table
    assert ownership(database) == expected
    assert [each for each in report.dependants if each.problem] == []
    report = database.restore(store, owned)
    assert ownership(database) == expected, "those of the present table"


def test_privileges_of_columns_sequences_and_partitions_are_restored(
    roles: tuple[str, str], database: Database, store: MemoryStore
) -> None:
    owner, reader = map(quoted, roles)
    column = 'a "price": (in) on column'
    database.script(
        f"CREATE TABLE t (id bigserial, {quoted(column)} int, side text) PARTITION BY LIST (side)",
        "CREATE TABLE t_buy PARTITION OF t FOR VALUES IN ('buy')",
        "CREATE TABLE t_sell PARTITION OF t FOR VALUES IN ('sell')",
        "INSERT INTO t (side) VALUES ('buy'), ('sell')",
        f"GRANT SELECT ON t TO {reader} WITH GRANT OPTION",
        f"GRANT INSERT ON t TO {reader}",
        f"GRANT UPDATE ({quoted(column)}), REFERENCES (id) ON t TO {owner}",
        f"GRANT UPDATE ({quoted(column)}) ON t TO PUBLIC",
        f"GRANT USAGE, SELECT ON SEQUENCE t_id_seq TO {reader}",
        f"GRANT DELETE ON t_sell TO {owner}",
    )
    expected = {
        f"{roles[1]}:INSERT,SELECT*",
        f"{owner}:REFERENCES on column id",
        f"{owner}:UPDATE on column {column}",
        f"PUBLIC:UPDATE on column {column}",
        f"{roles[1]}:SELECT,USAGE on sequence t_id_seq",
        f"{owner}:DELETE on partition t_sell",
    }
    backup = database.back_up(store, "t")
    assert ownership(database) == (database.user, expected)
    report = database.restore(store, backup, target="copy", with_grants=True)
    assert [each for each in report.dependants if each.problem] == []
    renames = (("sequence t_id_seq", "sequence copy_id_seq"), ("t_sell", "copy_t_sell"))
    copied = set(expected)
    for old, new in renames:
        copied = {text.replace(old, new) for text in copied}
    assert ownership(database, "copy")[1] == copied
    database.script(
        f"REVOKE ALL ON t FROM {reader}",
        f"GRANT ALL (side) ON t TO {reader}",
        f"GRANT UPDATE ON SEQUENCE t_id_seq TO {owner}",
        f"GRANT SELECT ON t_buy TO {reader}",
    )
    database.restore(store, backup, with_grants=True)  # instead of the present ones
    assert ownership(database) == (database.user, expected)
    report = database.restore(store, backup, target="bare")
    missing = [each.problem for each in report.dependants if each.kind == "grant"]
    assert "It is only restored on request: SELECT, USAGE on sequence t_id_seq." in missing
    assert len(missing) == len(expected)


def test_roles_that_do_not_exist_are_reported_and_never_executed(
    owned: Backup, database: Database, store: MemoryStore
) -> None:
    database.script("CREATE TABLE users (id int)")
    listed = forged(
        store, owned, HOSTILE[0], (*(f"{name}:SELECT" for name in HOSTILE), "PUBLIC:SELECT")
    )
    report = database.restore(store, listed, with_grants=True)
    assert ownership(database) == (database.user, {"PUBLIC:SELECT"})
    missing = [each.name for each in report.dependants if each.problem]
    assert missing[0] == f"owner {HOSTILE[0]}"
    assert len(missing) == 3
    assert database.run("SELECT count(*) FROM users") == [[0]]


INVALID = (
    "PUBLIC:ALL ON users TO PUBLIC; SELECT",
    "PUBLIC:SELECT on partition users",
    "PUBLIC:USAGE on sequence users_id_seq",
    "PUBLIC:SELECT on column password",
    "PUBLIC:DELETE on column name",
    "PUBLIC:SELECT on column name, id) ON users TO PUBLIC --",
    "PUBLIC",
)


def test_a_privilege_that_is_none_of_the_table_is_refused(
    owned: Backup, database: Database, store: MemoryStore
) -> None:
    database.script("CREATE TABLE users (id serial, name text)")
    before = database.everything()
    for grant in INVALID:
        listed = forged(store, owned, "", (grant,))
        with pytest.raises(Corrupt, match="invalid grant"):
            database.restore(store, listed, with_grants=True)
    assert database.everything() == before


def forged(store: MemoryStore, backup: Backup, owner: str, grants: tuple[str, ...]) -> Backup:
    found = from_bytes(store.objects[backup.key])
    schema = replace(found.schema, owner=owner, grants=grants)
    store.objects[backup.key] = to_bytes(replace(found, schema=schema))
    (listed,) = backups_in(store, "t", Work())
    return listed
