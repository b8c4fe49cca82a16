"""The types of columns of texts in DuckDB, for queries.

A column has numbers if each of its values is the usual spelling of a number, which a number shows
again. Values such as `+491234`, `007`, ` 12`, `1e5`, `0x10` and `1_000` are names as often as
numbers, and a text of JSON is never a number: such columns stay text. Numbers of JSON are numbers in
each spelling.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from core.collect.staging import FIELD, NUMBER, TEXT
from core.collect.types import Digits, digits_sql, doubles_sql, number_type
from core.sql.literals import quoted

if TYPE_CHECKING:
    import duckdb

#: Programs write an exponent with a sign or after digits behind the point: `1e-05`, `1.5E10`.
_USUAL = r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)?"
#: What a reader may take for a number, or for a missing one.
_ALIKE = (
    r"\s*([-+]?(0[xX][0-9a-fA-F]+|[0-9][0-9_,]*\.?[0-9]*([eE][-+]?[0-9]+)?|\.[0-9]+|inf(inity)?)"
    r"|(?i:nan|n/a|na|null|none)|-)\s*"
)
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[-+]\d\d(:?\d\d)?)?"
_DATE = r"\d{4}-\d\d-\d\d"
#: Rows of which all values are like numbers before the other rows are read for a note.
_SAMPLE_ROWS = 2048
_MOST_EXAMPLE, _MOST_CASTS = 40, 12
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
        self.types = {name: _ONE_KIND.get(frozenset(of), "VARCHAR") for name, of in kinds.items()}
        measured = [name for name, of in kinds.items() if of and set(of) <= {TEXT, FIELD, NUMBER}]
        if measured:
            self._measure(measured)
            self._explain([name for name in measured if self.types[name] == "VARCHAR"])

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
        self.notes.append(
            f"The column {name} is text, because its numbers have more than 38 digits."
        )
        return "VARCHAR"

    def _explain(self, names: list[str]) -> None:
        """Note why columns are text whose values look like numbers."""
        noted = {name for name in names if any(f"column {name} is" in note for note in self.notes)}
        # The first rows show that nearly all columns of texts have other values, too.
        sample = f"(SELECT * FROM {self._table} LIMIT {_SAMPLE_ROWS})"  # noqa: S608 - a quoted name
        alike = self._alike([name for name in names if name not in noted], sample)
        found = self._alike(list(alike), self._table)
        casts = [
            f"CAST({quoted(name)} AS {number_type(Digits(each.before, each.after)) or 'DOUBLE'})"
            for name, each in found.items()
            if TEXT in self._kinds[name]
        ]
        if casts:
            self.notes.append(
                "Values in quotation marks of JSON are text. Their numbers are "
                f"{', '.join(casts[:_MOST_CASTS])}{' …' if len(casts) > _MOST_CASTS else ''}."
            )
        self.notes += [
            f"The column {name} is text, because “{(each.example or '')[:_MOST_EXAMPLE]}” is no usual "
            f"spelling of a number. TRY_CAST({quoted(name)} AS DOUBLE) returns the numbers."
            for name, each in found.items()
            if TEXT not in self._kinds[name]
        ]

    def _alike(self, names: list[str], source: str) -> dict[str, _Alike]:
        """Return what is known of those columns that look like numbers."""
        if not names:
            return {}
        tests = ", ".join(_alike_tests(name) for name in names)
        (values,) = self._rows(f"SELECT {tests} FROM {source}")  # noqa: S608 - all names are quoted
        found = {
            name: _Alike(*values[5 * place : 5 * place + 5]) for place, name in enumerate(names)
        }
        return {name: each for name, each in found.items() if each.is_close(self._kinds[name])}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _tests(name: str, kinds: Collection[str]) -> str:
    """Return six aggregates: whether all values are numbers, times, dates, booleans; two of `Digits`."""
    text = quoted(name)
    kinds = set(kinds)
    if kinds == {NUMBER}:
        return f"true, false, false, false, {digits_sql(name)}"
    number = f"regexp_full_match({text}, '{_USUAL}')" if TEXT not in kinds else "false"
    tests = (
        number,
        f"regexp_full_match({text}, '{_TIME}') AND TRY_CAST({text} AS TIMESTAMPTZ) IS NOT NULL",
        f"regexp_full_match({text}, '{_DATE}') AND TRY_CAST({text} AS DATE) IS NOT NULL",
        f"lower({text}) IN ('true', 'false')" if kinds == {FIELD} else "false",
    )
    found = ", ".join(f"bool_and({test}) FILTER (WHERE {text} IS NOT NULL)" for test in tests)
    return f"{found}, {digits_sql(name) if TEXT not in kinds else 'NULL, NULL'}"


class _Alike(NamedTuple):
    """A column without its empty values; None stands for a column that has no others.

    Attributes:
        alike: whether all values look like numbers.
        digits: whether any value has a digit.
        example: a value that is no usual spelling of a number.
        before, after: the fields of `Digits`.
    """

    alike: bool | None
    digits: bool | None
    example: str | None
    before: int | None
    after: int | None

    def is_close(self, kinds: Collection[str]) -> bool:
        """Return whether a reader may expect numbers."""
        if TEXT in kinds and self.example is not None:
            return False
        return self.alike is not False and self.digits is not False


def _alike_tests(name: str) -> str:
    """Return the aggregates of `_Alike`."""
    text = quoted(name)
    present = f"FILTER (WHERE {text} IS NOT NULL)"
    usual = f"regexp_full_match({text}, '{_USUAL}')"
    return (
        f"bool_and(regexp_full_match({text}, '{_ALIKE}')) {present}, "
        f"bool_or(regexp_matches({text}, '[0-9]')) {present}, "
        f"min({text}) FILTER (WHERE NOT {usual}), "
        f"{digits_sql(name)}"
    )
