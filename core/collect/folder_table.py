"""The table of the objects of a folder in DuckDB: their columns by name, with exact types.

All values of CSV and JSON are text at first. A column becomes numbers, booleans, dates or times if
all of its values are; times without a zone are UTC. Numbers with leading zeros are names, and stay
text. Lists and objects become JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.collect.report import QueryReport
from core.collect.staging import FILE, ROW, Staging
from core.collect.table import STAGED_CSV, staged_source
from core.collect.types import Digits, digits_sql, number_type
from core.errors import InvalidInput
from core.sql.literals import quoted, text_literal

if TYPE_CHECKING:
    import duckdb

#: The name of the table, and of its column with the keys of the objects.
TABLE, KEY = "folder", "object_key"
_NUMBER = r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d(:?\d\d)?)?"
_DATE = r"\d{4}-\d\d-\d\d"
_PATH = "$path"
#: Parquet files whose keys are found by their numbers; the keys of more would be a long list.
_MOST_IN_ORDER = 10_000
#: Types of which DuckDB makes a common one; a list or struct has none with them.
_NESTED = ("STRUCT", "MAP", "UNION")


class _DataError(Exception):
    """DuckDB cannot read or combine data."""


class FolderTable:
    """Builds the table `folder` of a connection from staged rows and Parquet files.

    Attributes:
        damaged: for the numbers of Parquet files that cannot be read, why.
        notes: remarks about columns.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        staging: Staging,
        objects: Path,
        files: Mapping[int, Path],
    ) -> None:
        """Use the rows of objects.

        Args:
            connection: an empty database.
            staging: the rows of CSV and JSON.
            objects: a CSV file with the number, key and path of each object.
            files: the Parquet files by the numbers of their objects.
        """
        self._connection, self._staging = connection, staging
        self._objects, self._files = objects, files
        self._has_view = False
        self.damaged: dict[int, str] = {}
        self.notes: list[str] = []

    def write(self, keys: Sequence[str], write: Callable[[], QueryReport]) -> QueryReport:
        """Create the table, in the order of the objects and their rows, and write it.

        Args:
            keys: the keys by their numbers, for errors.
            write: writes the table `folder`.

        Raises:
            InvalidInput: the files of Parquet have columns of the same name that cannot be one.
        """
        self._connection.execute(
            f"CREATE TABLE objects AS SELECT * FROM read_csv({text_literal(str(self._objects))}, "  # noqa: S608 - the program's path
            f"columns = {{'{FILE}': 'INTEGER', 'key': 'VARCHAR', 'path': 'VARCHAR'}}, {STAGED_CSV})"
        )
        typed = [self._typed()] if self._staging.forms else []
        files = self._files
        try:
            return self._written(typed, files, write)
        except _DataError as error:
            readable = {number: path for number, path in files.items() if self._reads(number, path)}
            if len(readable) == len(files):
                raise self._conflict(files, keys, str(error)) from error
            if self._has_view:
                self._connection.execute(f"DROP VIEW {TABLE}")
            try:
                return self._written(typed, readable, write)
            except _DataError as other:
                raise self._conflict(readable, keys, str(other)) from other

    def _written(
        self, typed: Sequence[str], files: Mapping[int, Path], write: Callable[[], QueryReport]
    ) -> QueryReport:
        with _data_errors():
            if not typed and 0 < len(files) <= _MOST_IN_ORDER:
                self._create_view(files)
            else:
                self._create_table(typed, files)
            return write()

    def _create_view(self, files: Mapping[int, Path]) -> None:
        """Create the table as a view of Parquet files, which DuckDB reads in their order.

        A table would be stored before it is written, and sorted. A join might change the order.
        """
        source = _read_parquet(files)
        names = [row[0] for row in self._rows(f"DESCRIBE FROM {source}") if row[0] != _PATH]
        columns = ", ".join(f"rows.{quoted(name)}" for name in names)
        number = f"regexp_extract(rows.{quoted(_PATH)}, '([0-9]+)[.]parquet$', 1)::INTEGER + 1"
        self._connection.execute(
            f"SET VARIABLE keys = (SELECT list(key ORDER BY {quoted(FILE)}) FROM objects)"  # noqa: S608 - a constant
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {TABLE} AS SELECT {columns}, "  # noqa: S608 - all names are quoted
            f"getvariable('keys')[{number}] AS {quoted(_key_name(names))} FROM {source} AS rows"
        )
        self._has_view = True

    def _create_table(self, typed: Sequence[str], files: Mapping[int, Path]) -> None:
        parts = [*typed, *([_parquet(files)] if files else ())]
        source = " UNION ALL BY NAME ".join(parts) or f"(SELECT 0 AS {quoted(FILE)} WHERE false)"
        names = [row[0] for row in self._rows(f"DESCRIBE {source}")]
        own = {FILE, ROW, _PATH}
        columns = [f"rows.{quoted(name)}" for name in names if name not in own]
        columns.append(f"objects.key AS {quoted(_key_name(names))}")
        order = ", ".join(quoted(name) for name in (FILE, ROW) if name in names)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT {', '.join(columns)} "  # noqa: S608 - all names are quoted
            f"FROM ({source}) AS rows JOIN objects USING ({quoted(FILE)}) ORDER BY {order}"
        )

    # CSV and JSON

    def _typed(self) -> str:
        """Return the query of the staged rows with types."""
        parts = [
            f"SELECT * FROM {staged_source(form)}"  # noqa: S608 - all names are quoted
            for form in self._staging.forms.values()
        ]
        self._connection.execute(f"CREATE VIEW raw AS {' UNION ALL BY NAME '.join(parts)}")
        members = dict.fromkeys(
            name for form in self._staging.forms.values() for name in form.names
        )
        types = self._types(list(members))
        values = ", ".join(
            f"CAST({quoted(name)} AS {types[name]}) AS {quoted(name)}" for name in members
        )
        return f"(SELECT {values}, {quoted(FILE)}, {quoted(ROW)} FROM raw)"  # noqa: S608 - all names are quoted

    def _types(self, names: Sequence[str]) -> dict[str, str]:
        kinds = self._staging.kinds
        types = {name: _TYPES.get(frozenset(kinds[name]), "VARCHAR") for name in names}
        measured = [name for name in names if kinds[name] and kinds[name] <= {"text", "number"}]
        if not measured:
            return types
        tests = ", ".join(f"{_tests(name)}, {digits_sql(name)}" for name in measured)
        (found,) = self._rows(f"SELECT {tests} FROM raw")  # noqa: S608 - all names are quoted
        for place, name in enumerate(measured):
            is_number, is_time, is_date, is_boolean, *digits = found[6 * place : 6 * place + 6]
            if is_number:
                types[name] = self._number_type(name, Digits(*digits))
            elif is_time:
                types[name] = "TIMESTAMPTZ"
            elif is_date:
                types[name] = "DATE"
            elif is_boolean:
                types[name] = "BOOLEAN"
        return types

    def _number_type(self, name: str, digits: Digits) -> str:
        exact = number_type(digits)
        if exact is None:
            self.notes.append(
                f"The numbers of the column {name} are rounded, because they have more than 38 digits."
            )
        return exact or "DOUBLE"

    # Parquet

    def _reads(self, number: int, path: Path) -> bool:
        """Read all values of a file, and note why it cannot be read."""
        try:
            with _data_errors():
                self._connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE probe AS FROM read_parquet({text_literal(str(path))})"
                )
                self._connection.execute("DROP TABLE probe")
        except _DataError as error:
            reason = str(error).strip().split("\n", maxsplit=1)[0].replace(str(path), "the file")
            self.damaged[number] = f"It is not a complete Parquet file: {reason[:200]}"
            return False
        return True

    def _conflict(self, files: Mapping[int, Path], keys: Sequence[str], text: str) -> InvalidInput:
        """Return the error about a column that has no common type in the Parquet files."""
        known: dict[str, tuple[str, str]] = {}
        for number, path in files.items():
            source = f"read_parquet({text_literal(str(path))})"
            for name, kind, *_ in self._rows(f"DESCRIBE FROM {source}"):
                before = known.setdefault(name.casefold(), (kind, keys[number]))
                if before[0] != kind and any(_is_nested(each) for each in (kind, before[0])):
                    return InvalidInput(
                        "The objects of the folder cannot be one table",
                        cause=f"The column {name} is {before[0][:80]} in {before[1]}, and {kind[:80]} "
                        f"in {keys[number]}.",
                        remedy="Query the folders of both forms of files as two tables.",
                    )
        return InvalidInput(
            "The objects of the folder cannot be one table",
            cause=text.strip().split("\n\n", maxsplit=1)[0][:500],
            remedy="Query a folder in which columns of the same name have the same type.",
        )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


