"""Names of the indexes of partitions, which the server derives from the name of a shadow table."""

from __future__ import annotations

from collections.abc import Mapping

from core.backup.databases.postgresql.names import TableName, quoted, with_suffix
from core.backup.databases.postgresql.session import Session

#: Indexes of partitions that belong to an index of the partitioned table with the object id.
_INDEXES = """
SELECT n.nspname::text, p.relname::text, r.relname::text, c.relname::text
FROM pg_partition_tree($1) t JOIN pg_class p ON p.oid = t.relid
JOIN pg_namespace n ON n.oid = p.relnamespace
JOIN pg_index i ON i.indrelid = p.oid JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
WHERE t.level > 0 AND c.relispartition ORDER BY t.level, 1, 2, 4
"""
_TAKEN = """
SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2
"""
#: Names of indexes by partition and index of the partitioned table.
IndexNames = dict[tuple[TableName, str], str]


def index_names(session: Session, oid: int) -> IndexNames:
    """Return the names of the indexes of the partitions of a table."""
    return {
        (TableName(schema, partition), root): name
        for schema, partition, root, name in session.query(_INDEXES, (oid,))
    }


def name_indexes(
    session: Session, oid: int, shadows: Mapping[TableName, TableName], former: IndexNames
) -> None:
    """Give the indexes of new partitions the names of those of the replaced table.

    Args:
        session: A connection inside the transaction of the restore.
        oid: The object id of the new table, whose partitions and indexes have their names.
        shadows: The partitions and the names under which they were created.
        former: The names of the indexes of the replaced table. An index that it does not have is
            named as the server names it for the partition.
    """
    for (partition, root), present in index_names(session, oid).items():
        shadow = shadows[partition].name
        wanted = former.get((partition, root), "")
        if not wanted and present.startswith(f"{shadow}_"):
            wanted = with_suffix(partition.name, present.removeprefix(shadow))
        if not wanted or wanted == present:
            continue
        if not session.query(_TAKEN, (partition.schema, wanted)):
            place = TableName(partition.schema, present).sql
            session.query(f"ALTER INDEX {place} RENAME TO {quoted(wanted)}")
