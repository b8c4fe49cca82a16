"""A private SQLite file for work beside another database, for example a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.backup.databases.sqlite.failures import translate_sqlite_errors
from core.local.spool import private_file, spool
from core.local.sqlite import apsw


@contextmanager
def private_database() -> Iterator[apsw.Connection]:
    """Yield an empty database in a file that only this user can read, and remove it afterwards.

    Errors of SQLite in the block are translated, and name that file.
    """
    with spool() as folder, translate_sqlite_errors(path := str(folder / "private.db")):
        connection = apsw.Connection(str(private_file(Path(path))))
        try:
            for pragma in ("journal_mode=OFF", "synchronous=OFF"):
                connection.execute(f"PRAGMA {pragma}")
            yield connection
        finally:
            connection.close()