_TYPES = {frozenset({"boolean"}): "BOOLEAN", frozenset({"json"}): "JSON"}


@contextmanager
def _data_errors() -> Iterator[None]:
    """Raise errors of DuckDB about data as `_DataError`; a full disk or memory is none."""
    import duckdb

    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        raise _DataError(str(error)) from error


def _tests(name: str) -> str:
    """Return four aggregates: whether all values are numbers, times, dates or booleans."""
    text = quoted(name)
    tests = (
        f"regexp_full_match({text}, '{_NUMBER}')",
        f"regexp_full_match({text}, '{_TIME}') AND TRY_CAST({text} AS TIMESTAMPTZ) IS NOT NULL",
        f"regexp_full_match({text}, '{_DATE}') AND TRY_CAST({text} AS DATE) IS NOT NULL",
        f"lower({text}) IN ('true', 'false')",
    )
    return ", ".join(f"bool_and({test}) FILTER (WHERE {text} IS NOT NULL)" for test in tests)


def _key_name(names: Sequence[str]) -> str:
    """Return the name of the column with the keys, which no other column has."""
    used = {name.casefold() for name in names}
    key, number = KEY, 1
    while key in used:
        number += 1
        key = f"{KEY}_{number}"
    return key


def _read_parquet(files: Mapping[int, Path], *more: str) -> str:
    """Return the source of the rows of Parquet files and their paths, in the order of the files."""
    paths = ", ".join(text_literal(str(path)) for _, path in sorted(files.items()))
    options = ["union_by_name = true", f"filename = {text_literal(_PATH)}", *more]
    return f"read_parquet([{paths}], {', '.join(options)})"


def _parquet(files: Mapping[int, Path]) -> str:
    """Return the query of the rows of Parquet files, with the numbers of their objects."""
    return (
        f"(SELECT rows.* EXCLUDE ({quoted(_PATH)}, file_row_number), objects.{quoted(FILE)}, "  # noqa: S608 - paths of this program
        f"rows.file_row_number AS {quoted(ROW)} "
        f"FROM {_read_parquet(files, 'file_row_number = true')} AS rows "
        f"JOIN objects ON rows.{quoted(_PATH)} = objects.path)"
    )


def _is_nested(kind: str) -> bool:
    return kind.endswith("[]") or kind.startswith(_NESTED)
