"""The text of a CREATE TABLE without its foreign keys, otherwise unchanged.

The rest of the text keeps its order: the server numbers its automatic indexes by it.
"""

from __future__ import annotations

from dataclasses import replace

from core.backup.databases.sqlite.ddl.statements import TableReader
from core.errors import Corrupt
from core.model.tables import Column, TableSchema


class _ForeignKeys(TableReader):
    """Reads one CREATE TABLE, and finds where its foreign keys begin and end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.places: list[tuple[int, int]] = []

    def _column(self) -> None:
        self._columns.append(Column(self.take().name, self._type()))
        found = True
        while found:
            start, before = self._at, list(self._foreign)
            name = self.take().name if self.skip("CONSTRAINT") else ""
            found = self._column_constraint(name)
            if before != self._foreign:
                self._add(start)

    def _table_constraint(self) -> bool:
        start, before = self._at, len(self._foreign)
        found = super()._table_constraint()
        if len(self._foreign) > before:
            # The comma between two constraints can be missing; the one after the columns cannot.
            last = self.here.matches(",", ")")
            self._add(start - 1 if last and self._tokens[start - 1].matches(",") else start)
        return found

    def _add(self, start: int) -> None:
        self.places.append((self._tokens[start].start, self._tokens[self._at - 1].end))


def without_foreign_keys(text: str) -> str:
    """Return the text without `REFERENCES` and `FOREIGN KEY` clauses.

    Raises:
        Corrupt: The text is not understood; nothing is guessed.
    """
    reader = _ForeignKeys(text)
    schema = reader.read()
    result = text
    for start, end in reversed(reader.places):
        result = f"{result[:start]} {result[end:]}"
    if TableReader(result).read() != keyless(schema):
        raise Corrupt("Foreign keys cannot be separated from a table", subject=text[:200])
    return result


def keyless(schema: TableSchema) -> TableSchema:
    """Return a schema without foreign keys."""
    return replace(schema, foreign_keys=())
