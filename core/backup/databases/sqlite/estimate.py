"""An estimate of the row count of a large table, which would take long to count."""

from __future__ import annotations

from typing import Any

import apsw

from core.backup.databases.sqlite.connection import scalar
from core.backup.databases.sqlite.dump import rowid_name
from core.backup.databases.sqlite.tokens import quoted
from core.model.tables import TableSchema

#: Fewer rowids than these are counted in some milliseconds.
_COUNTED_ROWIDS = 50_000
_SAMPLES, _SAMPLE_ROWS = 16, 256
#: Samples of a table with gaps of different size differ by more, and say little about the rest.
_EVEN = 1.5


def estimated_rows(connection: apsw.Connection, schema: TableSchema) -> int | None:
    """Return about how many rows a table has, from the distances of some of its rowids.

    Returns:
        The estimate, which is exact if no rowid is missing; None for a table that is small, whose
        rowids are not distributed evenly, or that has no rowid.
    """
    rowid, table = rowid_name(schema), quoted(schema.table)
    if not rowid:
        return None
    first = scalar(connection, f"SELECT min({rowid}) FROM {table}")  # noqa: S608 - names are quoted
    last = scalar(connection, f"SELECT max({rowid}) FROM {table}")  # noqa: S608 - names are quoted
    if first is None or last - first < _COUNTED_ROWIDS:
        return None
    beyond = f"SELECT {rowid} FROM {table} WHERE {rowid} >= ? ORDER BY {rowid} LIMIT 1 OFFSET ?"  # noqa: S608 - names are quoted, values bound
    start, span = int(first), int(last) - int(first) + 1
    widths: list[int] = []
    for _sample in range(_SAMPLES):
        ends: list[Any] = connection.execute(beyond, (start, _SAMPLE_ROWS)).fetchall()
        if not ends:
            return None
        widths.append(int(ends[0][0]) - start)
        start += span // (_SAMPLES + 1)
    if max(widths) > _EVEN * min(widths):
        return None
    return span * _SAMPLE_ROWS * _SAMPLES // sum(widths)
