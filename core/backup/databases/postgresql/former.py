"""Former tables, which a restore retains for its undo, and the record in their comment.

A former table has no foreign keys to other tables: their CASCADE, SET NULL and SET DEFAULT would
delete or change the rows that an undo is to return. The record contains their definitions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from core.backup.databases.postgresql.build import free_key_name
from core.backup.databases.postgresql.catalog import Relation, require_relation
from core.backup.databases.postgresql.key_triggers import KeyTrigger
from core.backup.databases.postgresql.names import TableName, checked_definition, literal, quoted
from core.backup.databases.postgresql.savepoint import savepoint
from core.backup.databases.postgresql.session import Session
from core.errors import Conflict, DatabaseError, InvalidInput, NotFound

MARK = "Former table, replaced by a restore of Strongroom: "
#: Foreign keys of a table and of its partitions to other tables.
_OUTGOING = """
SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid),
  coalesce(obj_description(k.oid, 'pg_constraint'), '')
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid <> $1
  AND k.conrelid IN (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1)) ORDER BY 1, 2, 3
"""
_PRESENT = """
SELECT FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3 AND k.contype = 'f' AND k.conparentid = 0
"""
#: Classes of errors that repeating does not solve: rows violate the key, or it has no target.
_LASTING = re.compile(r"\((?:23|42|3F)\w{3}\)")


@dataclass(frozen=True, slots=True)
class OutgoingKey:
    """A foreign key of a former table, or of its partition, under the original names."""

    table: str
    name: str
    definition: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Former:
    """Record in the comment of a former table: its name, its comment, and its objects' names.

    `renames` contains (kind, present, original) with quoted names for sequences and tables,
    `not_valid` the foreign keys of and to the table, as (table, name), that were not valid, and
    `states` those of the triggers of its keys as (key, whether the referring rows are checked,
    event, state) where they are not the usual ones.
    """

    table: str
    comment: str
    renames: tuple[tuple[str, str, str], ...]
    not_valid: tuple[tuple[str, str], ...] = ()
    foreign_keys: tuple[OutgoingKey, ...] = ()
    states: tuple[tuple[str, bool, int, str], ...] = ()

    def to_comment(self) -> str:
        """Return the text of the comment."""
        return MARK + json.dumps(asdict(self))

    @classmethod
    def from_comment(cls, text: str) -> Former | None:
        """Return the record in a comment; None if it is another comment."""
        if not text.startswith(MARK):
            return None
        try:
            body = json.loads(text.removeprefix(MARK))
            return cls(
                str(body["table"]),
                str(body["comment"]),
                tuple((str(a), str(b), str(c)) for a, b, c in body["renames"]),
                tuple((str(a), str(b)) for a, b in body.get("not_valid", ())),
                tuple(
                    OutgoingKey(*(str(key[field]) for field in OutgoingKey.__slots__))
                    for key in body.get("foreign_keys", ())
                ),
                tuple((str(a), bool(b), int(c), str(d)) for a, b, c, d in body.get("states", ())),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def trigger_states(self) -> dict[KeyTrigger, str]:
        """Return the states of the triggers of the table's own keys."""
        table = TableName.parse(self.table)
        return {
            KeyTrigger(table, key, checks, event): state
            for key, checks, event, state in self.states
        }


def outgoing_keys(session: Session, table: Relation) -> tuple[OutgoingKey, ...]:
    """Return the foreign keys of a table and of its partitions to other tables."""
    return tuple(
        OutgoingKey(str(TableName(schema, name)), *rest)
        for schema, name, *rest in session.query(_OUTGOING, (table.oid,))
    )


def release_former(session: Session, former: TableName) -> tuple[str, ...]:
    """Drop the foreign keys of a former table to other tables, which its record contains.

    It locks the other tables until the transaction ends, so it is the last step of a restore. A
    lock of another session does not undo the restore.

    Returns:
        Texts about keys that remain because of such a lock.
    """
    problems = []
    for key in outgoing_keys(session, require_relation(session, former)):
        place = TableName.parse(key.table).sql
        try:
            with savepoint(session):
                session.query(f"ALTER TABLE {place} DROP CONSTRAINT {quoted(key.name)}")
        except Conflict:
            problems.append(
                f"The former table {former} still has the foreign key {key.name}, because another "
                "session uses the referenced table: changes of that table may change the former one. "
                f"Drop the key: {key.definition}."
            )
    return tuple(problems)


def attach_outgoing_keys(session: Session, record: Former) -> Iterator[str]:
    """Create the foreign keys of a table that an undo has put back under its name.

    Rows may violate a key since the restore: it is created without a check of the present rows
    then, and omitted where the server cannot do that. A text about each of these keys is yielded.
    """
    for key in record.foreign_keys:
        place = TableName.parse(key.table)
        if session.query(_PRESENT, (place.schema, place.name, key.name)):
            continue  # a lock prevented that it was dropped
        table = place.sql
        name = quoted(key.name)
        free_key_name(session, place, key.name)
        definition = checked_definition(key.definition, "foreign key", "FOREIGN KEY ")
        statement = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
        problem = _lasting_problem(session, statement)
        if problem and not definition.endswith(" NOT VALID"):
            first, problem = problem, _lasting_problem(session, f"{statement} NOT VALID")
            if not problem:
                yield f"The foreign key {key.name} of {key.table} is not valid: {first}"
        if problem:
            yield f"{key.table} lacks the foreign key {key.name}, {definition}: {problem}"
        elif key.comment:
            comment = literal(key.comment)
            session.query(f"COMMENT ON CONSTRAINT {name} ON {table} IS {comment}")


def _lasting_problem(session: Session, statement: str) -> str:
    """Run a statement; return why it cannot succeed as the database is now, empty if it did."""
    try:
        with savepoint(session):
            session.query(statement)
    except (DatabaseError, NotFound) as error:
        if isinstance(error, DatabaseError) and not _LASTING.search(error.cause):
            raise
        return error.cause
    return ""


def former_record(session: Session, former: TableName) -> tuple[Relation, Former]:
    """Return a former table and its record.

    Raises:
        InvalidInput: The name is not that of a former table.
        NotFound: There is no such table.
    """
    relation = require_relation(session, former)
    record = Former.from_comment(relation.comment)
    if record is None:
        raise InvalidInput(
            f"{former} is not a former table",
            cause="Its comment does not contain the record of a restore.",
            remedy="Choose a name with __before_ from the list of tables.",
        )
    return relation, record


def drop_former(session: Session, former: TableName) -> None:
    """Drop a former table; the errors are those of `former_record`."""
    former_record(session, former)
    session.query(f"DROP TABLE {former.sql}")


def former_names(session: Session) -> Iterator[tuple[str, str]]:
    """Yield (former table, its original name) of every former table."""
    statement = """SELECT n.nspname::text, c.relname::text, obj_description(c.oid, 'pg_class')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND obj_description(c.oid, 'pg_class') LIKE $1"""
    for schema, name, comment in session.query(statement, (MARK + "%",)):
        record = Former.from_comment(comment)
        if record is not None:
            yield str(TableName(schema, name)), record.table
