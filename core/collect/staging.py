"""Text files of rows on this computer, which DuckDB reads: one for each form of rows.

All values are text as they were written, so that no number passes through a double.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.aws.limits import MIB
from core.collect.patterns import Pattern
from core.collect.rows import Block, Column, UnreadableError
from core.local.atomic import translate_os_errors
from core.local.spool import private_file
from core.preview.numbers import number_text
from core.units import format_size

_SPECIAL = re.compile('[",\r\n]')
_BUFFER_BYTES = 1 << 20
#: Bytes of a row that DuckDB reads.
MOST_ROW_BYTES = 64 * MIB
#: Different sets of members of rows; each is a part of the query that reads them.
_MOST_FORMS = 500
#: Columns of the files before those of the rows: the number of the object, and of the row in it.
FILE, ROW = "$object", "$row"
#: Column of the table of objects: the order in which they were written.
RANK = "$rank"
#: Columns of the steps in between: values that should be numbers, and the count of equal rows.
BAD, NTH = "$bad", "$nth"
#: Kinds of values: texts of JSON, fields of CSV, which may be anything, and numbers of JSON.
TEXT, FIELD, NUMBER = "text", "field", "number"
#: Column of the texts of times that are finer than a type of DuckDB.
WRITTEN = "$written"


@dataclass(slots=True)
class Form:
    """A file with rows that have the same columns; `names` are unique even without case.

    `longest` is at least the length of the longest line in bytes: that of the longest block of
    lines.
    """

    path: Path
    names: tuple[str, ...]
    longest: int = 0
    waiting: list[bytes] = field(default_factory=list, repr=False)
    size: int = 0

    def write(self, lines: bytes) -> None:
        """Append lines; files are open only while they are written, as there may be many."""
        self.waiting.append(lines)
        self.longest = max(self.longest, len(lines))
        self.size += len(lines)
        if self.size > _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory."""
        with translate_os_errors(self.path, "written"), self.path.open("ab") as file:
            file.writelines(self.waiting)
        self.waiting, self.size = [], 0


class Staging:
    """The files of one collection.

    Attributes:
        forms: the files by the names of their members.
        kinds: the kinds of values in each column: `text` (of JSON), `field` (of CSV), `number`,
            `boolean` or `json`.
        renamed: the members of columns that have another name, by the names of the columns.
    """

    def __init__(self, folder: Path, head: Iterable[str]) -> None:
        """Use a private folder; `head` has the names of the columns that come from the key."""
        self._folder = folder
        self._names: dict[str, str] = {}
        self._used = {FILE, ROW, RANK, BAD, NTH, WRITTEN, *head}
        self.forms: dict[tuple[str, ...], Form] = {}
        self.kinds: dict[str, set[str]] = {}
        self.renamed: dict[str, str] = {}

    def add_lines(self, pattern: Pattern, lines: bytes) -> None:
        """Append rows of an object that a pattern has converted."""
        form = self.forms.get(pattern.names) or self._new_form(pattern.names)
        for name, kind in zip(form.names, pattern.kinds, strict=True):
            self.kinds[name].add(kind)
        form.write(lines)

    def add(self, number: int, block: Block) -> None:
        """Append rows of an object.

        Args:
            number: the number of the object.
            block: the rows.

        Raises:
            UnreadableError: a row is too long, or there are too many forms of rows.
        """
        form = self.forms.get(block.names) or self._new_form(block.names)
        cells = [
            self._cells(name, column, FIELD if block.are_fields else TEXT)
            for name, column in zip(form.names, block.columns, strict=True)
        ]
        rows = [f"{number},{row}" for row in block.rows]
        lines = list(map(",".join, zip(rows, *cells, strict=True)))
        written = ("\n".join(lines) + "\n").encode()
        if len(written) > MOST_ROW_BYTES and any(
            len(line.encode()) >= MOST_ROW_BYTES for line in lines
        ):
            message = f"A row of it has {format_size(MOST_ROW_BYTES)} or more."
            raise UnreadableError(message)
        form.write(written)

    def close(self) -> None:
        """Complete the files, which can then be read."""
        for form in self.forms.values():
            form.flush()

    def _new_form(self, members: tuple[str, ...]) -> Form:
        if len(self.forms) >= _MOST_FORMS:
            message = f"Its rows have other members than {_MOST_FORMS:,} forms of rows before."
            raise UnreadableError(message)
        path = private_file(self._folder / f"rows-{len(self.forms)}.csv")
        form = Form(path, tuple(self._unique(name) for name in members))
        self.forms[members] = form
        return form

    def _unique(self, member: str) -> str:
        """Return the column of a member: DuckDB ignores the case of names."""
        if member not in self._names:
            name, number = member or "unnamed", 1
            while name.casefold() in self._used:
                number += 1
                name = f"{member}_{number}"
            self._used.add(name.casefold())
            self._names[member] = name
            self.kinds[name] = set()
            if name != member:
                self.renamed[name] = member
        return self._names[member]

    def _cells(self, name: str, column: Column, of_text: str) -> Sequence[str]:
        """Return a column as fields of CSV; NULL is an empty field, an empty text is `""`."""
        types = set(map(type, column))
        if types == {str}:
            self.kinds[name].add(of_text)
            if all(column) and not _SPECIAL.search("".join(column)):
                return column
            return [quoted_field(cell) for cell in column]
        if types.isdisjoint(_NOT_NUMBERS):
            self.kinds[name].add(NUMBER)
            return list(map(str, column))
        self.kinds[name] |= {
            of_text if each is str else _KINDS.get(each, NUMBER) for each in types - {type(None)}
        }
        return [_cell(cell) for cell in column]


_KINDS: dict[type, str] = {bool: "boolean", dict: "json", list: "json"}
_NOT_NUMBERS = {str, bool, dict, list, type(None)}


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        return quoted_field(cell)
    return number_text(cell) or quoted_field(json_text(cell))


def quoted_field(text: str) -> str:
    """Return a text as a quoted field of CSV."""
    return '"' + text.replace('"', '""') + '"'


def json_text(value: Any) -> str:
    """Return a value as compact JSON, with the digits of its numbers as they were written."""
    import json

    if isinstance(value, dict):
        members = (
            f"{json.dumps(name, ensure_ascii=False)}:{json_text(each)}"
            for name, each in value.items()
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return number_text(value) or json.dumps(value, ensure_ascii=False)
