"""Tables that inherit from each other are backed up with their own rows, and restored as tables."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.preview import preview_of
from core.backup.restore import Choices
from core.backup.restore_tables import restore_tables_of
from core.backup.run import back_up
from core.backup.together import TablesWanted
from core.errors import NotSupported
from core.model.selection import Selection
from core.work import Work

TABLES = (
    "CREATE TABLE cities (id int PRIMARY KEY, name text NOT NULL CHECK (name <> ''))",
    "CREATE TABLE capitals (country text PRIMARY KEY) INHERITS (cities)",
    "INSERT INTO cities VALUES (1, 'York'), (2, 'Bath')",
    "INSERT INTO capitals VALUES (3, 'Paris', 'FR'), (4, 'Rome', 'IT'), (5, 'Bonn', 'DE')",
)


@pytest.fixture
def cities(database: Database) -> Database:
    database.script(*TABLES)
    return database


def test_all_tables_contain_each_row_once_and_the_inheritance_can_be_defined_again(
    cities: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    with open_database(cities.address) as source:
        counted = {one.name: (one.rows, one.problem) for one in source.tables()}
        report = back_up(store, source, None, "", Work())
    assert counted == {"cities": (2, ""), "capitals": (3, "")}
    assert {one.table: one.rows for one in report.backups} == {"cities": 2, "capitals": 3}
    assert not report.skipped
    with new_database(postgresql_server) as fresh:
        done = restore_tables_of(store, fresh.address, TablesWanted(), Choices(), Work())
        problems = {one.table: one.problems for one in done.tables}
        assert [text for text in problems["capitals"] if "property inheritance" in text]
        assert not [text for text in problems["cities"] if "inheritance" in text]
        fresh.script("ALTER TABLE capitals INHERIT cities")
        for table in ("cities", "capitals"):
            assert fresh.content(table) == cities.content(table)


def test_a_condition_selects_rows_of_the_table_itself(cities: Database, store: MemoryStore) -> None:
    with open_database(cities.address) as source:
        chosen = Selection(("cities",), {"cities": "id >= 2"})
        (made,) = back_up(store, source, chosen, "", Work()).backups
    assert made.rows == 1


@pytest.mark.parametrize(("table", "named"), [("cities", "capitals"), ("capitals", "cities")])
def test_a_restore_in_place_is_refused_and_one_beside_it_is_not(
    cities: Database, store: MemoryStore, table: str, named: str
) -> None:
    backup = cities.back_up(store, table)
    before = cities.everything()
    found = preview_of(store, backup, cities.address, 5, Work())
    assert (found.difference.added, found.difference.changed, found.difference.removed) == (0, 0, 0)
    assert [one for one in found.dependants if named in one.name and one.problem]
    with pytest.raises(NotSupported) as refused:
        cities.restore(store, backup)
    assert named in refused.value.cause
    assert cities.everything() == before
    assert cities.restore(store, backup, target="beside").rows == backup.rows


def test_single_rows_of_a_parent_are_refused(cities: Database) -> None:
    with open_database(cities.address, write=True) as opened:
        capitals, parent = opened.schema("capitals"), opened.schema("cities")
        with pytest.raises(NotSupported, match="Single rows of cities cannot be restored"):
            opened.row_changes(parent, parent)
        assert opened.row_changes(capitals, capitals).key == ("country",)
