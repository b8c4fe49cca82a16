"""Loading of rows into a new SQLite table, in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.backup.recovery_kit.script.backups import Backup
from core.backup.recovery_kit.script.failures import (
    DATABASE,
    EXISTS,
    INTEGERS,
    KitError,
    corrupt,
    counted_rows,
)
from core.backup.recovery_kit.script.long_rows import LONG_STRING, LongRow, LongValue, lines_of
from core.backup.recovery_kit.script.sqlite import SQLiteTable, quoted

#: Actions of SQLite's authorizer that a CREATE needs, by their numbers in sqlite3.h: CREATE_INDEX,
#: CREATE_TABLE, CREATE_TRIGGER, READ, SELECT, REINDEX; and INSERT, UPDATE, DELETE on its catalog.
_CREATING, _WRITING, _FUNCTION = (1, 2, 7, 20, 21, 27), (18, 23, 9), 31
_CATALOG = ("sqlite_master", "sqlite_schema", "sqlite_sequence")
_REFUSED = ("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer")


#: Rows that are in memory at a time.
_BATCH = 5_000


class RawText(bytes):
    """The bytes of a TEXT that is not UTF-8."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return a text that differs from that of a BLOB."""
        return f"RawText({super().__repr__()})"


class LongText:
    """The bytes of a long TEXT, which are compared without a copy."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        """Return the text as that of a value that is not long."""
        try:
            return repr(self.data.decode())
        except UnicodeDecodeError:
            return repr(RawText(self.data))


def restore_to_sqlite(backup: Backup, path: Path, name: str, *, with_triggers: bool) -> int:
    """Create a table in a new or an existing file, and return its number of rows.

    Everything is one transaction: after a failure an existing file is unchanged, and a new file is
    removed.

    Raises:
        KitError: The table already exists, or the backup or the file cannot be used.
    """
    if backup.old:
        schema, rows = old_schema(backup), list(old_rows(backup.records()))
        table = SQLiteTable(schema, name)
        pieces: Any = [[tuple(row.get(one) for one in table.recorded) for row in rows]]
        count = len(rows)
    else:
        table = SQLiteTable(backup.manifest["schema"], name)
        pieces = _values(backup, table)
        count = backup.rows
    created = _reserve(path)
    try:
        _fill(path, table, pieces, count, backup, with_triggers=with_triggers)
    except BaseException as error:
        if created:
            # A journal remains after a failed rollback; a later file of this name must not get it.
            for end in ("", "-journal", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    path.with_name(path.name + end).unlink()
        if isinstance(error, sqlite3.Error):
            remedy = f"This Python has SQLite {sqlite3.sqlite_version}; a newer one may be needed."
            if "full" in str(error):
                remedy = "Free space on this disk, or name a file on another one."
            raise KitError(DATABASE, f"SQLite: {error}", remedy) from error
        raise
    return count


def _reserve(path: Path) -> bool:
    """Create the file, and return whether it is new."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    return True


