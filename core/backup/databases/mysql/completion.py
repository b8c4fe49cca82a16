"""The steps around RENAME TABLE that swaps two tables, and what remains if one of them fails.

A swap is visible from the RENAME on. Foreign keys of other tables then still refer to the former
table, so their tables are locked before: another session that uses one of them, even by a query in
an open transaction, ends the swap while nothing is changed. The rest are names of triggers and
keys, which the database has once: a step that fails is reported with what remains, and completed by
the next change of the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from core.backup.databases.mysql.definers import refusal, refused_of
from core.backup.databases.mysql.inspect import (
    exists,
    read_schema,
    trigger_context,
    triggers,
)
from core.backup.databases.mysql.names import LOADING, related_name
from core.backup.databases.mysql.notes import Note
from core.backup.databases.mysql.referring import referring_keys
from core.backup.databases.mysql.session import SQL_MODE, Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.databases.mysql.writer import create_trigger, foreign_key_sql
from core.errors import AccessDenied, Conflict, StorageError
from core.model.tables import ForeignKey, Index, TableSchema, Trigger

_log = logging.getLogger(__name__)
TEMPORARY = "__restoring"
#: Opens another connection to the same database.
Connect = Callable[[], Session]
#: A session that uses one of the tables may wait for another that is locked here: the locks are
#: released, and taken again.
_ATTEMPTS = 3
REPEAT = (
    "End the other session. The next change of this database by a restore, an undo or the removal "
    "of a former table completes this first."
)


class UnfinishedError(Conflict):
    """The tables were swapped, but steps remain, which the next change of the database makes."""


def carry_out(session: Session, note: Note, connect: Connect) -> None:
    """Swap the tables of a note, and complete what follows.

    Raises:
        AccessDenied: The tables have triggers, and the user not the privilege LOCK TABLES.
        Conflict: Another session uses one of the tables; they were not swapped.
        UnfinishedError: They were swapped, but steps remain.
    """
    if note.before.triggers or note.after.triggers:  # these are moved under locks after the swap
        session.run(f"LOCK TABLES {quoted(note.new)} WRITE")
        session.run("UNLOCK TABLES")
    for left in reversed(range(_ATTEMPTS)):
        with _children_locked(note, connect) as beside:
            try:
                _rename(session, note, attempts=1 if beside is None else _ATTEMPTS)
            except Conflict:
                if beside is None or not left:
                    raise
                continue
            with stating_rest(session, note):
                _repoint_children(beside or session, note)
        break
    with stating_rest(session, note):
        _complete_names(session, note)


def complete(session: Session, note: Note, connect: Connect) -> None:
    """Complete a swap whose tables were renamed; repeated calls are allowed.

    Raises:
        UnfinishedError: Another session uses one of the tables.
    """
    with stating_rest(session, note):
        with _children_locked(note, connect) as beside:
            _repoint_children(beside or session, note)
        _complete_names(session, note)


@contextmanager
def stating_rest(session: Session, note: Note) -> Iterator[None]:
    """State what remains of a swap if another session prevents a step in the block."""
    try:
        yield
    except UnfinishedError:
        raise
    except Conflict as error:
        rest = "; ".join(_rest(session, note))
        raise UnfinishedError(
            f"{note.table} was replaced, but another session prevents the last steps",
            cause=f"{error.cause} Remaining: {rest or 'the note of the restore'}.",
            remedy=REPEAT,
            subject=note.table,
        ) from error


def _rest(session: Session, note: Note) -> Iterator[str]:
    """Yield what remains of a swap, as texts."""
    for key in referring_keys(session, note.old) if note.old else ():
        yield f"the foreign key {key.name} of {key.place} refers to {note.old}"
    for trigger in note.after.triggers:
        temporary = related_name(trigger.name, TEMPORARY)
        if temporary in {found.name for found in triggers(session, note.table)}:
            yield f"the trigger {trigger.name} is named {temporary}"
    present = {key.name for key in read_schema(session, note.table).foreign_keys}
    for own in note.after.keys:
        if (temporary := related_name(own.name, TEMPORARY)) in present:
            yield f"the foreign key {own.name} is named {temporary}"
    if note.undoes and note.old and exists(session, note.old):
        yield f"the table {note.old} is not dropped"


@contextmanager
def _children_locked(note: Note, connect: Connect) -> Iterator[Session | None]:
    """Hold the locks of the tables whose foreign keys are changed, in a second connection.

    RENAME TABLE is not allowed in a connection that holds locks. None if there are no such tables,
    if the user has not the privilege LOCK TABLES, or if the keys form a cycle.
    """
    if not note.children:
        yield None
        return
    other = connect()
    try:
        names = sorted({child for child, _ in note.children if exists(other, child)})
        if set(names) & _referenced(other, note):
            # RENAME TABLE waits for the tables to which the renamed ones refer: for this lock.
            yield None
            return
        locks = ", ".join(f"{quoted(name)} WRITE" for name in names)
        try:
            if locks:
                other.run(f"LOCK TABLES {locks}")
        except AccessDenied:
            _log.warning("Referring tables are not locked: the privilege LOCK TABLES is missing")
            yield None
            return
        yield other
    finally:
        other.close()


def _referenced(session: Session, note: Note) -> set[str]:
    """Return the tables to which the tables of a swap refer."""
    present = [name for name in (note.table, note.new, note.old) if name and exists(session, name)]
    return {key.table for name in present for key in read_schema(session, name).foreign_keys}


def _rename(session: Session, note: Note, attempts: int) -> None:
    """Swap the tables; locks are waited for a part of the usual time if it is tried repeatedly."""
    usual = int(session.value("SELECT @@lock_wait_timeout"))
    moved = f"{quoted(note.table)} TO {quoted(note.old)}, " if note.old else ""
    session.run(f"SET SESSION lock_wait_timeout={max(1, usual // attempts)}")
    try:
        session.run(f"RENAME TABLE {moved}{quoted(note.new)} TO {quoted(note.table)}")
    finally:
        with suppress(StorageError):  # the connection has ended
            session.run(f"SET SESSION lock_wait_timeout={usual}")


def _repoint_children(session: Session, note: Note) -> None:
    for child, key in note.children:
        _repoint(session, note, child, key)


def _complete_names(session: Session, note: Note) -> None:
    """Give triggers and foreign keys of the tables their names; repeated calls are allowed."""
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
    name_index(session, table, key)


def name_index(session: Session, table: str, key: ForeignKey) -> None:
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


def with_index(schema: TableSchema, key: ForeignKey) -> ForeignKey:
    """Return a foreign key of a note, whose definition is the name of the index with its columns."""
    names = [index.name for index in schema.indexes if _columns(index) == key.columns]
    return replace(key, definition=names[0] if names else "")


def _repoint(session: Session, note: Note, child: str, key: ForeignKey) -> None:
    """Let a foreign key of another table refer to the new table instead of the old one.

    A key cannot be replaced by one of the same name in one statement.
    """
    if not exists(session, child):
        return
    if (child, key.name) in _keys_to(session, note.old):
        session.run(
            f"ALTER TABLE {quoted(child)} DROP FOREIGN KEY {quoted(key.name)}, "
            f"ADD {foreign_key_sql(key, related_name(key.name, TEMPORARY))}"
        )
    _give_name(session, child, key)


def _keys_to(session: Session, table: str) -> set[tuple[str, str]]:
    keys = referring_keys(session, table) if table else []
    return {(key.table, key.name) for key in keys if not key.database}


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
                create_trigger_as(session, trigger, note.table, trigger.name)
            session.run(f"DROP TRIGGER {quoted(related_name(trigger.name, TEMPORARY))}")
    finally:
        with suppress(StorageError):  # the connection has ended, and with it the locks
            session.run("UNLOCK TABLES")


def create_trigger_as(session: Session, trigger: Trigger, table: str, name: str) -> None:
    """Create a trigger under a name, with its definer and SQL mode."""
    definer, mode = trigger_context(trigger)
    session.run(f"SET SESSION sql_mode={literal(mode)}")
    try:
        session.run(create_trigger(trigger, table, name, definer))
    except AccessDenied as error:
        if not refused_of(session, (trigger,)):  # another privilege is missing
            raise
        raise refusal(session, trigger, error.cause) from error
    finally:
        with suppress(StorageError):  # the connection has ended
            session.run(f"SET SESSION sql_mode={literal(SQL_MODE)}")


def key_within(key: ForeignKey, table: str, new: str) -> ForeignKey:
    """Return a key of a table to itself as one of `new` to itself: it follows the rename."""
    return replace(key, table=new) if key.table == table else key
