"""The rows of the queue in the state database: a batch, and the results of its files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import ErrorKind
from core.local.json_pieces import load_json
from core.local.state.database import Database
from core.local.state.owners import is_running
from core.local.unreadable import UNREADABLE
from core.model.objects import Verdict
from core.transfer.journal import Order
from core.transfer.queue_values import BatchState, Counts, FileResult, Priority, QueuedBatch
from core.transfer.values import EXISTS, Failure, State
from core.units import iso_utc, utc_now

_log = logging.getLogger(__name__)

#: How the result of a file is stored in the column `state`.
CODES = {State.DONE: 0, State.SKIPPED: 1, State.FAILED: 2, State.CANCELLED: 3}
_STATES = {code: state for state, code in CODES.items()}
#: The value of `held` for a pause; after an error it is the name of its kind.
PAUSED = "paused"
_BATCHES = """
SELECT number, id, owner, moment, planned, summary, priority, held, reason
FROM transfers JOIN queue ON transfer = number WHERE TRUE
"""
#: A result is replaced by a later one, except that a completed file stays completed: a file may end
#: while its batch is being cancelled.
PUT_RESULT = """
INSERT INTO queue_files (transfer, file, state, detail) VALUES (?, ?, ?, ?)
ON CONFLICT (transfer, file) DO UPDATE SET state = excluded.state, detail = excluded.detail
WHERE state != 0
"""
#: The details of few files have a growth, and decoding those of 50,000 would take long. A quotation
#: mark in a text is escaped.
_COUNTS = """
SELECT state, count(*), coalesce(sum(CASE
    WHEN instr(detail, '"growth": ') AND json_valid(detail)
    THEN CAST(json_extract(detail, '$.growth') AS INTEGER) END), 0)
