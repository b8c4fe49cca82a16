"""Backup, restore and undo of three tables, of which two refer to each other."""

from __future__ import annotations

from typing import Any

from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.restore import Choices
from core.backup.restore_tables import restore_tables_of
from core.backup.run import back_up
from core.backup.together import TablesWanted
from core.model.table_restores import TablesReport
from core.work import Work

Address = DatabaseAddress | str

NAMES = ("a1", "b1", "c1")
#: The foreign key that can only be added once both tables exist.
CYCLE = "ALTER TABLE a1 ADD CONSTRAINT a1_b FOREIGN KEY (b) REFERENCES b1 (id)"
#: The constraints of a PostgreSQL database.
KEYS = "SELECT conname::text, pg_get_constraintdef(oid), convalidated FROM pg_constraint ORDER BY 1"


def back_up_tables(store: MemoryStore, address: Address, *tables: str) -> None:
    """Back up tables together, by default all three."""
    with open_database(address) as source:
        back_up(store, source, tables or NAMES, "", Work())


def restore_tables(
    store: MemoryStore,
    address: Address,
    *tables: str,
    work: Work | None = None,
    choices: Choices | None = None,
    **wanted: Any,
) -> TablesReport:
    """Restore tables, by default all that have backups; `wanted` are fields of `TablesWanted`."""
    chosen = TablesWanted(tables or None, **wanted)
    return restore_tables_of(store, address, chosen, choices or Choices(), work or Work())


def undo_each(address: Address, report: TablesReport) -> None:
    """Undo the restores of a report in the order in which undos succeed."""
    with open_database(address, write=True) as target:
        for one in reversed(report.tables):
            with target.change(work=Work()):
                target.undo(one.kept)
