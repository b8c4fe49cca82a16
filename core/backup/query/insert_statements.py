"""INSERT statements with the exact values of a backup, in the dialect of its database engine."""

from __future__ import annotations

from pathlib import Path

from core.backup.databases.mysql.tokens import quoted as mysql_quoted
from core.backup.databases.postgresql.names import TableName
from core.backup.package import Package
from core.backup.query.rows import LoadedBackup
from core.sql.literals import quoted
from core.units import iso_utc
from core.work import Progress, Work

#: Rows of one statement: few enough for the packet limit of MariaDB, unless the rows are very long.
_ROWS_A_STATEMENT = 100
_FETCHED = 100 * _ROWS_A_STATEMENT

#: Settings under which the values are read as they were written, and the start of the transaction.
_STARTS = {
    "PostgreSQL": (
        "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
        "SET datestyle = 'ISO';\nSET intervalstyle = 'postgres';\nBEGIN;\n"
    ),
    "MariaDB": (
        "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\n"
        "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\nSTART TRANSACTION;\n"
    ),
}
_SQLITE_START = "BEGIN;\n"


def write_inserts(loaded: LoadedBackup, path: Path, work: Work) -> int:
    """Write the rows of a backup, loaded as exact text, as statements; return their number."""
    package = loaded.package
    head = _head(package)
    values = " || ', ' || ".join(_literal_sql(raw, package) for raw in loaded.raw_columns)
    rows = loaded.connection.execute(f"SELECT {values} FROM {loaded.raw_table}")  # noqa: S608 - own names
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"-- Backup {package.backup.id}, taken {iso_utc(package.backup.taken)}\n")
        file.write(_STARTS.get(package.engine, _SQLITE_START))
        while fetched := rows.fetchmany(_FETCHED):
            for start in range(0, len(fetched), _ROWS_A_STATEMENT):
                lines = [f"({row[0]})" for row in fetched[start : start + _ROWS_A_STATEMENT]]
                file.write(head + ",\n".join(lines) + ";\n")
            written += len(fetched)
            work.check()
            work.report(Progress(written, package.rows, "rows", "writing"))
        file.write("COMMIT;\n")
    return written


def _head(package: Package) -> str:
    columns = package.schema.stored
    if package.engine == "MariaDB":
        names = ", ".join(mysql_quoted(column.name) for column in columns)
        return f"INSERT INTO {mysql_quoted(package.backup.table)} ({names}) VALUES\n"
    names = ", ".join(quoted(column.name) for column in columns)
    if package.engine == "PostgreSQL":
        always = any(column.numbering == "always" for column in columns)
        overriding = "OVERRIDING SYSTEM VALUE " if always else ""
        table = TableName.parse(package.backup.table).sql
        return f"INSERT INTO {table} ({names}) {overriding}VALUES\n"
    return f"INSERT INTO {quoted(package.backup.table)} ({names}) VALUES\n"


def _literal_sql(raw: str, package: Package) -> str:
    """Return the SQL with which DuckDB writes the literal of a loaded value."""
    if package.parts_format == "csv":
        # PostgreSQL reads a quoted text as a value of any type. The prefix E is needed for
        # backslashes if a session has turned standard_conforming_strings off.
        escaped = f"replace(replace({raw}, '\\', '\\\\'), '''', '''''')"
        return f"coalesce('E''' || {escaped} || '''', 'NULL')"
    text = f"json_extract_string({raw}, '$')"
    return (
        f"CASE WHEN {raw} IS NULL THEN 'NULL' "
        f"WHEN starts_with({raw}, '\"') THEN {_text_sql(text, package.engine)} "
        f'WHEN starts_with({raw}, \'{{"$hex":"\') THEN '
        f"'x''' || substr({raw}, 10, strlen({raw}) - 11) || '''' "
        f'WHEN starts_with({raw}, \'{{"$text":"\') THEN {_bytes_sql(raw, package.engine)} '
        f"WHEN {raw} = 'true' THEN '1' WHEN {raw} = 'false' THEN '0' "
        f"WHEN starts_with({raw}, '{{') OR starts_with({raw}, '[') "
        f"THEN {_text_sql(raw, package.engine)} ELSE {raw} END"
    )


def _text_sql(text: str, engine: str) -> str:
    doubled = f"replace({text}, '''', '''''')"
    if engine == "MariaDB":
        escaped = f"replace(replace({doubled}, '\\', '\\\\'), chr(0), '\\0')"
        return f"'''' || {escaped} || ''''"
    # A literal of SQLite ends at a NUL character.
    as_bytes = f"'CAST(x''' || hex(encode({text})) || ''' AS TEXT)'"
    return f"CASE WHEN contains({text}, chr(0)) THEN {as_bytes} ELSE '''' || {doubled} || '''' END"


def _bytes_sql(raw: str, engine: str) -> str:
    """Return the SQL for a text of bytes that are not UTF-8."""
    digits = f"substr({raw}, 11, strlen({raw}) - 12)"
    if engine == "MariaDB":
        return f"'x''' || {digits} || ''''"
    return f"'CAST(x''' || {digits} || ''' AS TEXT)'"
