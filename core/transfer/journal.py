"""The journal of a transfer: what was requested, and what is done, so that a crash loses nothing.

A transfer is a row of the state database with the entire order, and a row for each file that is
done or was skipped. It belongs to the process that runs it: when that process has ended, the
transfer was interrupted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from core.errors import LocalIOError
from core.local.state.database import Database, state_database
from core.local.state.owners import is_running, owner_of_this_process
from core.local.unreadable import UNREADABLE
from core.transfer.queue_values import FileResult
from core.transfer.values import EXISTS, Outcomes, State
from core.units import iso_utc, utc_now

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """A requested transfer: the operation with its arguments, and the profile it is made with.

    `source`, `target` and `command` (the equivalent command line) are for display.
    """

    operation: str
    id: str
    title: str
    profile: str
    bucket: str
    arguments: dict[str, Any]
    source: str = ""
    target: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A transfer that was interrupted. `left` has the numbers of the files that are not done."""

    order: Order
    when: datetime
    planned: int
    left: tuple[int, ...]

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments that transfer the remaining files."""
        columns = {
            name: [values[number] for number in self.left]
            for name, values in self.order.arguments.items()
            # Lists as long as the plan have a value for each file; the others are options of all
            # files.
            if isinstance(values, list) and len(values) == self.planned
        }
        # Numbers of skipped files refer to the former plan; these files are no longer in it.
        return {**self.order.arguments, **columns, "skip": []}


class Journal:
    """One transfer's journal while it runs."""

    def __init__(self, database: Database, number: int) -> None:
        self._database, self._number = database, number

    @classmethod
    def begin(cls, order: Order, planned: int, folder: Path | None = None) -> Self:
        """Store the order durably, before anything is sent; it replaces one with the same id.

        Args:
            order: the transfer; when it is resumed, the rest of it.
            planned: the number of its files.
            folder: where the state database is; the user's if None.

        Raises:
            LocalIOError: it cannot be written, for example because the disk is full.
        """
        database = state_database(folder)
        owner = owner_of_this_process(database.path)
        # The owner is written with the order, so that no other process resumes it while it runs.
        return cls(database, _store(database, order, planned, owner))

    def note(self, outcomes: Outcomes) -> None:
        """Store the files that need nothing more; those that failed are still to be done.

        A journal that cannot be written does not stop the transfer.
        """
        rows = [(self._number, number, 0) for number in outcomes.done]
        rows += [(self._number, number, 1) for number, _reason in outcomes.skipped]
        try:
            if len(rows) == 1:
                self._database.execute(_NOTE, rows[0])
            elif rows:
                self._database.execute_many(_NOTE, rows)
        except LocalIOError as error:
            _log.warning("a finished file could not be recorded: %s", error.cause or error.summary)

    def record(self, results: Sequence[FileResult]) -> None:
        """Store the results of files, see `note`."""
        self.note(
            Outcomes(
                tuple(each.number for each in results if each.state is State.DONE),
                tuple((e.number, e.reason) for e in results if e.state is State.SKIPPED),
            )
        )

    def end(self) -> None:
        """Remove the journal: the transfer has ended and its result was reported."""
        self._try("DELETE FROM transfers WHERE number = ?")

    def leave(self) -> None:
        """Leave the transfer unfinished, so that the rest of it can be resumed."""
        self._try("UPDATE transfers SET owner = NULL WHERE number = ?")

    def _try(self, sql: str) -> None:
        """Run a statement about this transfer; without it, the transfer is offered again later."""
        try:
            self._database.execute(sql, (self._number,))
            # The order of a large transfer has many pages, and the file would otherwise never
            # shrink.
            self._database.return_free_pages()
        except LocalIOError as error:
            _log.warning("the end of a transfer could not be recorded: %s", error.summary)


# A file may be noted again when a resumed transfer reports it; the first note is valid.
_NOTE = "INSERT OR IGNORE INTO transfer_files (transfer, file, skipped) VALUES (?, ?, ?)"


def unfinished(folder: Path | None = None) -> tuple[Unfinished, ...]:
    """Return the interrupted transfers, oldest first, without those that cannot be read.

    Batches of the queue are not among them; see `core.transfer.queue`.

    Raises:
        LocalIOError: the database cannot be read.
    """
    database = state_database(folder)
    rows = database.rows(
        "SELECT number, owner FROM transfers WHERE number NOT IN (SELECT transfer FROM queue)"
    )
    numbers = [number for number, owner in rows if not is_running(database.path, owner)]
    found = [each for number in numbers if (each := _read(database, number)) is not None]
    return tuple(sorted(found, key=lambda each: each.when))


def discard(transfer_id: str, folder: Path | None = None) -> None:
    """Remove an interrupted transfer; what was sent remains.

    Raises:
        LocalIOError: it cannot be removed.
    """
    state_database(folder).execute("DELETE FROM transfers WHERE id = ?", (UUID(transfer_id).hex,))


def settled(transfer_id: str, folder: Path | None = None) -> Outcomes:
    """Return the files that a transfer's journal has; none without a journal.

    After the process that ran it was killed, nothing else is known of it.
    """
    try:
        rows = state_database(folder).rows(
            "SELECT file, skipped FROM transfer_files JOIN transfers ON transfer = number"
            " WHERE id = ? ORDER BY file",
            (UUID(transfer_id).hex,),
        )
    except (LocalIOError, ValueError):
        return Outcomes()
    done = tuple(file for file, skipped in rows if not skipped)
    return Outcomes(done, tuple((file, EXISTS) for file, skipped in rows if skipped))


def _store(database: Database, order: Order, planned: int, owner: str | None) -> int:
    """Store an order in place of one with the same id, and return its row."""
    # The canonical form: callers may pass the id with or without dashes.
    identifier = UUID(order.id).hex
    names = ("operation", "title", "profile", "bucket", "arguments")
    record = json.dumps({name: getattr(order, name) for name in names})
    with database.transaction(durable=True) as connection:
        # A resumed transfer has the id of the interrupted one, whose place it takes.
        connection.execute("DELETE FROM transfers WHERE id = ?", (identifier,))
        connection.execute(
            "INSERT INTO transfers (id, owner, moment, planned, record) VALUES (?, ?, ?, ?, ?)",
            (identifier, owner, iso_utc(utc_now()), planned, record),
        )
        return connection.last_insert_rowid()


def _read(database: Database, number: int) -> Unfinished | None:
    """Return one transfer; None if it cannot be read, or has nothing left and was removed."""
    rows = database.rows(
        "SELECT id, moment, planned, record FROM transfers WHERE number = ?", (number,)
    )
    if not rows:  # it ended just now
        return None
    files = database.rows("SELECT file FROM transfer_files WHERE transfer = ?", (number,))
    try:
        found = _unfinished(rows[0], {file for (file,) in files})
    except UNREADABLE:
        _log.warning("the journal of the transfer %s cannot be read", rows[0][0])
        return None
    # The process was killed after the last file, before it removed the journal.
    if not found.left:
        database.execute("DELETE FROM transfers WHERE number = ?", (number,))
        return None
    return found


def _unfinished(row: tuple[Any, ...], finished: set[int]) -> Unfinished:
    identifier, moment, planned, record = row
    values = json.loads(record)
    order = Order(
        operation=str(values["operation"]),
        id=UUID(identifier).hex,
        title=str(values["title"]),
        profile=str(values["profile"]),
        bucket=str(values["bucket"]),
        arguments=dict(values["arguments"]),
    )
    left = tuple(number for number in range(planned) if number not in finished)
    return Unfinished(order, datetime.fromisoformat(moment), planned, left)
