"""The queue of uploads and downloads, which is stored and survives the end of its process.

The user's actions add batches; a caller runs them one after another:

    queue = TransferQueue()
    queue.add(Order("transfer.upload", uuid4().hex, "Upload 3 files", profile, bucket, arguments))
    while (turn := queue.next_turn(profile, bucket)) is not None:
        try:
            …call the operation `turn.operation` with `turn.arguments`, here or in the engine…
        except StorageError as error:
            queue.finish(turn.batch.id, error)
        else:
            queue.finish(turn.batch.id)

`core.transfer.queue_runner` does this without a window. The operation stores the result of each
file when it is known, so after a crash the next turn of the batch has the remaining files. To pause
or cancel a batch that runs, call `pause` or `cancel` here first, and then `pause` or `cancel` of
the running operation's token.

All methods read or write the state database and may be called in any thread and process; they raise
`LocalIOError` if it cannot be read or written.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.errors import CONNECTION_KINDS, Cancelled, ErrorKind, NotFound, StorageError
from core.local.partial_records import remove_partials_of
from core.local.state.database import Database, state_database
from core.local.state.owners import owner_of_this_process
from core.local.unreadable import UNREADABLE
from core.transfer import queue_rows
from core.transfer.journal import Order, discard, unfinished
from core.transfer.queue_values import (
    BatchFiles,
    BatchState,
    Priority,
    QueuedBatch,
    Turn,
)
from core.transfer.values import State

#: Number of ended batches that remain listed.
MAX_ENDED = 20
_HOLD_UNREADABLE = """
UPDATE queue SET held = ?, reason = 'The list of its files is damaged' WHERE transfer = ?
"""
_RETRIED = frozenset({State.FAILED, State.CANCELLED})


class TransferQueue:
    """The batches of all profiles, in the order in which they run."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use the user's state database, or the one in another folder."""
        self._database: Database = state_database(folder)

    # Reading

    def batches(self, profile: str = "", bucket: str = "") -> tuple[QueuedBatch, ...]:
        """Return the batches in the order in which they run, ended ones in between.

        Args:
            profile: only those of this profile; all if empty.
            bucket: only those of this bucket; all if empty.
        """
        return tuple(batch for _number, batch in self._select(profile, bucket))

    def batch(self, batch_id: str) -> QueuedBatch:
        """Return one batch.

        Raises:
            NotFound: the batch was removed.
        """
        return self._find(batch_id)[1]

    def files(self, batch_id: str) -> BatchFiles:
        """Return the files of a batch and their results.

        Raises:
            NotFound: the batch was removed.
        """
        number, batch = self._find(batch_id)
        arguments = queue_rows.read_arguments(self._database, number)
        return BatchFiles(batch, arguments, queue_rows.read_results(self._database, number))

    # Changes by the user

    def add(self, order: Order, priority: Priority = Priority.NORMAL) -> QueuedBatch:
        """Store a batch durably at the end of the queue, and return it.

        Args:
            order: the operation with its arguments for all files; lists that are as long as `keys`
                have one value for each file. Files in `skip` are skipped at once.
            priority: its priority.
        """
        queue_rows.insert_batch(self._database, order, priority)
        self._remove_oldest()
        return self.batch(order.id)

    def adopt_interrupted(self) -> int:
        """Add the interrupted transfers of earlier versions, and return their number."""
        found = unfinished(self._database.path.parent)
        for each in found:
            self.add(replace(each.order, arguments=each.arguments))
        return len(found)

    def pause(self, batch_id: str) -> None:
        """Pause a batch; files that are completed until its operation ends count as done."""
        self._hold(batch_id, queue_rows.PAUSED, "")

    def pause_all(self, profile: str = "", bucket: str = "") -> None:
        """Pause all batches that are waiting or running."""
        for _number, batch in self._select(profile, bucket):
            if batch.state in {BatchState.WAITING, BatchState.RUNNING}:
                self.pause(batch.id)

    def resume(self, batch_id: str) -> None:
        """Let a paused or held batch run again when it is its turn."""
        self._hold(batch_id, "", "")

    def resume_all(self, profile: str = "", bucket: str = "") -> None:
        """Resume all paused and held batches."""
        for _number, batch in self._select(profile, bucket):
            if batch.state in {BatchState.PAUSED, BatchState.HELD}:
                self.resume(batch.id)

    def resume_connection(self, profile: str) -> int:
        """Resume what an error of the connection has stopped, and return the number of batches.

        Call it once when the credentials of a profile were renewed or the network is back; batches
        that the user has paused stay paused.
        """
        held = [batch for _number, batch in self._select(profile) if batch.kind in CONNECTION_KINDS]
        for batch in held:
            self.resume(batch.id)
        return len(held)

    def cancel(self, batch_id: str) -> None:
        """Mark the files without a result as cancelled, so that the batch has ended."""
        number, batch = self._find(batch_id)
        with self._database.transaction(durable=True) as connection:
            connection.execute(
                "WITH RECURSIVE files (file) AS"
                " (SELECT 0 WHERE ? > 0 UNION ALL SELECT file + 1 FROM files WHERE file + 1 < ?)"
                " INSERT OR IGNORE INTO queue_files (transfer, file, state, detail)"
                " SELECT ?, file, ?, '{}' FROM files",
                (batch.counts.planned, batch.counts.planned, number,
                 queue_rows.CODES[State.CANCELLED]),
            )  # fmt: skip
            connection.execute(
                "UPDATE queue SET held = '', reason = '' WHERE transfer = ?", (number,)
            )
        self._remove_partials(number, batch)

    def retry(
        self,
        batch_id: str,
        states: Collection[State] = _RETRIED,
        numbers: Collection[int] | None = None,
    ) -> int:
        """Let failed or cancelled files wait for another attempt, and return their number.

        Args:
            batch_id: the batch.
            states: the states of the files, for example only failed ones.
            numbers: only these files; all if None.

        Raises:
            NotFound: the batch was removed.
        """
        number, batch = self._find(batch_id)
        codes = [queue_rows.CODES[state] for state in _RETRIED & frozenset(states)]
        files = range(batch.counts.planned) if numbers is None else numbers
        with self._database.transaction(durable=True) as connection:
            before = connection.total_changes()
            connection.executemany(
                "DELETE FROM queue_files WHERE transfer = ? AND file = ? AND state = ?",
                [(number, file, code) for code in codes for file in files],
            )
            retried = connection.total_changes() - before
            connection.execute(
                "UPDATE queue SET held = '', reason = '' WHERE transfer = ?", (number,)
            )
        return retried

    def move(self, batch_id: str, before: str | None = None) -> None:
        """Move a batch before another one, or to the end; the priority has precedence.

        Raises:
            NotFound: one of the batches was removed.
        """
        number, _batch = self._find(batch_id)
        target = None if before is None else self._find(before)[0]
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT transfer FROM queue ORDER BY position").fetchall()
            order = [each for (each,) in rows if each != number]
            order.insert(len(order) if target in {None, number} else order.index(target), number)
            connection.executemany(
                "UPDATE queue SET position = ?1 WHERE transfer = ?2 AND position != ?1",
                list(enumerate(order, 1)),
            )

    def set_priority(self, batch_id: str, priority: Priority) -> None:
        """Change the priority of a batch; a running one is not interrupted."""
        number, _batch = self._find(batch_id)
        self._database.execute(
            "UPDATE queue SET priority = ? WHERE transfer = ?", (int(priority), number)
        )

    def remove(self, batch_id: str) -> bool:
        """Remove a batch from the list, and return False if it is running."""
        number, batch = self._find(batch_id)
        if batch.state is BatchState.RUNNING:
            return False
        if batch.state is not BatchState.ENDED:
            self._remove_partials(number, batch)
        discard(batch_id, self._database.path.parent)
        self._database.return_free_pages()
        return True

    # Running

    def next_turn(self, profile: str, bucket: str, operation: str = "") -> Turn | None:
        """Return what to run next for a profile and bucket, and reserve it for this process.

        Args:
            profile: the profile.
            bucket: the bucket.
            operation: only batches of this operation; of both if empty.

        Returns:
            None if nothing waits, or if an error of the connection has stopped a batch of the
            profile: the other ones would fail as well, see `resume_connection`.
        """
        owner = owner_of_this_process(self._database.path)
        # In a transaction, so that two processes cannot reserve the same batch.
        with self._database.transaction(durable=True) as connection:
            found = self._select(profile)
            if any(batch.kind in CONNECTION_KINDS for _number, batch in found):
                return None
            for number, batch in found:
                wanted = batch.bucket == bucket and operation in {"", batch.operation}
                if wanted and batch.state is BatchState.WAITING:
                    turn = self._turn(number, batch)
                    if turn is None:
                        connection.execute(_HOLD_UNREADABLE, (ErrorKind.CORRUPT.name, number))
                        continue
                    connection.execute(
                        "UPDATE transfers SET owner = ? WHERE number = ?", (owner, number)
                    )
                    return turn
        return None

    def finish(self, batch_id: str, error: StorageError | None = None) -> QueuedBatch:
        """End the turn of a batch, and return its present state.

        Args:
            batch_id: the batch.
            error: the error that the operation has raised. It stops the batch, unless it is a
                cancel, which leaves it in the state that `pause` or `cancel` gave it.

        Raises:
            NotFound: the batch was removed.
        """
        number, _batch = self._find(batch_id)
        self._database.execute("UPDATE transfers SET owner = NULL WHERE number = ?", (number,))
        if error is not None and not isinstance(error, Cancelled):
            self._database.execute(
                # The reason that the operation stored itself is more precise, and a pause remains.
                "UPDATE queue SET held = ?, reason = ? WHERE transfer = ? AND held = ''",
                (error.kind.name, error.summary, number),
            )
        return self.batch(batch_id)

    # Helpers

    def _remove_partials(self, number: int, batch: QueuedBatch) -> None:
        """Remove what a pause has left of downloads that nothing continues any more."""
        if batch.operation != "transfer.download":
            return
        with suppress(*UNREADABLE):
            arguments = queue_rows.read_arguments(self._database, number)
            folder, keys = Path(arguments["folder"]), frozenset(arguments["keys"])
            remove_partials_of(folder, batch.bucket, keys)

    def _turn(self, number: int, batch: QueuedBatch) -> Turn | None:
        """Return the turn of a batch; None if its order cannot be read."""
        ended = queue_rows.read_numbers(self._database, number)
        numbers = tuple(n for n in range(batch.counts.planned) if n not in ended)
        try:
            arguments = queue_rows.read_arguments(self._database, number)
            selected = queue_rows.select_arguments(arguments, batch.counts.planned, numbers)
            ended_bytes = batch.size - sum(selected["sizes"])
        except UNREADABLE:
            return None
        # For the progress, which is that of the batch.
        ended_files = batch.counts.planned - len(numbers)
        journal = {"id": batch.id, "numbers": numbers, "ended": (ended_files, ended_bytes)}
        return Turn(batch, {**selected, "journal": journal}, numbers)

    def _select(self, profile: str = "", bucket: str = "") -> list[tuple[int, QueuedBatch]]:
        where, values = "", []
        for name, value in (("profile", profile), ("bucket", bucket)):
            if value:
                # A damaged summary would otherwise be an error of the query, and stop all batches.
                where += f" AND CASE WHEN json_valid(summary) THEN summary ->> '$.{name}' END = ?"
                values.append(value)
        return queue_rows.select_batches(self._database, where, tuple(values))

    def _find(self, batch_id: str) -> tuple[int, QueuedBatch]:
        found = queue_rows.select_batches(self._database, "AND id = ?", (batch_id,))
        if not found:
            raise NotFound(
                "The batch is not in the queue",
                cause="It was removed.",
                remedy="Add its files again.",
                subject=batch_id,
            )
        return found[0]

    def _hold(self, batch_id: str, held: str, reason: str) -> None:
        number, _batch = self._find(batch_id)
        self._database.execute(
            "UPDATE queue SET held = ?, reason = ? WHERE transfer = ?", (held, reason, number),
            durable=True,
        )  # fmt: skip

    def _remove_oldest(self) -> None:
        """Remove the oldest ended batches: the orders of many files would fill the database."""
        ended = [batch for _number, batch in self._select() if batch.state is BatchState.ENDED]
        for batch in sorted(ended, key=lambda each: each.added)[:-MAX_ENDED]:
            self.remove(batch.id)


def waiting_keys(bucket: str, folder: Path | None = None) -> frozenset[str]:
    """Return the keys of a bucket to which the queue has yet to upload files.

    Raises:
        LocalIOError: the database cannot be read.
    """
    queue = TransferQueue(folder)
    return frozenset(
        files.arguments["keys"][number]
        for batch in queue.batches(bucket=bucket)
        if batch.operation == "transfer.upload" and batch.counts.waiting
        for files in (queue.files(batch.id),)
        for number in range(batch.counts.planned)
        if files.state(number) is State.WAITING
    )
