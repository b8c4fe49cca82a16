"""Statements that read the rows of a table, at once or in ranges of pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.backup.databases.condition import clause
from core.backup.databases.postgresql.catalog import column_list, own_rows, require_relation
from core.backup.databases.postgresql.names import TableName
from core.backup.databases.postgresql.session import Session
from core.model.tables import TableSchema

#: Pages of a range and their long values: about 4 MB of rows, so that readers end at nearly the
#: same time, and each one reads its next range while another one's is passed on.
_RANGE_PAGES = 512
#: Since this version the server reads a range of pages without reading the pages before it.
_RANGE_SCANS = 140_000
_SIZE = """
SELECT pg_relation_size(c.oid) / current_setting('block_size')::int,
  (SELECT coalesce(sum(pg_table_size(t.relid)), pg_table_size(c.oid))
    FROM pg_partition_tree(c.oid) t)::bigint / current_setting('block_size')::int,
  c.relkind = 'r' AND a.amname = 'heap',
  CASE WHEN c.relkind = 'r' AND c.relpages > 0 THEN c.reltuples / c.relpages ELSE -1 END::float8
FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam WHERE c.oid = $1
"""


@dataclass(frozen=True, slots=True)
class TableSize:
    """Pages of a table, usually 8 KiB each.

    `all_pages` includes long values, which are stored apart, and partitions. `ranges` if the pages
    can be read in ranges. `rows_per_page` is an estimate of the server, negative if there is none.
    """

    pages: int
    all_pages: int
    ranges: bool
    rows_per_page: float


def size_of(session: Session, table: str) -> TableSize:
    """Return the present size of a table."""
    relation = require_relation(session, TableName.parse(table))
    pages, all_pages, heap, density = session.query(_SIZE, (relation.oid,))[0]
    ranges = bool(heap) and session.version_number >= _RANGE_SCANS
    return TableSize(int(pages), int(all_pages), ranges, float(density))


def copy_statement(schema: TableSchema, where: str = "") -> str:
    """Return the statement that writes the rows as CSV."""
    table, columns = TableName.parse(schema.table).sql, column_list(schema)
    source = f"{table} ({columns})"
    if schema.partition_key or where:
        source = f"(SELECT {columns} FROM {own_rows(schema)}{clause(where)})"  # noqa: S608 - names are quoted
    return _copy(source)


def range_statements(schema: TableSchema, size: TableSize) -> Sequence[str]:
    """Return statements that together write the same rows in the same order."""
    table, columns = TableName.parse(schema.table).sql, column_list(schema)
    step = max(_RANGE_PAGES * size.pages // max(size.all_pages, 1), 1)
    starts = range(0, max(size.pages, 1), step)
    statements = []
    for start in starts:
        # The last range has no end, so that it includes pages that were added.
        end = f" AND ctid < '({start + step},0)'" if start != starts[-1] else ""
        select = f"SELECT {columns} FROM ONLY {table} WHERE ctid >= '({start},0)'{end}"  # noqa: S608 - names are quoted
        statements.append(_copy(f"({select})"))
    return statements


def _copy(source: str) -> str:
    return f"COPY {source} TO STDOUT (FORMAT csv)"