FROM queue_files WHERE transfer = ? GROUP BY state
"""
ResultRow = tuple[int, int, int, str]
#: How many values are encoded at once.
_PIECE = 2_000


def insert_batch(database: Database, order: Order, priority: Priority) -> None:
    """Insert a batch durably at the end of the queue, in place of a journal with the same id.

    Files that are to be skipped have their result at once.
    """
    arguments = dict(order.arguments)
    planned = len(arguments["keys"])
    skipped = _take_skipped(arguments)
    names = ("operation", "title", "profile", "bucket")
    record = {**{name: getattr(order, name) for name in names}, "arguments": arguments}
    text = _dumped(record)
    with database.transaction(durable=True) as connection:
        connection.execute(
            "DELETE FROM transfers WHERE id = ? AND number NOT IN (SELECT transfer FROM queue)",
            (UUID(order.id).hex,),
        )
        connection.execute(
            "INSERT INTO transfers (id, moment, planned, record) VALUES (?, ?, ?, ?)",
            (UUID(order.id).hex, iso_utc(utc_now()), planned, text),
        )
        number = connection.last_insert_rowid()
        connection.execute(
            "INSERT INTO queue (transfer, position, priority, held, reason, summary)"
            " SELECT ?, coalesce(max(position), 0) + 1, ?, '', '', ? FROM queue",
            (number, int(priority), _summary_of(order)),
        )
        connection.executemany(PUT_RESULT, encode_all(number, skipped))


def _dumped(value: Any) -> str:
    """Return JSON, of long lists piece by piece.

    The encoder does not let other threads run: for 50,000 files the window would stop.
    """
    if isinstance(value, dict):
        return (
            f"{{{', '.join(f'{json.dumps(key)}: {_dumped(each)}' for key, each in value.items())}}}"
        )
    if isinstance(value, list) and len(value) > _PIECE:
        starts = range(0, len(value), _PIECE)
        return f"[{', '.join(json.dumps(value[start : start + _PIECE])[1:-1] for start in starts)}]"
    return json.dumps(value)


def _summary_of(order: Order) -> str:
    """Return the JSON of what a list shows of a batch; the order itself has megabytes."""
    names = ("operation", "title", "profile", "bucket", "source", "target", "command")
    values = {name: getattr(order, name) for name in names}
    return json.dumps({**values, "size": sum(order.arguments["sizes"])})


def _take_skipped(arguments: dict[str, Any]) -> list[FileResult]:
    """Remove the numbers of files that are to be skipped, and return the results of these files."""
    numbers = arguments.pop("skip", ())
    reasons = arguments.pop("skip_reasons", ()) or [EXISTS] * len(numbers)
    return [
        FileResult(number, State.SKIPPED, reason)
        for number, reason in zip(numbers, reasons, strict=True)
    ]


def select_batches(
    database: Database, where: str = "", parameters: tuple[str | int, ...] = ()
) -> list[tuple[int, QueuedBatch]]:
    """Return row number and batch, in the order of the queue; unreadable ones are left out."""
    rows = database.rows(
        f"{_BATCHES} {where} ORDER BY priority DESC, position",
        parameters,
    )
    found = []
    for row in rows:
        try:
            found.append((row[0], _batch(database, row)))
        except UNREADABLE:
            _log.warning("the batch %s of the queue cannot be read", row[1])
    return found


def _batch(database: Database, row: tuple[Any, ...]) -> QueuedBatch:
    number, identifier, owner, moment, planned, summary, priority, held, reason = row
    values = json.loads(summary)
    size = int(values.pop("size"))
    # Counted in the table instead of in a column: a crash cannot separate the two.
    codes = database.rows(_COUNTS, (number,))
    of_state = {_STATES[code].name.lower(): count for code, count, _ in codes}
    size += sum(growth for _, _, growth in codes)
    counts = Counts(planned, **of_state)
    state = _state(counts, held, running=is_running(database.path, owner))
    stopped = state is BatchState.HELD
    return QueuedBatch(
        id=UUID(identifier).hex,
        added=datetime.fromisoformat(moment),
        state=state,
        counts=counts,
        size=size,
        priority=Priority(priority),
        reason=reason if stopped else "",
        # A later version may know more kinds.
        kind=ErrorKind.__members__.get(held, ErrorKind.BUG) if stopped else None,
        **{name: str(value) for name, value in values.items()},
    )


def _state(counts: Counts, held: str, *, running: bool) -> BatchState:
    """Return the state of a batch: only pauses and errors are stored, all else follows."""
    if running:
        return BatchState.RUNNING
    if not counts.waiting:
        return BatchState.ENDED
    if held == PAUSED:
        return BatchState.PAUSED
    return BatchState.HELD if held else BatchState.WAITING


def read_arguments(database: Database, number: int) -> dict[str, Any]:
    """Return the arguments of a batch's operation for all of its files.

    Raises:
        KeyError: the batch was removed.
        ValueError: the row cannot be read.
    """
    rows = database.rows("SELECT record FROM transfers WHERE number = ?", (number,))
    if not rows:
        raise KeyError(number)
    return dict(load_json(rows[0][0])["arguments"])


def select_arguments(
    arguments: Mapping[str, Any], planned: int, numbers: tuple[int, ...]
) -> dict[str, Any]:
    """Return the arguments for some files: lists as long as the plan have a value for each file."""
    return {
        name: [values[number] for number in numbers]
        if isinstance(values, list) and len(values) == planned
        else values
        for name, values in arguments.items()
    }


def read_numbers(database: Database, number: int) -> set[int]:
    """Return the numbers of the files of a batch that have a result."""
    return {
        file
        for (file,) in database.rows("SELECT file FROM queue_files WHERE transfer = ?", (number,))
    }


def read_results(database: Database, number: int) -> dict[int, FileResult]:
    """Return the results of a batch's files, by their numbers."""
    rows = database.rows(
        "SELECT file, state, detail FROM queue_files WHERE transfer = ? ORDER BY file",
        (number,),
    )
    return {file: _decode(file, code, detail) for file, code, detail in rows}


def encode_all(number: int, results: Iterable[FileResult]) -> list[ResultRow]:
    """Return the rows of results; `number` is that of the batch."""
    return [_encode(number, result) for result in results]


def _encode(number: int, result: FileResult) -> ResultRow:
    values = {
        "reason": result.reason,
        "verdict": result.verdict.name if result.verdict else "",
        "sha256": result.sha256,
        "name": result.name,
        "unguarded": not result.race_free,
        "growth": result.growth,
    }
    # Most files have a hash and a verdict only, and there may be many of them.
    detail: dict[str, Any] = {key: value for key, value in values.items() if value}
    if result.failure is not None:
        failure = asdict(result.failure)
        detail["failure"] = {**failure, "kind": result.failure.kind.name}
    return (number, result.number, CODES[result.state], json.dumps(detail))


def _decode(file: int, code: int, detail: str) -> FileResult:
    """Return the result of a row; details that cannot be read are left out."""
    state = _STATES.get(code, State.FAILED)
    try:
        values = json.loads(detail)
        failure = values.get("failure")
        return FileResult(
            file,
            state,
            str(values.get("reason", EXISTS if state is State.SKIPPED else "")),
            Verdict[values["verdict"]] if "verdict" in values else None,
            str(values.get("sha256", "")),
            str(values.get("name", "")),
            not values.get("unguarded", False),
            Failure(**{**failure, "kind": ErrorKind[failure["kind"]], "number": file})
            if failure
            else None,
            int(values.get("growth", 0)),
        )
    except UNREADABLE:
        return FileResult(file, state)
