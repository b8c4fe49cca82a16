"""Parquet files as tables: the footer first, then the leading row groups that are at hand.

DuckDB reads a file in a private folder that has the size of the object, but only the bytes that
were fetched; nothing else of the file is ever read.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import StorageError
from core.preview.limits import MIB
from core.preview.problems import ProblemKind
from core.preview.reading import Content, Reading, counted
from core.preview.values import Table
from core.sql.literals import quoted, text_literal
from core.sql.session import open_session, run
from core.units import format_counted, format_size

if TYPE_CHECKING:
    import duckdb

MAGIC = b"PAR1"
#: Returns bytes of the object: start and length.
Fetch = Callable[[int, int], bytes]

#: Bytes that are fetched at most for a footer, and for the first row group.
_MOST_FOOTER = 16 * MIB
_MOST_FETCHED = 32 * MIB
#: Bytes of row groups that are unpacked at most: their pages may be compressed a thousandfold.
_MOST_UNPACKED = 64 * MIB
_MEMORY = "160MB"
_ROWS_AT_ONCE = 512
#: Digits of a decimal in DuckDB, and columns at most that are reported because they have more.
_MOST_DIGITS, _MOST_NOTED = 38, 10
_PATH = re.compile(r"file ['\"][^'\"]*preview\.parquet['\"]|['\"][^'\"]*preview\.parquet['\"]")
#: The end of a file: the length of the footer in four bytes, and the signature (Parquet format,
#: "File format").
_END = 8


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes of the object from `start` on."""

    start: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group: the range of its bytes, its rows, and its size when unpacked."""

    start: int
    end: int
    rows: int
    unpacked: int


def read_parquet(data: bytes, total: int, fetch: Fetch | None, reading: Reading) -> Content | None:
    """Return the rows and the columns of a Parquet file; None with a finding if it is unreadable.

    Args:
        data: the beginning of the file.
        total: its size in bytes.
        fetch: returns other bytes of it; None if `data` is all there is.
        reading: the preview; its findings receive what was left out and why.
    """
    parts = [_Part(0, data)]
    if total > len(data):
        tail = _tail(total, len(data), fetch, reading)
        if tail is None:
            return None
        parts.append(tail)
    try:
        with tempfile.TemporaryDirectory(prefix="strongroom-") as folder:
            path = Path(folder) / "preview.parquet"
            _write(path, total, parts)
            with open_session(Path(folder)) as connection:
                return _Reader(connection, path, parts, total, fetch, reading).content()
    except (StorageError, OSError) as error:
        cause = (getattr(error, "cause", "") or str(error)).splitlines()[0]
        # The name of the temporary file means nothing to a reader.
        cause = _PATH.sub("the file", cause)[:200]
        finding = f"this Parquet file cannot be read: {cause}"
        reading.findings.note(ProblemKind.BROKEN, finding)
        return None


def _tail(total: int, fetched: int, fetch: Fetch | None, reading: Reading) -> _Part | None:
    """Fetch the footer of a file of which the beginning is known."""
    if fetch is None:
        reading.findings.note(ProblemKind.NOTE, "the end of this Parquet file was not read")
        return None
    end = fetch(total - _END, _END)
    length = int.from_bytes(end[:4], "little") + _END
    if not end.endswith(MAGIC) or length > min(total, _MOST_FOOTER):
        finding = "this Parquet file has no readable footer"
        reading.findings.note(ProblemKind.BROKEN, finding)
        return None
    start = max(total - length, fetched)
    return _Part(start, fetch(start, total - start))


def _write(path: Path, total: int, parts: list[_Part]) -> None:
    """Write the known bytes at their positions; the file system stores no others."""
    with path.open("wb") as file:
        file.truncate(total)
        for part in parts:
            file.seek(part.start)
            file.write(part.data)


class _Reader:
    """Reads one file; the order of the steps is that of `content`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        parts: list[_Part],
        total: int,
        fetch: Fetch | None,
        reading: Reading,
    ) -> None:
        self._connection, self._path, self._parts = connection, path, parts
        self._total, self._fetch, self._reading = total, fetch, reading
        self._file = f"read_parquet({text_literal(str(path))}, hive_partitioning = false)"

    def _rows_of(self, sql: str) -> list[tuple[Any, ...]]:
        with run(self._connection, self._reading.deadline.work):
            return self._connection.execute(sql).fetchall()

    def content(self) -> Content:
        with run(self._connection, self._reading.deadline.work):
            self._connection.execute(f"SET memory_limit = '{_MEMORY}'")
            self._connection.execute("SET threads = 1")
        described = self._rows_of(f"DESCRIBE SELECT * FROM {self._file}")  # noqa: S608 - a literal
        names = [(str(name), str(kind)) for name, kind, *_ in described]
        shown = names[: self._reading.limits.columns]
        if len(names) > len(shown):
            finding = f"only {len(shown)} of {format_counted(len(names), 'column')} are shown"
            self._reading.findings.note(ProblemKind.LIMIT, finding)
        self._note_rounded()
        groups = self._groups()
        total = sum(group.rows for group in groups)
        count = min(self._covered(groups), self._most_rows(len(shown)))
        rows = self._rows(shown, count) if count else []
        if len(rows) < total:
            finding = f"only the first {len(rows):,} of {format_counted(total, 'row')} are shown"
            self._reading.findings.note(ProblemKind.LIMIT, finding)
        table = Table(
            tuple(name for name, _ in shown), rows, tuple(_is_numeric(kind) for _, kind in shown),
            len(rows) < total, types=tuple(kind.lower() for _, kind in shown), declared=True,
        )  # fmt: skip
        columns = self._columns(shown)
        filename = self._reading.filename
        views = (table, columns) if rows or not total else (columns, table)
        return Content(filename, counted(total, "row"), views)

    def _note_rounded(self) -> None:
        """Report columns of which no type of DuckDB holds all digits."""
        found = self._rows_of(
            "SELECT name, type FROM parquet_schema("  # noqa: S608 - a literal
            f"{text_literal(str(self._path))})"
            f" WHERE type = 'INT96' OR precision > {_MOST_DIGITS} AND duckdb_type = 'DOUBLE'"
        )
        for name, kind in found[:_MOST_NOTED]:
            if kind == "INT96":
                finding = (
                    f"times of {name} are shown to the microsecond: further digits are omitted"
                )
                self._reading.findings.note(ProblemKind.NOTE, finding)
            else:
                finding = f"decimals of {name} have more than {_MOST_DIGITS} digits: shown rounded"
                self._reading.findings.note(ProblemKind.LIMIT, finding)

    def _most_rows(self, columns: int) -> int:
        limits = self._reading.limits
        return min(limits.rows, limits.cells // max(1, columns))

    def _groups(self) -> list[_Group]:
        """Return the row groups in order, as the footer describes them."""
        found = self._rows_of(
            "SELECT min(coalesce(dictionary_page_offset, data_page_offset)),"  # noqa: S608 - a literal
            " max(coalesce(dictionary_page_offset, data_page_offset) + total_compressed_size),"
            " any_value(row_group_num_rows), sum(total_uncompressed_size)"
            f" FROM parquet_metadata({text_literal(str(self._path))})"
            " GROUP BY row_group_id ORDER BY row_group_id"
        )
        return [_Group(*(max(0, int(value or 0)) for value in row)) for row in found]

    def _covered(self, groups: list[_Group]) -> int:
        """Return how many leading rows can be read, after fetching the first row group."""
        if groups and not self._has(groups[0]):
            self._fetch_group(groups[0])
        rows = unpacked = 0
        for group in groups:
            unpacked += group.unpacked
            if not self._has(group) or unpacked > _MOST_UNPACKED:
                break
            rows += group.rows
        return rows

    def _has(self, group: _Group) -> bool:
        return any(
            part.start <= group.start and group.end <= part.start + len(part.data)
            for part in self._parts
        )

    def _fetch_group(self, group: _Group) -> None:
        size = group.end - group.start
        if self._fetch is None or size > _MOST_FETCHED or group.end > self._total or size <= 0:
            finding = f"the first row group has {format_size(size)}: only its columns are shown"
            self._reading.findings.note(ProblemKind.LIMIT, finding)
            return
        part = _Part(group.start, self._fetch(group.start, size))
        self._parts.append(part)
        with self._path.open("r+b") as file:
            file.seek(part.start)
            file.write(part.data)

    def _rows(self, columns: list[tuple[str, str]], count: int) -> list[tuple[str, ...]]:
        """Return the first rows as texts: every value as DuckDB writes it, without rounding."""
        chars = self._reading.limits.cell_chars
        cells = ", ".join(f"left({quoted(name)}::VARCHAR, {chars + 1})" for name, _ in columns)
        deadline = self._reading.next_deadline()
        found: list[tuple[str, ...]] = []
        with run(self._connection, deadline.work):
            result = self._connection.execute(f"SELECT {cells} FROM {self._file} LIMIT {count}")  # noqa: S608 - quoted names
            while rows := result.fetchmany(_ROWS_AT_ONCE):
                found += [tuple(_cell(cell, chars) for cell in row) for row in rows]
                if deadline.passed:
                    break
        return found

    def _columns(self, columns: list[tuple[str, str]]) -> Table:
        """Return one row for each column: its type, its empty values, and its size."""
        # A nested column has several parts, whose paths begin with its name.
        found = self._rows_of(
            "SELECT path_in_schema, sum(stats_null_count), sum(total_compressed_size),"  # noqa: S608 - a literal
            f" any_value(compression) FROM parquet_metadata({text_literal(str(self._path))})"
            " GROUP BY path_in_schema"
        )
        flat = {str(row[0]): row for row in found}
        parts: dict[str, list[tuple[Any, ...]]] = {}
        for row in found:
            parts.setdefault(str(row[0]).partition(", ")[0], []).append(row)
        rows = tuple(
            (name, kind.lower(), *_facts(flat.get(name), parts.get(name, ())))
            for name, kind in columns
        )
        heads = ("Column", "Type", "Empty", "Size", "Compression")
        return Table(heads, rows, (False, False, True, True, False), label="Columns")


def _facts(flat: tuple[Any, ...] | None, parts: Sequence[tuple[Any, ...]]) -> tuple[str, str, str]:
    """Return the empty values, the size and the compression of a column.

    Args:
        flat: its row, if it is not nested.
        parts: the rows of its parts.
    """
    rows = [flat] if flat else parts
    if not rows:
        return "", "", ""
    nulls = str(flat[1] or "") if flat else ""
    return nulls, format_size(sum(int(row[2] or 0) for row in rows)), str(rows[0][3]).lower()


def _cell(cell: str | None, chars: int) -> str:
    if cell is None:
        return ""
    return cell if len(cell) <= chars else cell[:chars] + "…"


def _is_numeric(kind: str) -> bool:
    return kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or kind.endswith(("INT", "INTEGER"))
