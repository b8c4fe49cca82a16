"""Reads databases that cannot be opened as usual: in a folder without write access, or damaged."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from core.local.state.migrations import immediate_transaction

if TYPE_CHECKING:
    import apsw

_log = logging.getLogger(__name__)

#: In the order of their creation: a table comes after the one that it refers to.
_TABLES = """
SELECT name, sql LIKE '%WITHOUT ROWID' FROM sqlite_schema
WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid
"""
#: Where a table is damaged in the middle, reading it from its end finds the other part.
_DIRECTIONS = ("", "DESC")


def open_read_only(path: Path) -> apsw.Connection:
    """Open a database without a change of its file, also where no file can be created beside it.

    Raises:
        apsw.Error: it cannot be opened.
    """
    from core.local.sqlite import apsw

    wal = path.with_name(path.name + "-wal")
    # Immutable means without locks and without -shm; an unread WAL would then be ignored.
    immutable = not wal.exists() or not wal.stat().st_size
    return apsw.Connection(
        f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}",
        flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
    )


def copy_readable_rows(connection: apsw.Connection, damaged: Path) -> int:
    """Copy what can be read of a damaged database into a new one; return the number of rows.

    Args:
        connection: the new database, with all tables of the present schema.
        damaged: the file that was set aside.
    """
    import apsw

    copied = 0
    with suppress(apsw.Error, OSError), _complete_pages(damaged) as readable:
        source = open_read_only(readable)
        try:
            source.execute("PRAGMA writable_schema = ON")  # else a file cut short is refused
            with immediate_transaction(connection):
                for table, without_rowid in connection.execute(_TABLES).fetchall():
                    copied += _copy_table(source, connection, str(table), bool(without_rowid))
        finally:
            source.close()
    _log.warning("%d rows of the damaged database were saved", copied)
    return copied


@contextmanager
def _complete_pages(path: Path) -> Iterator[Path]:
    """Yield a database, or a copy of it without an incomplete page at its end.

    SQLite reads what is missing of a page as zeros, which would become a part of values.
    """
    with path.open("rb") as file:
        header = file.read(100)
    # The size of a page: two bytes, in which 1 means 65,536 (SQLite, "Database File Format").
    page = int.from_bytes(header[16:18], "big")
    rest = path.stat().st_size % (65_536 if page == 1 else page or 1)
    if not rest:
        yield path
        return
    with TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder, path.name)
        shutil.copyfile(path, copy)
        os.truncate(copy, copy.stat().st_size - rest)
        yield copy


def _copy_table(
    source: apsw.Connection,
    target: apsw.Connection,
    table: str,
    without_rowid: bool,
) -> int:
    import apsw

    before = target.total_changes()
    columns = target.execute(f'PRAGMA table_info("{table}")').fetchall()
    with suppress(apsw.Error):  # an earlier schema may lack some
        known = {column[1] for column in source.execute(f'PRAGMA table_info("{table}")')}
        columns = [column for column in columns if column[1] in known]
    names = [f'"{column[1]}"' for column in columns]
    # In the order of the b-tree: another order would have to read the damaged pages first.
    key = [f'"{column[1]}"' for column in columns if column[5]] if without_rowid else ["rowid"]
    select = f'SELECT {", ".join(names)} FROM "{table}" ORDER BY '  # noqa: S608 - names of our schema
    insert = f'INSERT OR IGNORE INTO "{table}" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608 - names of our schema
    for direction in _DIRECTIONS:
        with suppress(apsw.Error, UnicodeError):  # from here on the table is damaged
            for row in source.execute(select + ", ".join(f"{name} {direction}" for name in key)):
                with suppress(apsw.ConstraintError):  # a row of garbage
                    target.execute(insert, row)
    return target.total_changes() - before
