"""Recovery after a killed restore, undo of a restore, and removal of former tables."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from core.backup.databases.mysql.completion import (
    TEMPORARY,
    Connect,
    UnfinishedError,
    carry_out,
    complete,
    create_trigger_as,
    key_within,
    name_index,
    stating_rest,
)
from core.backup.databases.mysql.failures import ReferencedError
from core.backup.databases.mysql.inspect import exists, read_schema, text, triggers
from core.backup.databases.mysql.names import (
    NOTE,
    former_pattern,
    is_being_loaded,
    related_name,
)
from core.backup.databases.mysql.notes import BEGUN, DONE, NOTE_COMMENT, Note
from core.backup.databases.mysql.orphans import newly_orphaned
from core.backup.databases.mysql.referring import (
    incoming,
    referring_keys,
    refuse_other_databases,
)
from core.backup.databases.mysql.row_restore import discard_unfinished
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.swap import referring_to
from core.backup.databases.mysql.tokens import quoted
from core.backup.databases.mysql.writer import foreign_key_sql
from core.backup.databases.roll_back import RollBack
from core.errors import Cancelled, Conflict, InvalidInput, NotSupported, StorageError
from core.model.database import Dependant
from core.model.restore import UndoReport, dangling_after_undo

_log = logging.getLogger(__name__)


def recover(session: Session, connect: Connect) -> None:
    """Complete or discard what a failed restore has left; call it with the lock of the database.

    A swap that was begun is completed if its tables were renamed. Otherwise its note and the
    loaded table are removed, and so is every table that is marked as being loaded.

    Raises:
        UnfinishedError: Another session uses one of the tables that were swapped.
    """
    for name, comment in _leftovers(session):
        try:
            discard_unfinished(session, name, comment)
        except Conflict as error:  # it contains nothing that is needed; the next change drops it
            _log.warning("The table %s remains: %s", name, error.cause)
        if is_being_loaded(name, comment):
            drop(session, name)
        elif name.endswith(NOTE) and comment == NOTE_COMMENT:
            _recover_note(session, name.removesuffix(NOTE), connect)


def _leftovers(session: Session) -> list[tuple[str, str]]:
    rows = session.query(
        "SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA=DATABASE() AND TABLE_COMMENT LIKE 'strongroom: %'"
    )
    return sorted((text(name), text(comment)) for name, comment in rows)


def _recover_note(session: Session, beside: str, connect: Connect) -> None:
    note = Note.read(session, beside)
    if note is None:  # it was begun before anything else
        session.run(f"DROP TABLE {quoted(beside + NOTE)}")
    elif note.state == BEGUN and not exists(session, note.new):
        complete(session, note, connect)
        if note.undoes or not note.old:
            _drop_discarded(session, note)
        else:
            replace(note, state=DONE).write(session)
    elif note.state == BEGUN and note.undoes:
        _drop_temporary(session, note)
        note.abandoned().write(session)
    elif note.state == BEGUN:
        drop(session, note.new, note.name)


def _drop_temporary(session: Session, note: Note) -> None:
    """Remove the temporary triggers and foreign keys of a former table, which an undo adds."""
    for trigger in triggers(session, note.new):
        if trigger.name in {related_name(t.name, TEMPORARY) for t in note.after.triggers}:
            session.run(f"DROP TRIGGER {quoted(trigger.name)}")
    present = {key.name for key in read_schema(session, note.new).foreign_keys}
    for key in note.after.keys:
        if (name := related_name(key.name, TEMPORARY)) in present:
            session.run(f"ALTER TABLE {quoted(note.new)} DROP FOREIGN KEY {quoted(name)}")
        name_index(session, note.new, key)


def drop(session: Session, *names: str) -> None:
    """Drop tables one after the other, unless a foreign key refers to one.

    Raises:
        Conflict: Another session uses one of them.
        ReferencedError: A foreign key of another table refers to one of them.
    """
    # Keys of other databases, which this user may not see, would refer to nothing.
    session.run("SET SESSION foreign_key_checks=1")
    try:
        for name in filter(None, names):
            session.run(f"DROP TABLE IF EXISTS {quoted(name)}")
    finally:
        with suppress(StorageError):  # the connection has ended
            session.run("SET SESSION foreign_key_checks=0")


def undo(session: Session, former: str, connect: Connect) -> UndoReport:
    """Restore a former table under its name, and drop the restored one.

    Raises:
        Conflict: Another session uses one of the tables; nothing was changed.
        UnfinishedError: The former table was restored, but steps remain.
        InvalidInput: `former` is not a former table.
    """
    note = _require_former(session, former)
    trash = ""
    lost: tuple[tuple[str, int], ...] = ()
    if exists(session, note.table):
        refuse_other_databases(session, note.table)
        lost = _newly_orphaned(session, note, former)
        trash = related_name(note.table, f"__discarded{former.partition('__before')[2]}")
    back = note.reversed(trash, referring_to(session, note.table) if trash else ())
    back.write(session)
    _add_temporary(session, back)
    carry_out(session, back, connect)
    _drop_discarded(session, back)
    return UndoReport(note.table, dangling_after_undo(lost))


def _newly_orphaned(session: Session, note: Note, former: str) -> tuple[tuple[str, int], ...]:
    """Count rows that refer to missing rows after an undo: of the table itself, and of others."""
    table = note.table
    with suppress(NotSupported):  # a table that could not be backed up is put back all the same
        found = read_schema(session, former)  # it has no foreign keys: the note contains them
        schema = replace(found, table=table, foreign_keys=note.before.keys)
        today = read_schema(session, table)
        return newly_orphaned(session, schema, incoming(session, table), former, today)
    return ()


def _drop_discarded(session: Session, note: Note) -> None:
    """Drop the table that an undo has replaced, and the note.

    Raises:
        UnfinishedError: It is used by another session, or by a key of another database.
    """
    try:
        with stating_rest(session, note):
            drop(session, note.old)
    except UnfinishedError as error:
        if isinstance(error.__cause__, ReferencedError):
            # The next change could not drop it either, and must not be refused because of it.
            drop(session, note.name)
            error.summary = f"{note.table} was replaced, but {note.old} cannot be dropped"
            error.remedy = (
                "A foreign key that the user cannot see refers to it: let that key refer to "
                f"{note.table}, then drop {note.old}."
            )
        raise
    drop(session, note.name)


def begun_restores(session: Session, table: str) -> Iterator[Dependant]:
    """Yield the restores of a table that were begun: interrupted, or at work just now."""
    for name, comment in _leftovers(session):
        note = None
        if name.endswith(NOTE) and comment == NOTE_COMMENT:
            note = Note.read(session, name.removesuffix(NOTE))
        if note is not None and note.state == BEGUN and note.table == table:
            yield Dependant(
                "restore", note.beside,
                "It is at work or was interrupted; the next change of the database by a restore or "
                "an undo completes or removes it.",
            )  # fmt: skip


def add_failure(error: BaseException, failure: StorageError) -> None:
    """Add to an error that the clean-up after it failed, and what happens with the rest."""
    if isinstance(error, RollBack):
        error.failure = failure
        return
    if not isinstance(error, StorageError) or isinstance(error, Cancelled):
        _log.warning("The clean-up failed: %s", failure)  # such an error is not shown
        return
    why = failure.cause or f"{failure.summary}."
    error.cause = f"{error.cause} What was begun could not be removed: {why}".strip()
    error.effect = ""
    error.remedy = (
        f"{error.remedy} The next change of this database by a restore or an undo completes or "
        "removes what was begun."
    ).strip()


def _add_temporary(session: Session, note: Note) -> None:
    for trigger in note.after.triggers:
        create_trigger_as(session, trigger, note.new, related_name(trigger.name, TEMPORARY))
    for key in note.after.keys:
        name = related_name(key.name, TEMPORARY)
        moved = key_within(key, note.table, note.new)
        session.run(f"ALTER TABLE {quoted(note.new)} ADD {foreign_key_sql(moved, name)}")


def drop_former(session: Session, former: str) -> None:
    """Drop a former table and its note.

    Raises:
        Conflict: A foreign key of another table refers to it.
        InvalidInput: `former` is not a former table.
    """
    note = _require_former(session, former)
    if keys := referring_keys(session, former):
        raise Conflict(
            f"{former} is used by a foreign key",
            cause=f"The foreign key {keys[0].name} of {keys[0].place} refers to it.",
            remedy="Drop that foreign key first.",
            subject=former,
        )
    drop(session, former, note.name)


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
