"""The rows of two backups as DuckDB reads them for a comparison: hashes, and values of samples."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.backup.package import Package
from core.backup.query.column_types import affinity
from core.backup.query.row_files import RowFiles, row_files
from core.errors import Corrupt, NotSupported
from core.model.backup import Backup
from core.model.tables import Column, TableSchema
from core.sql.session import polling_progress
from core.units import format_count
from core.work import Progress, Work

if TYPE_CHECKING:
    import duckdb

#: Characters of a value that are shown.
_SHOWN = 200
#: Largest row in bytes that is read at first, and part of DuckDB's memory for each thread.
_USUAL_ROW = 1 << 20
_POSTGRESQL = "PostgreSQL"
_TIME = re.compile(r"timestamp|datetime", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Side:
    """One backup of a comparison: its table of hashes, and the columns that are compared.

    `columns` are the names that both backups have, in the order of the first one; `values` the SQL
    of their texts, and `key` the names of the columns of the key, if both have the same one.
    `is_json` means that these texts are JSON, which contains no control character.
    """

    name: str
    package: Package
    columns: tuple[str, ...]
    values: tuple[str, ...]
    key: tuple[str, ...]
    is_json: bool

    @property
    def key_values(self) -> tuple[str, ...]:
        """The SQL of the texts of the key."""
        return tuple(self.values[self.columns.index(name)] for name in self.key)


@dataclass(frozen=True, slots=True)
class Sample:
    """A row: the texts of its values, which may be cut, and a digest of each complete value."""

    texts: tuple[str, ...]
    digests: tuple[int | None, ...]


def sides_of(before: Package, after: Package) -> tuple[Side, Side]:
    """Return the sides of a comparison.

    Raises:
        NotSupported: The values of the backups are written in different forms.
    """
    check_engines(before.backup, before.engine, after.engine)
    # With an old form, the types are those of the other backup.
    typed = before if before.engine else after
    loosely = not (before.engine and after.engine) and before.engine != after.engine
    ours = {_folded(each.name, before): each for each in before.schema.stored}
    theirs = {_folded(each.name, after): each for each in after.schema.stored}
    common = [name for name in ours if name in theirs]
    keys = [_key(package) for package in (before, after)]
    shared = keys[0] if keys[0] == keys[1] and set(keys[0]) <= set(common) else ()
    names = tuple(ours[name].name for name in common)
    key = tuple(ours[name].name for name in shared)
    sides = []
    for title, package, columns in (("before", before, ours), ("after", after, theirs)):
        values = _values(package, [columns[name] for name in common])
        if loosely:
            types = [(ours if typed is before else theirs)[name].type for name in common]
            values = tuple(map(partial(_loose, package), values, types))
        is_json = package.parts_format == "jsonl" and not loosely
        sides.append(Side(title, package, names, values, key, is_json))
    return sides[0], sides[1]


def check_engines(before: Backup, first: str, second: str) -> None:
    """Check that equal values have the same text in two backups.

    Args:
        before: The first backup.
        first: Its engine; empty if it is not known.
        second: The engine of the other backup.

    Raises:
        NotSupported: The engines differ.
    """
    if first and second and first != second:
        raise NotSupported(
            "The backups are of different engines, which write the same values in different forms",
            cause=f"The first is of {first}, the second of {second}.",
            remedy="Restore one into the engine of the other and back it up, then compare that "
            "backup.",
            subject=before.table,
        )


def _folded(name: str, package: Package) -> str:
    return name if package.engine == _POSTGRESQL else name.lower()


def _key(package: Package) -> tuple[str, ...]:
    primary = package.schema.primary
    if primary is None or any(part.expression for part in primary.parts):
        return ()
    return tuple(_folded(part.name, package) for part in primary.parts)


def _values(package: Package, columns: Sequence[Column]) -> tuple[str, ...]:
    if package.parts_format == "jsonl":
        return tuple(f"CAST({_quoted(column.name)} AS VARCHAR)" for column in columns)
    order = [column.name for column in package.schema.stored]
    return tuple(f"c{order.index(column.name)}" for column in columns)


def _loose(package: Package, value: str, declared: str) -> str:
    """Return the SQL of a value for the comparison with one of the old form, which has no types.

    Texts of JSON lose their quotes; times and numbers are written in one form.
    """
    if package.parts_format == "jsonl":
        text = f"json_extract_string({value}, '$')"
        value = f"CASE WHEN {value} LIKE '\"%' THEN {text} ELSE {value} END"
    if _TIME.match(declared):
        return f"coalesce(CAST(TRY_CAST({value} AS TIMESTAMP) AS VARCHAR), {value})"
    if declared.lower() == "boolean":
        return f"coalesce(CAST(CAST(TRY_CAST({value} AS BOOLEAN) AS TINYINT) AS VARCHAR), {value})"
    if affinity(declared) in ("DOUBLE", "NUMERIC"):
        return f"coalesce(CAST(TRY_CAST({value} AS DOUBLE) AS VARCHAR), {value})"
    return value


@dataclass(slots=True)
class RowReader:
    """Reads the rows of both sides with DuckDB, and reports how many it has read.

    Attributes:
        connection: A session that may read files.
        folder: A private folder.
        salt: A random text. Without it rows could be written whose hashes are equal on purpose:
            MD5 is only as good as its secret here, but several times as fast as SHA-256.
        work: Cancel token and progress.
        step: What the rows are read for.
        total: The rows of this step.
        done: Those of its statements that have ended.
    """

    connection: duckdb.DuckDBPyConnection
    folder: Path
    salt: str
    work: Work
    step: str = ""
    total: int = 0
    done: int = 0

    def begin(self, step: str, total: int) -> None:
        """Begin a step, and report it."""
        self.step, self.total, self.done = step, total, 0
        self._report(0)

    def store_hashes(self, side: Side) -> None:
        """Create the table of a side, which has its name.

        `k` is the hash of the key, `r` that of the row.

        Raises:
            Corrupt: DuckDB found another number of rows than the manifest has.
        """
        key = self._hash(side, side.key_values) if side.key else "NULL::UHUGEINT"
        select = f"{key} AS k, {self._hash(side, side.values)} AS r"
        self._run(f"CREATE OR REPLACE TABLE {side.name} AS SELECT {select}", side)
        count = f"SELECT count(*) FROM {side.name}"  # noqa: S608 - a constant
        (found,) = self.connection.execute(count).fetchall()[0]
        if found != side.package.rows:
            raise Corrupt(
                "The rows of the backups cannot be read as tables",
                cause=f"{format_count(found)} were read; the manifest has "
                f"{format_count(side.package.rows)}.",
                remedy="Restore them under new names instead, and report this.",
                subject=side.package.backup.key,
            )

    def samples(self, side: Side, hashes: Sequence[int], column: str) -> dict[int, Sample]:
        """Return the rows of a side whose hash is one of `hashes`.

        Args:
            side: The side.
            hashes: Hashes of its rows.
            column: `k` for hashes of the key, or `r` for those of the row.
        """
        if not hashes:
            return {}
        self.connection.execute("CREATE OR REPLACE TEMP TABLE wanted (h UHUGEINT)")
        values = [(each,) for each in hashes]
        self.connection.executemany("INSERT INTO wanted VALUES (?)", values)
        compared = side.key_values if column == "k" else side.values
        shown = (f"substr({value}, 1, {_SHOWN + 2}), md5_number({value})" for value in side.values)
        # A name that no column of the backup has. The texts are only computed for the wanted rows.
        name = f"hash_{self.salt}"
        select = (
            f"SELECT {name}, {', '.join(shown)} FROM "  # noqa: S608 - names are quoted
            f"(SELECT *, {self._hash(side, compared)} AS {name}"
        )
        where = f") WHERE {name} IN (SELECT h FROM wanted)"  # noqa: S608 - not from the backup
        found = {}
        for row in self._run(select, side, where):
            texts = tuple(_text(value, is_json=side.is_json) for value in row[1::2])
            found[row[0]] = Sample(texts, tuple(row[2::2]))
        return found

    def _hash(self, side: Side, values: Sequence[str]) -> str:
        """Return the SQL of a hash of values, which are separated so that no part can shift."""
        if side.is_json:
            texts = ", ".join(f"coalesce({value}, '')" for value in values)
            return f"md5_number(concat_ws(chr(1), '{self.salt}', {texts}))"
        parts = " || ".join(f"coalesce(strlen({value}) || ':' || {value}, '-')" for value in values)
        return f"md5_number('{self.salt}' || {parts})"

    def _run(self, select: str, side: Side, end: str = "") -> list[tuple[Any, ...]]:
        """Run a query on the rows of a side, again if a row is longer than usual."""
        import duckdb

        package = side.package
        found: list[tuple[Any, ...]] = []
        longest = max((part.raw_size for part, _ in package.files), default=1 << 30) + 1
        for size in (min(_USUAL_ROW, longest), longest):
            with (
                row_files(package, self.folder, f"{side.name}.rows", self._report) as files,
                polling_progress(self.connection, partial(self._report_share, package.rows)),
            ):
                source = _source(package, files, size)
                try:
                    found = self.connection.execute(f"{select} FROM {source}{end}").fetchall()
                except duckdb.InvalidInputException:
                    if size == longest:
                        raise
                else:
                    break
        self.done += package.rows
        self._report(0)
        return found

    def _report_share(self, rows: int, share: float) -> None:
        self._report(int(rows * share))

    def _report(self, rows: int) -> None:
        """Report the rows that the present statement has read."""
        self.work.report(Progress(self.done + rows, self.total, "rows", self.step))


def _source(package: Package, files: RowFiles, longest: int) -> str:
    """Return the SQL of the rows: the columns of CSV are `c0` …, those of JSON have their names."""
    paths = ", ".join(_literal(str(path)) for path in files.paths)
    columns = ", ".join(_columns(package.schema, package.parts_format))
    common = f"[{paths}], columns = {{{columns}}}, compression = '{files.compression}', auto_detect = false"
    if package.parts_format == "csv":
        return (
            f"read_csv({common}, header = false, delim = ',', quote = '\"', escape = '\"', "
            f"nullstr = '', allow_quoted_nulls = false, new_line = '\\n', max_line_size = {longest})"
        )
    return (
        f"read_json({common}, format = 'newline_delimited', maximum_object_size = {longest}, "
        "convert_strings_to_integers = false)"
    )


def _columns(schema: TableSchema, parts_format: str) -> list[str]:
    if parts_format == "csv":
        return [f"'c{number}': 'VARCHAR'" for number, _ in enumerate(schema.stored)]
    return [f"{_literal(column.name)}: 'JSON'" for column in schema.stored]


def _text(value: str | None, *, is_json: bool) -> str:
    """Return a value as it is shown; one of JSON without quotes, and cut if it is long."""
    if value is None:
        return "NULL"
    text = value
    if is_json:
        try:
            decoded = json.loads(value)
        except ValueError:  # it was cut
            text = value.removeprefix('"')
        else:
            text = _plain(decoded, value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _plain(decoded: Any, value: str) -> str:
    if isinstance(decoded, dict):  # a value that JSON has not: {"$hex": "00FF"}
        return " ".join(f"{str(name).lstrip('$')} {each}" for name, each in decoded.items())
    if decoded is None:
        return "NULL"
    return decoded if isinstance(decoded, str) else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
