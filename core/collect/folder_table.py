"""The table of the objects of a folder in DuckDB: their columns by name, with exact types.

All values of CSV and JSON are text at first. A column becomes numbers, booleans, dates or times if
all of its values are; times without a zone are UTC; see `column_types` for numbers. Lists and
objects become JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.collect.column_types import ColumnTypes
from core.collect.common_types import Typed, check_common_types, may_be_inexact, parquet_types
from core.collect.parquet_notes import may_lack_digits, notes_on_digits
from core.collect.report import QueryReport
from core.collect.staging import FILE, ROW, Staging
from core.collect.table import STAGED_CSV, staged_source
from core.errors import InvalidInput
from core.sql.literals import quoted, text_literal

if TYPE_CHECKING:
    import duckdb

#: The name of the table, and of its column with the keys of the objects.
TABLE, KEY = "folder", "object_key"
#: The name of the column of the paths of Parquet files, which the table does not have.
PATH = "$path"
#: Parquet files whose keys are found by their numbers; the keys of more would be a long list.
MOST_IN_ORDER = 10_000
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
        self._staged: list[Typed] = []
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
            return self._written(typed, files, keys, write)
        except _DataError as error:
            readable = {number: path for number, path in files.items() if self._reads(number, path)}
            if len(readable) == len(files):
                raise self._conflict(files, keys, str(error)) from error
            if self._has_view:
                self._connection.execute(f"DROP VIEW {TABLE}")
            try:
                return self._written(typed, readable, keys, write)
            except _DataError as other:
                raise self._conflict(readable, keys, str(other)) from other

    def _written(
        self,
        typed: Sequence[str],
        files: Mapping[int, Path],
        keys: Sequence[str],
        write: Callable[[], QueryReport],
    ) -> QueryReport:
        with _data_errors():
            if not typed and 0 < len(files) <= MOST_IN_ORDER:
                self._create_view(files, keys)
            else:
                self._create_table(typed, files, keys)
            return write()

    def _create_view(self, files: Mapping[int, Path], keys: Sequence[str]) -> None:
        """Create the table as a view of Parquet files: a table would be stored before it is written."""
        _, notes = create_view(self._connection, TABLE, files, keys)
        self._add_notes(notes)
        self._has_view = True

    def _create_table(
        self, typed: Sequence[str], files: Mapping[int, Path], keys: Sequence[str]
    ) -> None:
        parts = [*typed, *([_parquet(files)] if files else ())]
        source = " UNION ALL BY NAME ".join(parts) or f"(SELECT 0 AS {quoted(FILE)} WHERE false)"
        types = {row[0]: row[1] for row in self._rows(f"DESCRIBE {source}")}
        if files and may_be_inexact(types):
            found = [*parquet_types(self._connection, files, keys), *self._staged]
            self._add_notes(check_common_types(types, found))
        if files:
            # The types of the table may be those of CSV or JSON.
            self._add_notes(notes_on_digits(self._connection, files))
        names, own = list(types), {FILE, ROW, PATH}
        columns = [f"rows.{quoted(name)}" for name in names if name not in own]
        columns.append(f"objects.key AS {quoted(_key_name(names))}")
        order = ", ".join(quoted(name) for name in (FILE, ROW) if name in names)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT {', '.join(columns)} "  # noqa: S608 - all names are quoted
            f"FROM ({source}) AS rows JOIN objects USING ({quoted(FILE)}) ORDER BY {order}"
        )

    def _add_notes(self, notes: Sequence[str]) -> None:
        # The table is created a second time without files that turn out to be damaged.
        self.notes += [note for note in notes if note not in self.notes]

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
        kinds = {name: self._staging.kinds[name] for name in members}
        found = ColumnTypes(self._connection, "raw", kinds)
        types = found.types
        self._add_notes(found.notes)
        self._staged = [(name, kind, "CSV and JSON") for name, kind in types.items()]
        values = ", ".join(
            f"CAST({quoted(name)} AS {types[name]}) AS {quoted(name)}" for name in members
        )
        return f"(SELECT {values}, {quoted(FILE)}, {quoted(ROW)} FROM raw)"  # noqa: S608 - all names are quoted

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
    options = ["union_by_name = true", f"filename = {text_literal(PATH)}", *more]
    return f"read_parquet([{paths}], {', '.join(options)})"


def _parquet(files: Mapping[int, Path]) -> str:
    """Return the query of the rows of Parquet files, with the numbers of their objects."""
    return (
        f"(SELECT rows.* EXCLUDE ({quoted(PATH)}, file_row_number), objects.{quoted(FILE)}, "  # noqa: S608 - paths of this program
        f"rows.file_row_number AS {quoted(ROW)} "
        f"FROM {_read_parquet(files, 'file_row_number = true')} AS rows "
        f"JOIN objects ON rows.{quoted(PATH)} = objects.path)"
    )


def create_view(
    connection: duckdb.DuckDBPyConnection, name: str, files: Mapping[int, Path], keys: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Create a view of Parquet files, which DuckDB reads in their order; a join might change it.

    Args:
        connection: a database.
        name: the name of the view.
        files: the files by the numbers of their objects; their names are the numbers.
        keys: the keys of the objects by their numbers.

    Returns:
        DuckDB's types of the columns by their names, without that of the keys, and remarks.

    Raises:
        InvalidInput: no type holds the decimals of a column in all files exactly.
        duckdb.Error: a file is damaged, or columns of the same name cannot be one.
    """
    source = _read_parquet(files)
    described = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    types = {row[0]: row[1] for row in described if row[0] != PATH}
    notes: list[str] = []
    if len(files) > 1 and may_be_inexact(types):
        notes = check_common_types(types, parquet_types(connection, files, keys))
    # Most folders have no such column, so that the footers are not read once more.
    if may_lack_digits(types):
        notes += notes_on_digits(connection, files)
    columns = "".join(f"rows.{quoted(column)}, " for column in types)
    number = f"regexp_extract(rows.{quoted(PATH)}, '([0-9]+)[.]parquet$', 1)::INTEGER + 1"
    variable = f"keys of {name}"
    connection.execute(f"SET VARIABLE {quoted(variable)} = ?::VARCHAR[]", [list(keys)])
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT {columns}"  # noqa: S608 - all names are quoted
        f"getvariable({text_literal(variable)})[{number}] AS {quoted(_key_name(list(types)))} "
        f"FROM {source} AS rows"
    )
    return types, notes


def _is_nested(kind: str) -> bool:
    return kind.endswith("[]") or kind.startswith(_NESTED)
