"""The journal of one turn of a batch of the queue: results are stored when they are known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self
from uuid import UUID

from core.errors import LocalIOError, NotFound, StorageError
from core.local.state.database import Database, state_database
from core.local.state.owners import owner_of_this_process
from core.transfer.queue_rows import PUT_RESULT, encode_all
from core.transfer.queue_values import FileResult

_log = logging.getLogger(__name__)


class QueueJournal:
    """The results of the files that one turn of a batch transfers."""

    def __init__(self, database: Database, number: int, numbers: Sequence[int]) -> None:
        self._database, self._number, self._numbers = database, number, numbers

    @classmethod
    def begin(cls, batch_id: str, numbers: Sequence[int], folder: Path | None = None) -> Self:
        """Take over a batch that `TransferQueue.next_turn` has reserved.

        Args:
            batch_id: the batch.
            numbers: the number in the batch of each file of this turn.
            folder: where the state database is; the user's if None.

        Raises:
            NotFound: the batch was removed.
            LocalIOError: the database cannot be written.
        """
        database = state_database(folder)
        owner = owner_of_this_process(database.path)
        with database.transaction(durable=True) as connection:
            row = connection.execute(
                "UPDATE transfers SET owner = ? WHERE id = ? AND number IN (SELECT transfer FROM"
                " queue) RETURNING number",
                (owner, UUID(batch_id).hex),
            ).fetchone()
        if row is None:
            raise NotFound(
                "The transfer was not started",
                cause="It was removed from the queue.",
                remedy="Add its files again.",
                subject=batch_id,
            )
        return cls(database, row[0], numbers)

    def record(self, results: Sequence[FileResult]) -> None:
        """Store the results of files; their numbers are those of the turn.

        A database that cannot be written does not stop the transfer.
        """
        own = [replace(each, number=self._numbers[each.number]) for each in results]
        rows = encode_all(self._number, own)
        try:
            if len(rows) == 1:
                self._database.execute(PUT_RESULT, rows[0])
            elif rows:
                self._database.execute_many(PUT_RESULT, rows)
        except LocalIOError as error:
            _log.warning("a file's result could not be recorded: %s", error.cause or error.summary)

    def hold(self, error: StorageError) -> None:
        """Stop the batch because of an error that affects all files; a pause of the user remains."""
        self._try(
            "UPDATE queue SET held = ?, reason = ? WHERE transfer = ? AND held = ''",
            error.kind.name,
            error.summary,
        )

    def end(self) -> None:
        """Release the batch; its state follows from the results."""
        self._try("UPDATE transfers SET owner = NULL WHERE number = ?")

    def leave(self) -> None:
        """Release the batch after a cancel or an error; the rest of it can be resumed."""
        self.end()

    def _try(self, sql: str, *values: str) -> None:
        try:
            self._database.execute(sql, (*values, self._number))
        except LocalIOError as error:
            _log.warning("the state of a batch could not be recorded: %s", error.summary)
