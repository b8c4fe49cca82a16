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


def ownership(database: Database) -> tuple[str, set[str]]:
    with open_database(database.address) as opened:
        schema = opened.schema("t")
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


def test_a_privilege_that_is_none_of_a_table_is_refused(
    owned: Backup, database: Database, store: MemoryStore
) -> None:
    listed = forged(store, owned, "", ("PUBLIC:ALL ON users TO PUBLIC; SELECT",))
    before = database.everything()
    with pytest.raises(Corrupt, match="invalid grant"):
        database.restore(store, listed, with_grants=True)
    assert database.everything() == before


def forged(store: MemoryStore, backup: Backup, owner: str, grants: tuple[str, ...]) -> Backup:
    found = from_bytes(store.objects[backup.key])
    schema = replace(found.schema, owner=owner, grants=grants)
    store.objects[backup.key] = to_bytes(replace(found, schema=schema))
    (listed,) = backups_in(store, "t", Work())
    return listed
