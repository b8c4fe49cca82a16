"""Selection of single rows of a backup by an SQL condition, as the keys of `row_keys`."""

from __future__ import annotations

from collections.abc import Sequence

from core.backup.arguments import check_not_empty
from core.backup.databases.condition import checks_of, enclosed
from core.backup.databases.row_statements import primary_key_of
from core.backup.query.column_types import Typed
from core.backup.query.rows import LoadedBackup, loaded_backup
from core.backup.store import Store
from core.errors import NOTHING_CHANGED, InvalidInput
from core.hints import Hint
from core.model.backup import Backup
from core.sql.literals import quoted
from core.sql.session import check_select, run
from core.units import format_count
from core.work import Work

#: More rows are a restore of the table: each is compared, and its former values are saved.
MOST_ROWS = 100_000
_ROWS = "strongroom_key"


def keys_where(store: Store, backup: Backup, where: str, work: Work) -> tuple[str, ...]:
    """Return the primary keys of the rows of a backup that meet a condition.

    Args:
        store: The store of the backup.
        backup: An entry of the list.
        where: An SQL condition in the dialect of DuckDB, in which the columns have their names.
        work: Cancel token and progress.

    Raises:
        Corrupt: The backup is damaged.
        InvalidInput: The condition is not valid, no row meets it, or more than `MOST_ROWS` do.
        NotSupported: The table of the backup has no primary key.
    """
    check_not_empty(condition=where)
    with loaded_backup(store, backup, work) as loaded:
        key = primary_key_of(loaded.package.schema)
        names = [column.name for column in loaded.package.schema.stored]
        numbers = [names.index(name) for name in key]
        # The view cannot be used: it has no values as they are in the parts, and no row numbers.
        rows = ", ".join(f"{each.sql} AS {quoted(each.name)}" for each in loaded.columns)
        raw = ", ".join(f"{loaded.raw_columns[n]} AS {_ROWS}{n}" for n in numbers)
        source = f"(SELECT {rows}, {raw} FROM {loaded.raw_table}) AS rows_of_the_backup"  # noqa: S608 - all names are quoted
        _check(loaded, source, where, work)
        values = ", ".join(_json_value(loaded.columns[n], f"{_ROWS}{n}") for n in numbers)
        statement = (
            f"SELECT '[' || concat_ws(', ', {values}) || ']' FROM {source} "  # noqa: S608 - the condition was checked
            f"WHERE {enclosed(where)} LIMIT {MOST_ROWS + 1}"
        )
        with run(loaded.connection, work):
            found = [str(text) for (text,) in loaded.connection.execute(statement).fetchall()]
    _check_number(backup, where, found)
    return tuple(found)


def _check(loaded: LoadedBackup, source: str, where: str, work: Work) -> None:
    """Check that the text is one condition; a text that closes the parenthesis is none."""
    try:
        for statement in checks_of(source, where):
            check_select(loaded.connection, statement)
            with run(loaded.connection, work):
                loaded.connection.execute(statement).fetchall()
    except InvalidInput as error:
        raise InvalidInput(
            f"The condition on the rows of the backup cannot be used: {where}",
            cause=f"{error.summary}. {error.cause}".strip(),
            remedy="Write one SQL condition of DuckDB as after WHERE, without a semicolon, for "
            "example \"status = 'open'\".",
            effect=NOTHING_CHANGED,
        ) from error


def _json_value(column: Typed, name: str) -> str:
    """Return the SQL of a value of a key as JSON text."""
    # Numbers stay numbers: MariaDB reads a text as the bits of a BIT column.
    if column.source == "JSON" or column.type.endswith("INT") or column.type == "INTEGER":
        return f"CAST({name} AS VARCHAR)"
    return f"CAST(to_json(CAST({name} AS VARCHAR)) AS VARCHAR)"


def _check_number(backup: Backup, where: str, found: Sequence[str]) -> None:
    if not found:
        raise InvalidInput(
            f"No row of the backup meets the condition: {where}",
            cause=f"The backup {backup.id} of {backup.table} was read completely.",
            remedy="Try the condition in a query of the backup.",
            effect=NOTHING_CHANGED,
            hints=Hint.QUERY_BACKUP,
            hint_value=backup.table,
            subject=backup.table,
        )
    if len(found) > MOST_ROWS:
        raise InvalidInput(
            f"More than {format_count(MOST_ROWS)} rows of the backup meet the condition: {where}",
            cause="Each row is compared, and its former values are saved.",
            remedy="Narrow the condition, or restore the complete table.",
            effect=NOTHING_CHANGED,
            subject=backup.table,
        )
