"""The tables of a database with their numbers of rows, and why the user cannot read some of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING

from core.backup.databases.naming import changed_during
from core.backup.databases.postgresql.names import TableName
from core.backup.databases.postgresql.session import LOCK_TIMEOUT, Session
from core.errors import AccessDenied, Conflict, DatabaseError, NotFound, StorageError

if TYPE_CHECKING:
    from core.model.database import TableInfo

#: Tables with at most this many pages (8 KiB) are counted; the others show the server's estimate.
COUNTED_PAGES = 5_000
#: The partitions are read from the catalog: functions for them wait for the locks of each one.
_TABLES = """
WITH RECURSIVE part(root, oid, kind) AS (
  SELECT oid, oid, relkind FROM pg_class
  WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence <> 't'
  UNION ALL SELECT part.root, c.oid, c.relkind FROM part
  JOIN pg_inherits i ON i.inhparent = part.oid AND part.kind = 'p'
  JOIN pg_class c ON c.oid = i.inhrelid
), size AS (
  SELECT part.root, coalesce(sum(c.relpages), 0)::bigint AS pages,
    CASE WHEN min(c.reltuples) < 0 THEN -1 ELSE coalesce(sum(c.reltuples), 0)::bigint END AS rows
  FROM part LEFT JOIN pg_class c ON c.oid = part.oid AND c.relkind <> 'p' GROUP BY 1
)
SELECT n.nspname::text, c.relname::text, size.pages, size.rows,
  has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
  row_security_active(c.oid)
FROM size JOIN pg_class c ON c.oid = size.root JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2
"""
_RIGHTS = """
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
  row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
"""
#: The rows of the catalog about a table and its partitions that transactions have replaced or removed
#: since the snapshot: such a row is visible, and its xmax is a committed transaction. One before the
#: snapshot was rolled back, otherwise the row would not be visible. `xmax` is the lower half of the
#: number of a transaction. Partitions that were attached since are not visible, but locked.
_CHANGES = """
WITH RECURSIVE part(oid) AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2
  UNION ALL SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid
), found(xid) AS (
  SELECT xmax FROM pg_class WHERE oid IN (SELECT oid FROM part)
  UNION SELECT xmax FROM pg_attribute WHERE attrelid IN (SELECT oid FROM part)
), began(xmin) AS (SELECT txid_snapshot_xmin(txid_current_snapshot())),
later(xid) AS (
  SELECT xmin + ((xid::text::bigint - xmin) & 4294967295) FROM found, began
  WHERE xid <> '0' AND ((xid::text::bigint - xmin) & 4294967295) < 2147483648
)
SELECT FROM later WHERE txid_status(xid) = 'committed'
UNION ALL SELECT FROM part, LATERAL pg_partition_tree(part.oid) AS tree
WHERE tree.relid NOT IN (SELECT oid FROM part)
LIMIT 1
"""
_NO_PERMISSION = "not readable for this user, who lacks the permission SELECT"
_HIDDEN = "protected by row-level security, which hides rows from this user"
#: How long the count of one table waits for a lock.
_SHORT_TIMEOUT = "500ms"


def list_tables(
    session: Session,
    count: Callable[[str], int],
    attempt: Callable[[], AbstractContextManager[None]],
) -> tuple[TableInfo, ...]:
    """Return the tables; the row counts of large ones are the server's estimates.

    Args:
        session: An open connection.
        count: Counts the rows of a table.
        attempt: Returns a context in which an error leaves the transaction usable.
    """
    from core.backup.databases.postgresql.former import former_names
    from core.model.database import TableInfo

    formers = dict(former_names(session))
    found = session.query(_TABLES)
    wait_briefly(session)
    try:
        tables = []
        for schema, name, pages, estimate, readable, hidden in found:
            table = str(TableName(schema, name))
            problem = _problem(readable, hidden)
            rows, estimated = (estimate if estimate >= 0 else None), True
            if not problem and pages <= COUNTED_PAGES:
                # A table that another session has locked is listed with the estimate.
                with suppress(Conflict):
                    try:
                        rows, problem = _counted(count, attempt, table)
                    except NotFound:  # another session has just dropped it
                        continue
                    estimated = False
            known = None if problem else rows
            former = formers.get(table, "")
            tables.append(TableInfo(table, known, problem, former, estimated=estimated))
    finally:
        with suppress(StorageError):  # the connection has ended, or the transaction has failed
            _wait_for_locks(session, LOCK_TIMEOUT)
    return tuple(tables)


def wait_briefly(session: Session) -> None:
    """Wait half a second at most for locks of other sessions from now on."""
    _wait_for_locks(session, _SHORT_TIMEOUT)


def _wait_for_locks(session: Session, limit: str) -> None:
    session.query("SELECT set_config('lock_timeout', $1, false)", (limit,))


def _counted(
    count: Callable[[str], int], attempt: Callable[[], AbstractContextManager[None]], table: str
) -> tuple[int | None, str]:
    try:
        with attempt():
            return count(table), ""
    except (AccessDenied, DatabaseError) as error:
        return None, f"not readable: {error.cause.rstrip('.')}"


def _problem(readable: bool, hidden: bool) -> str:
    """Return why a user cannot read all rows of a table; empty if it can."""
    if not readable:
        return _NO_PERMISSION
    return _HIDDEN if hidden else ""


def refuse_unreadable(session: Session, name: TableName) -> None:
    """Refuse a table of which the user cannot read all rows.

    Raises:
        AccessDenied: The user lacks a permission, or row-level security hides rows.
    """
    for readable, hidden in session.query(_RIGHTS, (name.schema, name.name)):
        address = session.address
        if readable is None:  # another session has just dropped it: the lock names it
            return
        if not readable:
            raise AccessDenied(
                f"The user {address.user} cannot read {name} in {address}",
                cause="It lacks the permission SELECT on the table or USAGE on its schema.",
                remedy="Grant the user the missing permission, or use a user that has it.",
                subject=str(address),
            )
        if hidden:
            raise AccessDenied(
                f"Row-level security hides rows of {name} in {address} from {address.user}",
                cause="A backup without the hidden rows would be incomplete.",
                remedy="Use a user with BYPASSRLS, or the owner if row-level security is not forced.",
                subject=str(address),
            )


def refuse_changed(session: Session, name: TableName) -> None:
    """Refuse a table that was changed between the start of the snapshot and its lock.

    The snapshot has the former definition, but the rows are read with the present one, and none are
    visible if the table was rewritten, for example because the type of a column changed.

    Raises:
        LockedError: The table, or a partition of it, was truncated or altered.
    """
    if session.query(_CHANGES, (name.schema, name.name)):
        raise changed_during(str(name), str(session.address))
