"""Undo of a restore: the former table takes its name again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.backup.databases.postgresql.catalog import find_relation
from core.backup.databases.postgresql.dependants import PUBLICATIONS, Bindings, read_bindings
from core.backup.databases.postgresql.former import Former, attach_outgoing_keys, former_record
from core.backup.databases.postgresql.key_triggers import KeyTrigger, apply_states, changed_states
from core.backup.databases.postgresql.names import TableName, literal, quoted
from core.backup.databases.postgresql.orphans import validate_or_count
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.backup.databases.postgresql.swap import rename_object
from core.errors import DatabaseError, NotFound
from core.model.restore import UndoReport, dangling_after_undo


def undo(session: Session, former: TableName) -> UndoReport:
    """Restore a former table under its name, and drop the restored one.

    Raises:
        InvalidInput: The name is not that of a former table.
        NotFound: There is no such table.
        NotSupported: Another object uses the present table in a way that cannot be changed.
    """
    relation, record = former_record(session, former)
    table = TableName.parse(record.table)
    session.query(f"LOCK TABLE {former.sql} IN ACCESS EXCLUSIVE MODE")
    present = find_relation(session, table)
    replaced = table.beside("__replaced")
    bindings = Bindings()
    states: dict[KeyTrigger, str] = {}
    published: set[str] = set()
    if present is not None:
        session.query(f"LOCK TABLE {table.sql} IN ACCESS EXCLUSIVE MODE")
        bindings = read_bindings(session, present)
        bindings.require_movable(table)
        # The record contains those of the former table's own keys.
        states = changed_states(session, present, own=False)
        published = {row[0] for row in session.query(PUBLICATIONS, (present.oid,))}
        bindings.detach(session)
        session.query(f"ALTER TABLE {table.sql} RENAME TO {quoted(replaced.name)}")
    session.query(f"ALTER TABLE {former.sql} RENAME TO {quoted(table.name)}")
    bindings.replace_views(session)
    if present is not None:
        session.query(f"DROP TABLE {replaced.sql}")
    _rename_back(session, table, record)
    comment = literal(record.comment) if record.comment else "NULL"
    session.query(f"COMMENT ON TABLE {table.sql} IS {comment}")
    bindings.attach_foreign_keys(session, partitioned=relation.kind == "p")
    problems = [*attach_outgoing_keys(session, record)]
    states |= record.trigger_states()
    published -= {row[0] for row in session.query(PUBLICATIONS, (relation.oid,))}
    problems += _problems(sorted(published), apply_states(session, relation.oid, states))
    problems += dangling_after_undo(validate_or_count(session, relation.oid, set(record.not_valid)))
    return UndoReport(str(TableName(relation.name.schema, table.name)), tuple(problems))


def _problems(publications: Iterable[str], keys: Iterable[str]) -> Iterator[str]:
    """Yield texts about publications without the table, and keys with other triggers."""
    for name in publications:
        yield f"The table is not part of the publication {name} any more."
    for key in keys:
        yield f"The triggers of the foreign key {key}, which were disabled, are enabled."


def _rename_back(session: Session, table: TableName, record: Former) -> None:
    """Give the objects of a former table their original names."""
    for kind, place, original in record.renames:
        schema, _, name = place.rpartition("\0")
        try:
            with savepoint(session):
                rename_object(session, kind, table, schema, name, original)
        except (NotFound, DatabaseError) as error:
            # An object that was dropped since the restore, for example with CASCADE, has no name.
            if not isinstance(error, NotFound) and "(42704)" not in error.cause:
                raise
