"""The SQL that reads the segments of a catalogue, and the files that a refresh writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.catalog.columns import COLUMNS, LISTED, NAMES
from core.catalog.database import parquet_sql
from core.catalog.manifest import CatalogFolder, Manifest, Segment
from core.catalog.ranges import prefix_end
from core.sql.literals import text_literal

if TYPE_CHECKING:
    import duckdb

#: Folders with at least so many keys have a segment, so that damage affects one folder only.
_OWN_SEGMENT = 20_000
#: Folders with at least so many keys are divided into their subfolders.
_DIVIDED = 100_000
_MOST_SEGMENTS = 64
_ROWS_OF_GROUP = 65_536

_TYPES = dict.fromkeys(COLUMNS, "VARCHAR") | {
    "size": "BIGINT",
    "modified": "TIMESTAMPTZ",
    "moment": "TIMESTAMPTZ",
    "day": "DATE",
}
ALL = ", ".join(COLUMNS)


def attach(
    connection: duckdb.DuckDBPyConnection, folder: CatalogFolder, manifest: Manifest | None
) -> tuple[Segment, ...]:
    """Create the views `base`, `recent` and `stored`, and return the segments that are damaged.

    `stored` has all keys of the catalogue: those of `base` that `recent` does not replace, and
    those of `recent` that are not deleted.
    """
    segments = manifest.segments if manifest else ()
    damaged = tuple(segment for segment in segments if not folder.is_intact(segment))
    intact = [segment for segment in segments if segment not in damaged]
    base = [segment for segment in intact if not segment.recent]
    recent = [segment for segment in intact if segment.recent]
    _view(connection, "base", _source(folder, base))
    _view(connection, "recent", _source(folder, recent, deleted=True))
    _view(connection, "stored", _stored_sql() if recent else "SELECT * FROM base")
    return damaged


def _stored_sql() -> str:
    return (
        f"SELECT {ALL} FROM base ANTI JOIN recent USING (key) "  # noqa: S608 - names of this module
        f"UNION ALL SELECT {ALL} FROM recent WHERE NOT deleted"
    )


def _source(folder: CatalogFolder, segments: Sequence[Segment], *, deleted: bool = False) -> str:
    columns = f"{ALL}, deleted" if deleted else ALL
    if segments:
        paths = [folder.path / segment.file for segment in segments]
        return f"SELECT {columns} FROM {parquet_sql(paths)}"  # noqa: S608 - names of this module
    nothing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _TYPES.items())
    more = ", true AS deleted" if deleted else ""
    return f"SELECT {nothing}{more} WHERE false"


def _view(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")


def write_base(
    connection: duckdb.DuckDBPyConnection, folder: CatalogFolder, table: str
) -> tuple[Segment, ...]:
    """Write all rows of a table as one segment for each large folder, and one for the others.

    Raises:
        LocalIOError: a file could not be written.
    """
    prefixes = segment_prefixes(connection, table)
    written = [_write_base(connection, folder, table, prefix, prefixes) for prefix in prefixes]
    return tuple(segment for segment in written if segment.rows)


def _write_base(
    connection: duckdb.DuckDBPyConnection,
    folder: CatalogFolder,
    table: str,
    prefix: str,
    prefixes: Sequence[str],
) -> Segment:
    inner = [each for each in prefixes if each != prefix and each.startswith(prefix)]
    conditions = [_below(prefix)] + [f"NOT ({_below(each)})" for each in inner]
    rows = f"SELECT {ALL} FROM {table} WHERE {' AND '.join(conditions)}"  # noqa: S608 - names of this module
    return _write(connection, folder, rows, prefix)


def write_recent(
    connection: duckdb.DuckDBPyConnection, folder: CatalogFolder, table: str
) -> tuple[Segment, ...]:
    """Write the changes since the other segments were written, if there are any.

    Raises:
        LocalIOError: the file could not be written.
    """
    sql = f"SELECT {ALL}, deleted FROM {table}"  # noqa: S608 - names of this module
    written = _write(connection, folder, sql, "", recent=True)
    return (written,) if written.rows else ()


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: CatalogFolder,
    rows: str,
    prefix: str,
    *,
    recent: bool = False,
) -> Segment:
    path = folder.new_path()
    written = connection.execute(
        f"COPY ({rows} ORDER BY key) TO {text_literal(str(path))} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROWS_OF_GROUP})"
    ).fetchone()
    return folder.finished(path, prefix, written[0] if written else 0, recent=recent)


def segment_prefixes(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, ...]:
    """Return the prefixes that divide the rows of a table into segments; the first one is empty."""
    found = [""]
    for prefix, count in _folders(connection, table, "", 1):
        inner = _folders(connection, table, prefix, 2) if count >= _DIVIDED else []
        found += [prefix, *(each for each, _count in inner)]
    return tuple(found[:_MOST_SEGMENTS])


def _folders(
    connection: duckdb.DuckDBPyConnection, table: str, prefix: str, depth: int
) -> list[tuple[str, int]]:
    """Return the largest folders below a prefix with the number of their keys."""
    folder = f"regexp_extract(key, '^(?:[^/]*/){{{depth}}}')"
    return connection.execute(
        f"SELECT {folder} AS folder, count(*) FROM {table} WHERE {_below(prefix)} "  # noqa: S608 - names of this module
        f"GROUP BY 1 HAVING count(*) >= {_OWN_SEGMENT} AND folder <> '' ORDER BY 2 DESC"
    ).fetchall()


def _below(prefix: str) -> str:
    if not prefix:
        return "true"
    # A range and not `starts_with`, by which entire row groups are skipped.
    begin, end = text_literal(prefix), text_literal(prefix_end(prefix))
    return f"key >= {begin} AND key < {end}"


#: Columns that are equal if an object has not changed.
CONTENT = tuple(name for name in LISTED if name != "key")


def search_table_sql(begin: str = "CREATE TABLE keys AS", where: str = "true") -> str:
    """Return the statement that creates the table for searches, in the order of keys.

    Args:
        begin: what is done with the rows.
        where: the condition of those that are read.
    """
    texts = ", ".join(f"coalesce({name}, '') AS {name}" for name in ("kind", *NAMES))
    return (
        f"{begin} SELECT key, lower(key) AS low, size, modified::TIMESTAMP AS modified, "  # noqa: S608 - names of this package
        f"storage_class, {texts}, moment::TIMESTAMP AS moment FROM stored WHERE {where} ORDER BY key"
    )
