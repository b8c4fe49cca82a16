"""Which bytes of Parquet files a statement needs: the parts of the columns that it reads.

A file consists of row groups, and each of them has one part for each column. The footer has the
place of every part, with the least and the greatest value in it. Source: Parquet format, "File
format" and "Metadata".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from core.aws.limits import MIB
from core.collect.folder_table import PATH
from core.errors import InvalidInput
from core.sql.literals import quoted, text_literal
from core.sql.plan import Comparison, Scan
from core.sql.session import check_select

if TYPE_CHECKING:
    import duckdb

MAGIC = b"PAR1"
#: The end of a file: the length of the footer in four bytes, and the signature.
END_BYTES = 8
#: Bytes between two parts that are read rather than skipped with another request.
_GAP_BYTES = 256 * 1024
#: The most bytes of one request.
PIECE_BYTES = 4 * MIB
#: Types of which DuckDB compares the least and the greatest values of a part with a literal.
_ORDERED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
            "UBIGINT", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL", "DATE", "TIMESTAMP")  # fmt: skip
#: The column of paths, which DuckDB shows without quotes.
_BARE_PATH = re.compile(rf"(?<![\w\"'$]){re.escape(PATH)}(?!\w)")
#: The characters of a text that DuckDB compares.
_COMPARED = 8
#: For each sign, the condition under which no row of a part meets a comparison.
_EXCLUDED = {
    "=": "least > {0} OR greatest < {0}",
    "<": "least >= {0}",
    "<=": "least > {0}",
    ">": "greatest <= {0}",
    ">=": "greatest < {0}",
}


class Span(NamedTuple):
    """Bytes of a file, from `start` to before `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a column in a row group.

    Attributes:
        column: the name of the column; that of the outermost one of a struct or list.
        bloom: the place of its Bloom filter, which conditions use; None without one.
        least: the least value as DuckDB's text; None if it is unknown.
        greatest: the greatest value.
    """

    group: int
    column: str
    span: Span
    bloom: Span | None
    least: str | None
    greatest: str | None


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer of a file states: the rows of each row group, and all parts of columns."""

    groups: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.groups)


def footer_length(tail: bytes) -> int:
    """Return the number of bytes of the footer, with the signature, that a file ends with.

    Returns:
        The length; 0 if it is not the end of a Parquet file.
    """
    if len(tail) < END_BYTES or not tail.endswith(MAGIC):
        return 0
    return int.from_bytes(tail[-END_BYTES:-4], "little") + END_BYTES


def read_footers(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[str, Footer]:
    """Return the footers by the names of files, of which nothing else needs to be present.

    Raises:
        duckdb.Error: one is damaged.
    """
    names = ", ".join(text_literal(str(path)) for path in paths)
    schemas: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for file, *element in connection.execute(
        f"SELECT file_name, name, coalesce(num_children, 0) FROM parquet_schema([{names}]) "  # noqa: S608 - the program's paths
        "ORDER BY file_name, column_id"
    ).fetchall():
        schemas[file].append((element[0], element[1]))
    columns = {file: list(_outermost(schema)) for file, schema in schemas.items()}
    found = connection.execute(
        "SELECT file_name, row_group_id, row_group_num_rows, column_id, "  # noqa: S608 - the program's paths
        # Some writers state a dictionary at 0: no part begins within the signature of the file.
        "CASE WHEN dictionary_page_offset >= 4 THEN least(dictionary_page_offset, data_page_offset) "
        "ELSE data_page_offset END, "
        "total_compressed_size, bloom_filter_offset, bloom_filter_length, stats_min_value, "
        f"stats_max_value FROM parquet_metadata([{names}])"
    ).fetchall()
    rows: dict[str, dict[int, int]] = defaultdict(dict)
    parts: dict[str, list[Part]] = defaultdict(list)
    for file, group, count, leaf, start, size, bloom, length, least, greatest in found:
        rows[file][group] = count
        filtered = Span(bloom, bloom + length) if bloom is not None and length else None
        span = Span(start, start + size)
        parts[file].append(Part(group, columns[file][leaf], span, filtered, least, greatest))
    return {
        str(path): Footer(
            tuple(count for _, count in sorted(rows[str(path)].items())),
            _extended(parts[str(path)], _footer_start(path)),
        )
        for path in paths
    }


def _footer_start(path: Path) -> int:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - END_BYTES, 0))
        return size - footer_length(file.read())


def _extended(parts: Sequence[Part], end: int) -> tuple[Part, ...]:
    """Return parts that end where the next one begins, the last one with the `end` of all parts.

    Writers have stated sizes that are too small (parquet-mr up to 1.2.8 omitted the header of the
    dictionary): the rest of a part would be read as zeros. If places contradict each other, each
    part has all bytes.
    """
    spans = sorted(part.span for part in parts)
    if any(not len(MAGIC) <= span.start <= span.end <= end for span in spans) or any(
        span.end > following.start for span, following in pairwise(spans)
    ):
        return tuple(replace(part, span=Span(len(MAGIC), end)) for part in parts)
    nexts = dict(pairwise([*sorted({span.start for span in spans}), end]))
    return tuple(
        replace(part, span=Span(part.span.start, nexts[part.span.start])) for part in parts
    )


def _outermost(schema: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Yield the name of the outermost column of each leaf, in the order of the leaves."""
    elements = iter(schema[1:])  # the first one is the root

    def leaves(children: int) -> int:
        if not children:
            return 1
        return sum(leaves(next(elements)[1]) for _ in range(children))

    for name, children in elements:
        for _ in range(leaves(children)):
            yield name


def needed_spans(
    connection: duckdb.DuckDBPyConnection,
    footers: Mapping[str, Footer],
    types: Mapping[str, str],
    scans: Sequence[Scan],
) -> dict[str, list[Span]]:
    """Return the bytes that scans of files need, in requests of up to `PIECE_BYTES`.

    What is missing by a mistake cannot be mistaken for data: DuckDB refuses a part that begins with
    zeros, and parts end where the next ones begin.

    Args:
        connection: any database, for comparisons.
        footers: the footers by the names of the files.
        types: DuckDB's types by the names of the columns.
        scans: the scans.

    Returns:
        For each file its bytes without those of the footer, in their order.
    """
    spans: dict[str, set[Span]] = defaultdict(set)
    for scan in scans:
        needed = {name.casefold() for name in _columns_of(scan, types)}
        excluded = _excluded_groups(connection, footers, types, scan.comparisons)
        chosen = _files_of(connection, list(footers), scan.file_filter)
        files = [file for file in footers if chosen is None or file in chosen]
        # Of unknown files, the first rows are unknown, too.
        groups = _first_groups(footers, files, None if chosen is None else scan.most_rows)
        groups -= excluded
        for file in files:
            for part in footers[file].parts:
                if part.column.casefold() in needed and (file, part.group) in groups:
                    spans[file].add(part.span)
                    if part.bloom is not None and scan.filters:
                        spans[file].add(part.bloom)
    return {file: list(_requests(found)) for file, found in spans.items()}


def _columns_of(scan: Scan, types: Mapping[str, str]) -> Collection[str]:
    """Return the columns that a scan reads; none if it is one of other files."""
    found = set()
    for named in scan.columns:
        # A name may contain points, too.
        matching = {name for name in types if named == name or named.startswith(f"{name}.")}
        if not matching and named != PATH:
            return ()
        found |= matching
    for name in types:
        mentioned = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        if any(mentioned.search(text) for text in scan.filters):
            found.add(name)
    return found


def _files_of(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str], file_filter: str
) -> Collection[str] | None:
    """Return the files that meet a condition; None if it cannot be evaluated."""
    import duckdb

    if not file_filter:
        return files
    condition = _BARE_PATH.sub(lambda _: quoted(PATH), file_filter)
    sql = (
        f"SELECT {quoted(PATH)} FROM (SELECT unnest(?::VARCHAR[])) AS files({quoted(PATH)}) "  # noqa: S608 - checked below
        f"WHERE {condition}"
    )
    try:
        check_select(connection, sql)
        found = connection.execute(sql, [list(files)]).fetchall()
    except (duckdb.Error, InvalidInput):  # not each condition is shown as SQL
        return None
    return {name for (name,) in found}


def _first_groups(
    footers: Mapping[str, Footer], files: Sequence[str], most_rows: int | None
) -> set[tuple[str, int]]:
    """Return the row groups, as file and number, that have the first rows of files; all for None."""
    found: set[tuple[str, int]] = set()
    rows = 0
    for file in files:
        for number, count in enumerate(footers[file].groups):
            # A group that ends with the last row of them is followed by another one.
            if most_rows is not None and rows > most_rows:
                return found
            found.add((file, number))
            rows += count
    return found


def _excluded_groups(
    connection: duckdb.DuckDBPyConnection,
    footers: Mapping[str, Footer],
    types: Mapping[str, str],
    comparisons: Sequence[Comparison],
) -> set[tuple[str, int]]:
    """Return the row groups, as file and number, none of whose rows meets all comparisons."""
    excluded = set()
    for compared in comparisons:
        kind = types.get(compared.column, "")
        if kind == "VARCHAR":
            if not compared.literal.isascii() or compared.literal[:1] != "'":
                continue
            value, literal = (
                "left({}, " + str(_COMPARED) + ")",
                f"left({compared.literal}, {_COMPARED})",
            )
            # Equal beginnings do not show which text is the greater one.
            condition = _EXCLUDED[compared.sign.rstrip("=") + "="]
        elif kind.startswith(_ORDERED):
            value, literal = f"TRY_CAST({{}} AS {kind})", compared.literal
            condition = _EXCLUDED[compared.sign]
        else:
            continue
        rows = [
            (file, part.group, part.least, part.greatest)
            for file, footer in footers.items()
            for part in footer.parts
            if part.column.casefold() == compared.column.casefold()
        ]
        if not rows:
            continue
        lists = [list(values) for values in zip(*rows, strict=True)]
        found = connection.execute(
            f"WITH parts AS (SELECT unnest(?::VARCHAR[]) AS file, unnest(?::INTEGER[]) AS number, "  # noqa: S608 - a checked literal
            f"unnest(?::VARCHAR[]) AS low, unnest(?::VARCHAR[]) AS high), "
            f"bounds AS (SELECT file, number, {value.format('low')} AS least, "
            f"{value.format('high')} AS greatest FROM parts) "
            f"SELECT file, number FROM bounds WHERE {condition.format(literal)}",
            lists,
        ).fetchall()
        excluded |= set(found)
    return excluded


def _requests(spans: Collection[Span]) -> Iterator[Span]:
    """Join what is close together, and divide what is long."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start - joined[-1].end <= _GAP_BYTES:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    for span in joined:
        for start in range(span.start, span.end, PIECE_BYTES):
            yield Span(start, min(span.end, start + PIECE_BYTES))
