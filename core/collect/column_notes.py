"""Notes on columns that are text in queries although a reader may expect numbers.

Each note has an expression that returns the numbers. It is proposed only after the database has
computed it for all values of the column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from core.collect.staging import TEXT
from core.collect.types import Digits, digits_of_sql, number_type
from core.sql.literals import quoted, text_literal
from core.units import format_counted

if TYPE_CHECKING:
    import duckdb

#: The usual spelling of a number, which a number shows again. Programs write an exponent with a
#: sign or after digits behind the point: `1e-05`, `1.5E10`.
USUAL = r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)?"
#: What a reader may take for a number, or for a missing one.
_ALIKE = (
    r"\s*([-+]?(0[xX][0-9a-fA-F]+|[0-9][0-9_,]*\.?[0-9]*([eE][-+]?[0-9]+)?|\.[0-9]+|inf(inity)?)"
    r"|(?i:nan|n/a|na|null|none)|-)\s*"
)
#: Numbers with commas between thousands, and with a decimal comma. `1,234` may be either.
_THOUSANDS = r"\s*[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?\s*"
_DECIMAL_COMMA = r"\s*[-+]?[0-9]+,[0-9]+\s*"
#: Rows of which all values are like numbers before the other rows are read for a note.
_SAMPLE_ROWS = 2048
_MOST_EXAMPLE, _MOST_COLUMNS = 40, 12


def notes_on_texts(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Collection[str]]
) -> list[str]:
    """Return why columns are text whose values look like numbers.

    Args:
        connection: the database.
        table: the quoted name of the table.
        columns: the kinds of values of the columns of texts by their names; see `Staging.kinds`.
    """
    # The first rows show that nearly all columns of texts have other values, too.
    sample = f"(SELECT * FROM {table} LIMIT {_SAMPLE_ROWS})"  # noqa: S608 - a quoted name
    alike = _alike(connection, sample, columns)
    found = _alike(connection, table, {name: columns[name] for name in alike})
    # A column without any value is not text for a reason.
    found = {name: each for name, each in found.items() if each.digits}
    json = {name: each for name, each in found.items() if TEXT in columns[name]}
    fields = {name: each for name, each in found.items() if name not in json}
    # Numbers that no type holds exactly have no cast.
    json = {name: each for name, each in json.items() if each.exact is not None}
    notes = [_note_on_json(json)] if json else []
    named = list(fields)[:_MOST_COLUMNS]
    readings = _readings(connection, table, {name: fields[name] for name in named})
    notes += [_note_on_field(name, fields[name], readings[name]) for name in named]
    if len(fields) > len(named):
        more = format_counted(len(fields) - len(named), "further column")
        notes.append(f"The same applies to {more} of texts that are like numbers.")
    return notes


class _Alike(NamedTuple):
    """A column without its empty values; None stands for a column that has no others.

    Attributes:
        alike: whether all values look like numbers.
        digits: whether any value has a digit.
        example: a value that is no usual spelling of a number; one with digits if there is one.
        commas: whether any value has a comma.
        thousands: whether all values with commas have them between thousands.
        decimals: whether all values with a comma have one before decimals, and none has a point.
        before, after: the fields of `Digits` of the values as they are.
        before_joined, after_joined: the same without commas.
        before_pointed, after_pointed: the same with points instead of commas.
    """

    alike: bool | None
    digits: bool | None
    example: str | None
    commas: bool | None
    thousands: bool | None
    decimals: bool | None
    before: int | None
    after: int | None
    before_joined: int | None
    after_joined: int | None
    before_pointed: int | None
    after_pointed: int | None

    def is_close(self, kinds: Collection[str]) -> bool:
        """Return whether a reader may expect numbers."""
        if TEXT in kinds and self.example is not None:
            return False
        return self.alike is not False and self.digits is not False

    @property
    def exact(self) -> str | None:
        """The type that holds all numbers of the values as they are, if there is one."""
        return number_type(Digits(self.before, self.after))

    def expressions(self, text: str) -> list[str]:
        """Return expressions that may return the numbers of a column or literal of SQL."""
        if not self.commas:
            return [_cast(text, Digits(self.before, self.after))]
        found = []
        if self.thousands:
            joined = Digits(self.before_joined, self.after_joined)
            found.append(_cast(_replaced(text, ""), joined))
        if self.decimals:
            pointed = Digits(self.before_pointed, self.after_pointed)
            found.append(_cast(_replaced(text, "."), pointed))
        return found


def _cast(text: str, digits: Digits) -> str:
    return f"TRY_CAST({text} AS {number_type(digits) or 'DOUBLE'})"


def _alike(
    connection: duckdb.DuckDBPyConnection, source: str, columns: Mapping[str, Collection[str]]
) -> dict[str, _Alike]:
    """Return what is known of those columns that look like numbers."""
    if not columns:
        return {}
    tests = ", ".join(_tests(name) for name in columns)
    (values,) = _rows(connection, f"SELECT {tests} FROM {source}")  # noqa: S608 - all names are quoted
    width = len(_Alike._fields)
    found = {
        name: _Alike(*values[width * place : width * (place + 1)])
        for place, name in enumerate(columns)
    }
    return {name: each for name, each in found.items() if each.is_close(columns[name])}


def _tests(name: str) -> str:
    """Return the aggregates of `_Alike`."""
    text = quoted(name)
    present = f"FILTER (WHERE {text} IS NOT NULL)"
    usual = f"regexp_full_match({text}, '{USUAL}')"
    digits, comma = f"regexp_matches({text}, '[0-9]')", f"contains({text}, ',')"
    return (
        f"bool_and(regexp_full_match({text}, '{_ALIKE}')) {present}, "
        f"bool_or({digits}) {present}, "
        f"coalesce(min({text}) FILTER (WHERE NOT {usual} AND {digits}), "
        f"min({text}) FILTER (WHERE NOT {usual})), "
        f"bool_or({comma}) {present}, "
        f"bool_and(regexp_full_match({text}, '{_THOUSANDS}')) FILTER (WHERE {comma}), "
        f"bool_and(NOT contains({text}, '.') AND (NOT {comma} OR "
        f"regexp_full_match({text}, '{_DECIMAL_COMMA}'))) {present}, "
        f"{digits_of_sql(text)}, "
        f"{digits_of_sql(_replaced(text, ''))}, {digits_of_sql(_replaced(text, '.'))}"
    )


def _replaced(text: str, comma: str) -> str:
    return f"replace({text}, ',', '{comma}')"


def _readings(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, _Alike]
) -> dict[str, list[str]]:
    """Return the expressions by columns that return a number for each value with a digit."""
    found = {name: each.expressions(quoted(name)) for name, each in columns.items()}
    tests = [
        f"bool_and(({each}) IS NOT NULL) FILTER (WHERE regexp_matches({quoted(name)}, '[0-9]'))"
        for name, expressions in found.items()
        for each in expressions
    ]
    if not tests:
        return found
    (values,) = _rows(connection, f"SELECT {', '.join(tests)} FROM {table}")  # noqa: S608 - all names are quoted
    results = iter(values)
    passed = {name: [next(results) for _ in each] for name, each in found.items()}
    examples = {
        name: each.expressions(text_literal(each.example or "")) for name, each in columns.items()
    }
    return {
        name: [
            f"{expression} returns {_value(connection, example)}"
            for expression, example, works in zip(each, examples[name], passed[name], strict=True)
            if works
        ]
        for name, each in found.items()
    }


def _value(connection: duckdb.DuckDBPyConnection, expression: str) -> str:
    ((value,),) = _rows(connection, f"SELECT CAST({expression} AS VARCHAR)")
    return str(value)


def _note_on_field(name: str, found: _Alike, readings: Sequence[str]) -> str:
    note = (
        f"The column {name} is text, because “{(found.example or '')[:_MOST_EXAMPLE]}” is no usual "
        "spelling of a number."
    )
    return f"{note} For it, {', and '.join(readings)}." if readings else note


def _note_on_json(columns: Mapping[str, _Alike]) -> str:
    casts = [f"CAST({quoted(name)} AS {each.exact})" for name, each in columns.items()]
    more = " …" if len(casts) > _MOST_COLUMNS else ""
    return (
        "Values in quotation marks of JSON are text. Their numbers are "
        f"{', '.join(casts[:_MOST_COLUMNS])}{more}."
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()
