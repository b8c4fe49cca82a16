"""Restores of two programs at once: the slower one reports that the name is in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database
from helpers.waiting import until

from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.postgresql.failures import server_error
from core.errors import AlreadyExists

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def test_a_name_that_another_program_has_just_created_is_reported(
    database: Database, store: MemoryStore
) -> None:
    """The server's error was shown, with the advice to check its message or to change a row."""
    database.script("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    backup = database.back_up(store, "t")
    with database.session() as other, ThreadPoolExecutor(1) as pool:
        other("BEGIN")
        other("CREATE TABLE x (id int)")
        restoring = pool.submit(database.restore, store, backup, target="x")
        until(lambda: database.run(_WAITING)[0][0] == 1)
        other("COMMIT")
        with pytest.raises(AlreadyExists, match="already exists in 127") as refused:
            restoring.result()
    assert refused.value.effect in ("", "Nothing was restored.")
    assert database.run("SELECT * FROM x") == []


@pytest.mark.parametrize(
    ("fields", "exists"),
    [
        ({"C": "42P07", "M": 'relation "x" already exists'}, True),
        ({"C": "23505", "M": "duplicate key", "n": "pg_class_relname_nsp_index"}, True),
        ({"C": "23505", "M": "duplicate key", "n": "users_name_key"}, False),
    ],
)
def test_only_names_of_the_catalog_are_in_use(fields: dict[str, str], exists: bool) -> None:
    address = ServerAddress.parse("postgresql://ada@db/shop")
    assert isinstance(server_error(fields, address), AlreadyExists) == exists
