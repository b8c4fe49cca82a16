"""Replacement of a table by a loaded one: one atomic RENAME TABLE, and what must follow it.

Statements that define tables cannot be rolled back. So everything that can fail is done on the new
table first, under temporary names; then a note is written, and a single RENAME TABLE swaps the
tables. Triggers and foreign keys follow their tables, and the database names each only once: they
get their names afterwards. A recovery reads the note and completes this after a kill.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from core.backup.databases.mysql.inspect import (
    exists,
    incoming_keys,
    read_schema,
    text,
    trigger_context,
    triggers,
)
from core.backup.databases.mysql.names import LOADING, NOTE, former_pattern, related_name
from core.backup.databases.mysql.notes import BEGUN, DONE, NOTE_COMMENT, Contents, Note
from core.backup.databases.mysql.row_restore import discard_unfinished
from core.backup.databases.mysql.session import SQL_MODE, Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.databases.mysql.writer import (
    column_sql,
    create_table,
    create_trigger,
    differences,
    foreign_key_sql,
    index_sql,
    is_fulltext,
    normalized,
)
from core.errors import Conflict, Corrupt, InvalidInput, StorageError
from core.model.tables import ForeignKey, Index, Key, TableSchema, Trigger

TEMPORARY = "__restoring"
_LOADED_NAME = re.compile(r".+__restoring(?:_\d+)?", re.DOTALL)


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
        _create_trigger(session, trigger, new, related_name(trigger.name, TEMPORARY))
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
        yield f"ADD {foreign_key_sql(_within(key, schema.table, new), name)}"
    if schema.sequence is not None:
        yield f"AUTO_INCREMENT={schema.sequence + 1}"


def _within(key: ForeignKey, table: str, new: str) -> ForeignKey:
    """Return a key of a table to itself as one of `new` to itself: it follows the rename."""
    return replace(key, table=new) if key.table == table else key


def commit(session: Session, swap: Swap) -> None:
    """Swap the tables, and complete what follows."""
    schema = swap.schema
    today = read_schema(session, schema.table) if swap.former else None
    temporary = {trigger.name for trigger in triggers(session, swap.new)}
    created = tuple(t for t in schema.triggers if related_name(t.name, TEMPORARY) in temporary)
    note = Note(
        swap.former or swap.new, schema.table, swap.new, swap.former, BEGUN,
        _contents(today) if today else Contents(),
        replace(_contents(schema), triggers=created),
        _children(session, schema.table) if today else (),
        schema.comment,
    )  # fmt: skip
    note.write(session)
    _rename(session, note)
    _finish(session, note)
    if swap.former:
        replace(note, state=DONE).write(session)
    else:
        session.run(f"DROP TABLE {quoted(note.name)}")


def _children(session: Session, table: str) -> tuple[tuple[str, ForeignKey], ...]:
    found = []
    for name, child, columns, parents, deleting, updating in incoming_keys(session, table):
        key = ForeignKey(columns, table, parents, name, _rule(deleting), _rule(updating))
        found.append((child, _with_index(read_schema(session, child), key)))
    return tuple(found)


def _contents(schema: TableSchema) -> Contents:
    keys = tuple(_with_index(schema, key) for key in schema.foreign_keys if key.name)
    return Contents(schema.triggers, keys)


def _rename(session: Session, note: Note) -> None:
    moved = f"{quoted(note.table)} TO {quoted(note.old)}, " if note.old else ""
    session.run(f"RENAME TABLE {moved}{quoted(note.new)} TO {quoted(note.table)}")


def _finish(session: Session, note: Note) -> None:
    """Give triggers and foreign keys their names and tables; repeated calls are allowed."""
    for child, key in note.children:
        _repoint(session, note, child, key)
    if note.old and exists(session, note.old):
        # Keys of the former table would restrict changes of other tables.
        for key in read_schema(session, note.old).foreign_keys:
            session.run(f"ALTER TABLE {quoted(note.old)} DROP FOREIGN KEY {quoted(key.name)}")
    for key in note.after.keys:
        _give_name(session, note.table, key)
    _move_triggers(session, note)
    if read_schema(session, note.table).comment == LOADING:
        session.run(f"ALTER TABLE {quoted(note.table)} COMMENT={literal(note.comment)}")


def _give_name(session: Session, table: str, key: ForeignKey) -> None:
    """Replace the temporary name of a foreign key; at no time does the table lack the key."""
    present = {key.name for key in read_schema(session, table).foreign_keys}
    temporary = related_name(key.name, TEMPORARY)
    if temporary in present:
        added = "" if key.name in present else f"ADD {foreign_key_sql(key, key.name)}, "
        session.run(f"ALTER TABLE {quoted(table)} {added}DROP FOREIGN KEY {quoted(temporary)}")
    _name_index(session, table, key)


def _name_index(session: Session, table: str, key: ForeignKey) -> None:
    """Give the index of a foreign key its former name."""
    indexes = {index.name: index for index in read_schema(session, table).indexes}
    if key.definition and key.definition not in indexes:
        # An index that the server made for a key is replaced by one with the name of the next key.
        made = [i.name for i in indexes.values() if _columns(i) == key.columns]
        for name in made[:1]:
            session.run(
                f"ALTER TABLE {quoted(table)} RENAME INDEX {quoted(name)} TO {quoted(key.definition)}"
            )


def _columns(index: Index) -> tuple[str, ...]:
    return tuple(part.name for part in index.parts)


def _with_index(schema: TableSchema, key: ForeignKey) -> ForeignKey:
    """Return a foreign key of a note, whose definition is the name of the index with its columns."""
    names = [index.name for index in schema.indexes if _columns(index) == key.columns]
    return replace(key, definition=names[0] if names else "")


def _repoint(session: Session, note: Note, child: str, key: ForeignKey) -> None:
    """Let a foreign key of another table refer to the new table instead of the old one.

    A key cannot be replaced by one of the same name in one statement.
    """
    if not exists(session, child):
        return
    if (child, key.name) in {(c, name) for name, c, *_ in incoming_keys(session, note.old)}:
        session.run(
            f"ALTER TABLE {quoted(child)} DROP FOREIGN KEY {quoted(key.name)}, "
            f"ADD {foreign_key_sql(key, related_name(key.name, TEMPORARY))}"
        )
    _give_name(session, child, key)


def _rule(text_: str) -> str:
    return "" if text_ == "RESTRICT" else text_


def _move_triggers(session: Session, note: Note) -> None:
    """Replace the temporary triggers; the lock prevents that a row meets none or both."""
    present = {trigger.name for trigger in triggers(session, note.table)}
    leaving = triggers(session, note.old) if note.old else ()
    arriving = [t for t in note.after.triggers if related_name(t.name, TEMPORARY) in present]
    if not leaving and not arriving:
        return
    locked = [note.table, *([note.old] if note.old else [])]
    session.run(f"LOCK TABLES {', '.join(f'{quoted(name)} WRITE' for name in locked)}")
    try:
        for trigger in leaving:
            session.run(f"DROP TRIGGER {quoted(trigger.name)}")
        for trigger in arriving:
            if trigger.name not in present:
                _create_trigger(session, trigger, note.table, trigger.name)
            session.run(f"DROP TRIGGER {quoted(related_name(trigger.name, TEMPORARY))}")
    finally:
        with suppress(StorageError):  # the connection has ended, and with it the locks
            session.run("UNLOCK TABLES")


def _create_trigger(session: Session, trigger: Trigger, table: str, name: str) -> None:
    definer, mode = trigger_context(trigger)
    session.run(f"SET SESSION sql_mode={literal(mode)}")
    try:
        session.run(create_trigger(trigger, table, name, definer))
    finally:
        with suppress(StorageError):  # the connection has ended
            session.run(f"SET SESSION sql_mode={literal(SQL_MODE)}")


def recover(session: Session) -> None:
    """Complete or discard what a killed restore has left; call it with the lock of the database.

    A swap that was begun is completed if its tables were renamed. Otherwise its note and the
    loaded table are removed, and so is every table that is marked as being loaded.
    """
    for name, comment in _leftovers(session):
        discard_unfinished(session, name, comment)
        if comment == LOADING and _LOADED_NAME.fullmatch(name):
            _drop(session, name)
        elif name.endswith(NOTE) and comment == NOTE_COMMENT:
            _recover_note(session, name.removesuffix(NOTE))


def _leftovers(session: Session) -> list[tuple[str, str]]:
    rows = session.query(
        "SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA=DATABASE() AND TABLE_COMMENT LIKE 'strongroom: %'"
    )
    return sorted((text(name), text(comment)) for name, comment in rows)


def _recover_note(session: Session, beside: str) -> None:
    note = Note.read(session, beside)
    if note is None:  # it was begun before anything else
        session.run(f"DROP TABLE {quoted(beside + NOTE)}")
    elif note.state == BEGUN and not exists(session, note.new):
        _finish(session, note)
        if note.undoes or not note.old:
            _drop(session, note.old, note.name)
        else:
            replace(note, state=DONE).write(session)
    elif note.state == BEGUN and note.undoes:
        _drop_temporary(session, note)
        note.abandoned().write(session)
    elif note.state == BEGUN:
        _drop(session, note.new, note.name)


def _drop_temporary(session: Session, note: Note) -> None:
    """Remove the temporary triggers and foreign keys of a former table, which an undo adds."""
    for trigger in triggers(session, note.new):
        if trigger.name in {related_name(t.name, TEMPORARY) for t in note.after.triggers}:
            session.run(f"DROP TRIGGER {quoted(trigger.name)}")
    present = {key.name for key in read_schema(session, note.new).foreign_keys}
    for key in note.after.keys:
        if (name := related_name(key.name, TEMPORARY)) in present:
            session.run(f"ALTER TABLE {quoted(note.new)} DROP FOREIGN KEY {quoted(name)}")
        _name_index(session, note.new, key)


def _drop(session: Session, *names: str) -> None:
    for name in names:
        if name:
            session.run(f"DROP TABLE IF EXISTS {quoted(name)}")


def undo(session: Session, former: str) -> str:
    """Restore a former table under its name, drop the restored one, and return the name.

    Raises:
        InvalidInput: `former` is not a former table.
    """
    note = _require_former(session, former)
    trash = ""
    if exists(session, note.table):
        trash = related_name(note.table, f"__discarded{former.partition('__before')[2]}")
    back = note.reversed(trash, _children(session, note.table) if trash else ())
    back.write(session)
    _add_temporary(session, back)
    _rename(session, back)
    _finish(session, back)
    _drop(session, trash, back.name)
    return note.table


def _add_temporary(session: Session, note: Note) -> None:
    for trigger in note.after.triggers:
        _create_trigger(session, trigger, note.new, related_name(trigger.name, TEMPORARY))
    for key in note.after.keys:
        name = related_name(key.name, TEMPORARY)
        moved = _within(key, note.table, note.new)
        session.run(f"ALTER TABLE {quoted(note.new)} ADD {foreign_key_sql(moved, name)}")


def drop_former(session: Session, former: str) -> None:
    """Drop a former table and its note.

    Raises:
        Conflict: A foreign key of another table refers to it.
        InvalidInput: `former` is not a former table.
    """
    note = _require_former(session, former)
    if keys := incoming_keys(session, former):
        raise Conflict(
            f"{former} is used by a foreign key",
            cause=f"The table {keys[0][1]} refers to it.",
            remedy="Drop that foreign key first.",
            subject=former,
        )
    _drop(session, former, note.name)


def _require_former(session: Session, former: str) -> Note:
    there = former_pattern.fullmatch(former) is not None
    if there and exists(session, former) and exists(session, former + NOTE):
        note = Note.read(session, former)
        if note is not None and note.state == DONE:
            return note
    raise InvalidInput(
        f"{former} is not a former table of a restore",
        remedy="Choose a former table from the list.",
        subject=former,
    )


def can_be_referenced(schema: TableSchema, parents: tuple[str, ...]) -> bool:
    """Return whether an index of a table begins with these columns, as a foreign key needs."""
    wanted = [name.lower() for name in parents]
    keys: list[Key | object] = [*schema.keys, *schema.indexes]
    for key in keys:
        names = [part.name.lower() for part in getattr(key, "parts", ())]
        if names[: len(wanted)] == wanted:
            return True
    return False
