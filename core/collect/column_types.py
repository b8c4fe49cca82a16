"""The types of columns of texts in DuckDB, for queries.

A column has numbers if each of its values is the usual spelling of a number, which a number shows
again. Values such as `+491234`, `007`, ` 12`, `1e5`, `0x10` and `1_000` are names as often as
numbers, and a text of JSON is never a number: such columns stay text. Numbers of JSON are numbers
in each spelling.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from core.collect.column_notes import USUAL, notes_on_texts
from core.collect.staging import FIELD, NUMBER, TEXT
from core.collect.types import Digits, digits_sql, doubles_sql, number_type
from core.sql.literals import quoted

if TYPE_CHECKING:
    import duckdb

_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d(:?\d\d)?)?"
_DATE = r"\d{4}-\d\d-\d\d"
_ONE_KIND = {frozenset({"boolean"}): "BOOLEAN", frozenset({"json"}): "JSON"}


class ColumnTypes:
    """Finds the types of columns of a table of texts.

    Attributes:
        types: DuckDB's types by the names of the columns.
        notes: remarks about columns that are text although a reader may expect numbers.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        kinds: Mapping[str, Collection[str]],
    ) -> None:
        """Read the columns.

        Args:
            connection: the database.
            table: the quoted name of the table.
            kinds: the kinds of values by the names of the columns; see `Staging.kinds`.
        """
        self._connection, self._table, self._kinds = connection, table, kinds
        self.notes: list[str] = []
        #: The columns of which a note is that their numbers are too long.
        self._long: set[str] = set()
        self.types = {name: _ONE_KIND.get(frozenset(of), "VARCHAR") for name, of in kinds.items()}
        measured = [name for name, of in kinds.items() if of and set(of) <= {TEXT, FIELD, NUMBER}]
        if measured:
            self._measure(measured)
            texts = [name for name in measured if self.types[name] == "VARCHAR"]
            explained = {name: kinds[name] for name in texts if name not in self._long}
            self.notes += notes_on_texts(connection, table, explained)

    def _measure(self, names: list[str]) -> None:
        tests = ", ".join(_tests(name, self._kinds[name]) for name in names)
        (found,) = self._rows(f"SELECT {tests} FROM {self._table}")  # noqa: S608 - all names are quoted
        for place, name in enumerate(names):
            is_number, is_time, is_date, is_boolean, *digits = found[6 * place : 6 * place + 6]
            if is_number:
                self.types[name] = self._number_type(name, Digits(*digits))
            elif is_time:
                self.types[name] = "TIMESTAMPTZ"
            elif is_date:
                self.types[name] = "DATE"
            elif is_boolean:
                self.types[name] = "BOOLEAN"

    def _number_type(self, name: str, digits: Digits) -> str:
        exact = number_type(digits)
        if exact is not None:
            return exact
        ((are_doubles,),) = self._rows(f"SELECT {doubles_sql(name)} FROM {self._table}")  # noqa: S608 - all names are quoted
        if are_doubles:
            return "DOUBLE"
        self._long.add(name)
        self.notes.append(
            f"The column {name} is text, because its numbers have more than 38 digits."
        )
        return "VARCHAR"

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _tests(name: str, kinds: Collection[str]) -> str:
    """Return six aggregates: whether all values are numbers, times, dates, booleans; two of `Digits`."""
    text = quoted(name)
    kinds = set(kinds)
    if kinds == {NUMBER}:
        return f"true, false, false, false, {digits_sql(name)}"
    number = f"regexp_full_match({text}, '{USUAL}')" if TEXT not in kinds else "false"
    tests = (
        number,
        f"regexp_full_match({text}, '{_TIME}') AND TRY_CAST({text} AS TIMESTAMPTZ) IS NOT NULL",
        f"regexp_full_match({text}, '{_DATE}') AND TRY_CAST({text} AS DATE) IS NOT NULL",
        f"lower({text}) IN ('true', 'false')" if kinds == {FIELD} else "false",
    )
    found = ", ".join(f"bool_and({test}) FILTER (WHERE {text} IS NOT NULL)" for test in tests)
    return f"{found}, {digits_sql(name) if TEXT not in kinds else 'NULL, NULL'}"