def _fill(
    path: Path,
    table: SQLiteTable,
    pieces: Iterable[Any],
    count: int,
    backup: Backup,
    *,
    with_triggers: bool,
) -> None:
    connection = sqlite3.connect(str(path), isolation_level=None)
    try:
        # Rows that violate a check already violated it in the backup.
        for pragma in ("trusted_schema=OFF", "foreign_keys=OFF", "ignore_check_constraints=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
        taken = {
            str(row[0]).lower() for row in connection.execute("SELECT name FROM sqlite_master")
        }
        if table.name.lower() in taken:
            raise KitError(
                EXISTS,
                f"{table.name} already exists in {path}; nothing was changed.",
                "Choose another name with --as, or another file.",
            )
        _guarded(connection, table.create())
        for rows in pieces:
            _insert(connection, table, rows)
            del rows  # before the next long row is read
        for statement in table.indexes(taken) + (table.triggers() if with_triggers else []):
            _guarded(connection, statement)
        _set_sequence(connection, table)
        found = connection.execute(f"SELECT count(*) FROM {quoted(table.name)}").fetchone()[0]  # noqa: S608 - the name is quoted
        if found != count:
            raise corrupt(f"The table has {counted_rows(found)} instead of {count}.")
        if not backup.old:
            _compare(connection, table, backup)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        connection.close()


def _guarded(connection: sqlite3.Connection, sql: str) -> None:
    """Run a CREATE statement; SQLite's authorizer refuses anything else."""

    def allowed(action: int, first: Any, second: Any, _database: Any, _inner: Any) -> int:
        creating = action in _CREATING or (action in _WRITING and first in _CATALOG)
        function = action == _FUNCTION and second not in _REFUSED
        return sqlite3.SQLITE_OK if creating or function else sqlite3.SQLITE_DENY

    connection.set_authorizer(allowed)
    try:
        connection.execute(sql)
    finally:
        # Python before 3.11 cannot remove it.
        connection.set_authorizer(lambda *_arguments: sqlite3.SQLITE_OK)


def _insert(
    connection: sqlite3.Connection, table: SQLiteTable, rows: list[tuple[Any, ...]]
) -> None:
    head = f"INSERT INTO {quoted(table.name)} ({','.join(table.targets)}) VALUES "  # noqa: S608 - names are quoted
    plain = head + f"({','.join('?' * len(table.targets))})"
    try:
        if any(isinstance(one, LongValue) for one in rows[0]):
            _insert_long(connection, head, rows[0])
            return
        if not any(isinstance(value, RawText) for row in rows for value in row):
            connection.executemany(plain, rows)
            return
        for row in rows:
            # The module binds bytes as a BLOB.
            marks = ("CAST(? AS TEXT)" if isinstance(one, RawText) else "?" for one in row)
            connection.execute(f"{head}({','.join(marks)})", row)
    except (TypeError, ValueError, OverflowError, sqlite3.InterfaceError) as error:
        raise corrupt(f"A row of the backup does not match its schema: {error}") from error


def _insert_long(connection: sqlite3.Connection, head: str, row: tuple[Any, ...]) -> None:
    utf8 = connection.execute("PRAGMA encoding").fetchone()[0] == "UTF-8"
    values, marks = [], []
    for value in row:
        long = isinstance(value, LongValue)
        raw = long and (value.tag == "$text" or (not value.tag and utf8))
        marks.append("CAST(? AS TEXT)" if raw or isinstance(value, RawText) else "?")
        values.append(_bound(value, raw=raw) if long else value)
    statement = f"{head.rpartition('VALUES')[0]}SELECT {','.join(marks)} WHERE ?"
    connection.execute(statement, (*values, 1))
    # Without this the module would hold a copy of the long values.
    connection.execute(statement, (*(None for _ in values), 0))


def _bound(value: LongValue, *, raw: bool) -> bytearray | str:
    return value.data if raw or value.tag else value.data.decode()


def _set_sequence(connection: sqlite3.Connection, table: SQLiteTable) -> None:
    if not table.numbered:
        return
    connection.execute("DELETE FROM sqlite_sequence WHERE name=?", (table.name,))
    if table.has_sequence:
        connection.execute(
            "INSERT INTO sqlite_sequence VALUES (?, ?)", (table.name, table.sequence)
        )


def _values(backup: Backup, table: SQLiteTable) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows as values of SQLite, in batches, and long ones alone."""
    for found in lines_of(backup.pieces()):
        if isinstance(found, LongRow):
            yield [_long_values(found, table)]
            del found  # before the next long row is read
            continue
        lines = found[:-1].split(b"\n")
        for start in range(0, len(lines), _BATCH):
            yield _batch_values(b",".join(lines[start : start + _BATCH]), table)


def _batch_values(batch: bytes, table: SQLiteTable) -> list[tuple[Any, ...]]:
    try:
        rows = json.loads(b"[" + batch + b"]")
        values = [tuple(row[name] for name in table.recorded) for row in rows]
        return [tuple(map(_value, row)) for row in values] if b'{"$' in batch else values
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise corrupt(f"A row of the backup cannot be read: {error!r}") from error


def _long_values(row: LongRow, table: SQLiteTable) -> tuple[Any, ...]:
    try:
        return tuple(map(_value, row.values(table.recorded)))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise corrupt(f"A row of the backup cannot be read: {error!r}") from error


def _value(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        tag, digits = next(iter(value.items()))
        if tag == "$hex":
            return bytes.fromhex(digits)
        if tag == "$text":
            return RawText(bytes.fromhex(digits))
    if not isinstance(value, (dict, list)):
        return value
    raise corrupt(f"A row contains a value in an unknown form: {str(value)[:200]}")


def _compare(connection: sqlite3.Connection, table: SQLiteTable, backup: Backup) -> None:
    """Read the table again and compare every value and type with the backup."""
    connection.text_factory = _text_or_raw
    order = f" ORDER BY {table.rowid}" if table.rowid else ""
    sql = f"SELECT {','.join(table.targets)} FROM {quoted(table.name)} NOT INDEXED{order}"  # noqa: S608 - names are quoted
    cursor = connection.execute(sql)
    for rows in _values(backup, table):
        found = cursor.fetchmany(len(rows))
        if not _are_equal(found, rows):
            raise corrupt("The restored table differs from the backup.")
        del found, rows  # before the next long row is read
    if cursor.fetchone() is not None:
        raise corrupt("The restored table has more rows than the backup.")


def _are_equal(found: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> bool:
    if not any(isinstance(value, LongValue) for value in rows[0]):
        # As text 1, 1.0, -0.0 and "1" all differ; as values some of them are equal.
        return repr(found) == repr(rows)
    if len(found) != 1:
        return False
    pairs = list(zip(found[0], rows[0]))  # noqa: B905 - strict needs Python 3.10
    return all(
        _is_long_value(one, other) if isinstance(other, LongValue) else repr(one) == repr(other)
        for one, other in pairs
    )


def _is_long_value(found: Any, value: LongValue) -> bool:
    if value.tag == "$hex":
        return type(found) is bytes and found == value.data
    if isinstance(found, LongText):
        return found.data == value.data
    data = found.encode() if isinstance(found, str) else found
    return isinstance(found, (str, RawText)) and bool(data == value.data)


def _text_or_raw(data: bytes) -> Any:
    if len(data) > LONG_STRING:
        return LongText(data)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return RawText(data)


def old_schema(backup: Backup) -> dict[str, Any]:
    """Return a schema for a backup of the old form, which has no types: they are inferred."""
    names: dict[str, str] = {}
    records = backup.records()
    for record in records:
        for name in record:
            names.setdefault(name.lower(), name)
    if not names:
        raise corrupt("The backup has no records, from which the columns are inferred.")
    rows = list(old_rows(records))
    columns = [
        {"name": name, "type": _old_type([r.get(name) for r in rows])} for name in names.values()
    ]
    keys = []
    for column in columns:
        values = [row.get(column["name"]) for row in rows]
        distinct = None not in values and len(set(values)) == len(values)
        if column["name"].lower() == "id" and column["type"] == "INTEGER" and distinct:
            keys = [{"parts": [{"name": column["name"]}], "primary": True}]
    return {"table": backup.table, "columns": columns, "keys": keys}


def old_rows(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the records with the first spelling of each name, and values that SQLite can store."""
    names: dict[str, str] = {}
    for record in records:
        yield {names.setdefault(k.lower(), k): _old_value(v) for k, v in record.items()}


def _old_value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    # A number beyond 64 bits would be rounded.
    return str(value) if isinstance(value, int) and value not in INTEGERS else value


def _old_type(values: list[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return "INTEGER"
    if kinds and kinds <= {int, float}:
        return "REAL"
    return "TEXT" if kinds == {str} else ""
