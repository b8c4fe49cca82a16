"""A fast expression of rows, chosen by a sample: most columns that may be NULL never are."""

from __future__ import annotations

from core.backup.databases.mysql.rows import base_type, has_bytes, row_sql
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import quoted
from core.model.tables import Column, TableSchema

_ROWS = 100


def sampled_row_sql(session: Session, schema: TableSchema) -> str:
    """Return the SQL expression of a row's line, which is exact for all rows.

    It is faster for rows with values in the columns that have values in the first and last rows.
    """
    columns = [c for c in schema.stored if not c.not_null and not _may_be_outside(c)]
    if not columns:
        return row_sql(schema)
    names = ",".join(f"{quoted(column.name)} IS NULL c{n}" for n, column in enumerate(columns))
    nulls = ",".join(f"SUM(c{number})" for number in range(len(columns)))
    ends = " UNION ALL ".join(
        f"(SELECT {names} FROM {quoted(schema.table)}{order} LIMIT {_ROWS})"  # noqa: S608 - names are quoted
        for order in _both_ends(schema)
    )
    ((*counts,),) = session.query(f"SELECT {nulls} FROM ({ends}) sample")  # noqa: S608 - names are quoted
    # The sums of a table without rows are NULL.
    return row_sql(schema, [c.name for c, count in zip(columns, counts, strict=True) if count == 0])


def _may_be_outside(column: Column) -> bool:
    """Return whether a value may be stored outside of its row, so that reading it takes long."""
    kind = base_type(column)
    return kind.endswith(("text", "blob", "json")) or (
        has_bytes(column) and not kind.endswith("binary")
    )


def _both_ends(schema: TableSchema) -> tuple[str, ...]:
    """Return the clauses that select the first and last rows; only the first without a key."""
    if schema.primary is None:
        return (" USE INDEX ()",)
    orders = []
    for backwards in (False, True):
        keys = ",".join(
            quoted(part.name) + (" DESC" if part.descending != backwards else "")
            for part in schema.primary.parts
        )
        orders.append(f" FORCE INDEX (PRIMARY) ORDER BY {keys}")
    return tuple(orders)
