"""Replacement of a table by a loaded one: one atomic RENAME TABLE, and what must follow it.

Statements that define tables cannot be rolled back. So everything that can fail is done on the new
table first, under temporary names; then a note is written, and a single RENAME TABLE swaps the
tables. Triggers and foreign keys follow their tables, and the database names each only once: they
get their names afterwards. A recovery reads the note and completes this after a kill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.backup.databases.mysql.completion import (
    TEMPORARY,
    Connect,
    carry_out,
    create_trigger_as,
    key_within,
    with_index,
)
from core.backup.databases.mysql.inspect import read_schema, triggers
from core.backup.databases.mysql.names import LOADING, related_name
from core.backup.databases.mysql.notes import BEGUN, DONE, Contents, Note
from core.backup.databases.mysql.referring import referring_keys
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import quoted
from core.backup.databases.mysql.writer import (
    column_sql,
    create_table,
    differences,
    foreign_key_sql,
    index_sql,
    is_fulltext,
    normalized,
)
from core.errors import Corrupt
from core.model.tables import ForeignKey, Key, TableSchema


@dataclass(frozen=True, slots=True)
class Swap:
    """A prepared swap: the loaded `new` becomes `schema.table`, which becomes `former`."""

    schema: TableSchema
    new: str
    former: str


def create_bare(session: Session, schema: TableSchema) -> None:
    """Create `schema.table` without indexes, foreign keys and triggers, marked as being loaded."""
    numbered = _numbered_by_key(schema)
    session.run(create_table(schema, comment=LOADING, numbered=numbered))


def _numbered_by_key(schema: TableSchema) -> bool:
    """Return whether the primary key begins with the AUTO_INCREMENT column, which needs an index."""
    key = schema.primary
    names = [column.name for column in schema.columns if column.numbering]
    return key is not None and [part.name for part in key.parts[:1]] == names[:1]


def complete(session: Session, schema: TableSchema, new: str, *, with_triggers: bool) -> None:
    """Create all that the loaded table lacks: indexes, foreign keys and triggers.

    Raises:
        Corrupt: The table differs from the schema afterwards.
    """
    for change in _changes(schema, new):
        session.run(f"ALTER TABLE {quoted(new)} {change}")
    for trigger in schema.triggers if with_triggers else ():
        create_trigger_as(session, trigger, new, related_name(trigger.name, TEMPORARY))
    built = read_schema(session, new)
    expected = replace(schema, comment=LOADING, foreign_keys=())
    found = differences(normalized(replace(built, foreign_keys=())), normalized(expected))
    # A table of another engine or of the old form gets this server's types.
    if schema.options and (problem := next(iter(found), "")):
        raise Corrupt(
            "The schema could not be built as recorded", cause=problem, subject=schema.table
        )


def _changes(schema: TableSchema, new: str) -> Iterator[str]:
    changes = [f"ADD {index_sql(index)}" for index in schema.indexes if not is_fulltext(index)]
    if not _numbered_by_key(schema):
        changes += [f"MODIFY {column_sql(c)}" for c in schema.columns if c.numbering]
    if changes:
        yield ", ".join(changes)
    # InnoDB adds one full-text index at a time.
    yield from (f"ADD {index_sql(index)}" for index in schema.indexes if is_fulltext(index))
    for key in schema.foreign_keys:
        name = related_name(key.name, TEMPORARY) if key.name else ""
        yield f"ADD {foreign_key_sql(key_within(key, schema.table, new), name)}"
    if schema.sequence is not None:
        yield f"AUTO_INCREMENT={schema.sequence + 1}"


def commit(session: Session, swap: Swap, connect: Connect) -> None:
    """Swap the tables, and complete what follows.

    Raises:
        Conflict: Another session uses one of the tables; they were not swapped.
        UnfinishedError: They were swapped, but steps remain.
    """
    schema = swap.schema
    today = read_schema(session, schema.table) if swap.former else None
    temporary = {trigger.name for trigger in triggers(session, swap.new)}
    created = tuple(t for t in schema.triggers if related_name(t.name, TEMPORARY) in temporary)
    note = Note(
        swap.former or swap.new, schema.table, swap.new, swap.former, BEGUN,
        _contents(today) if today else Contents(),
        replace(_contents(schema), triggers=created),
        referring_to(session, schema.table) if today else (),
        schema.comment,
    )  # fmt: skip
    note.write(session)
    carry_out(session, note, connect)
    if swap.former:
        replace(note, state=DONE).write(session)
    else:
        session.run(f"DROP TABLE {quoted(note.name)}")


def referring_to(session: Session, table: str) -> tuple[tuple[str, ForeignKey], ...]:
    """Return the foreign keys of other tables to a table, for a note."""
    found = []
    for found_key in referring_keys(session, table):
        key = ForeignKey(
            found_key.columns, table, found_key.parents, found_key.name,
            _rule(found_key.on_delete), _rule(found_key.on_update),
        )  # fmt: skip
        found.append((found_key.table, with_index(read_schema(session, found_key.table), key)))
    return tuple(found)


def _rule(text: str) -> str:
    return "" if text == "RESTRICT" else text


def _contents(schema: TableSchema) -> Contents:
    keys = tuple(with_index(schema, key) for key in schema.foreign_keys if key.name)
    return Contents(schema.triggers, keys)


def can_be_referenced(schema: TableSchema, parents: tuple[str, ...]) -> bool:
    """Return whether an index of a table begins with these columns, as a foreign key needs."""
    wanted = [name.lower() for name in parents]
    keys: list[Key | object] = [*schema.keys, *schema.indexes]
    for key in keys:
        names = [part.name.lower() for part in getattr(key, "parts", ())]
        if names[: len(wanted)] == wanted:
            return True
    return False
