"""The cost of an entry of the state database, compared with the file that earlier versions wrote.

An entry that announces a request is on the disk before the request is sent, in both.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

from core.local.atomic import write_atomically
from core.local.state.database import close_databases, state_database, write_durably
from core.transfer.journal import Journal, Order
from core.transfer.values import Outcomes
from tests.benchmarks.figures import Figure

_RECORD = json.dumps({"steps": ["a step of a rotation with its facts"] * 60})
_ROTATION = """
INSERT INTO rotations (id, started, record) VALUES ('r', '', ?)
ON CONFLICT (id) DO UPDATE SET record = excluded.record
"""
_ROUNDS, _DURABLE, _NOTES = 5, 20, 2000


def figures() -> Iterator[Figure]:
    """Yield microseconds per entry, and those of opening the database as a new process does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            yield _durable(folder)
            yield _finished_file(folder)
            yield _opening(folder)
        finally:
            close_databases()


def _durable(folder: Path) -> Figure:
    database, path = state_database(folder), folder / "one.rotation.json"
    ours, theirs = _alternating(
        lambda number: write_durably(database, _ROTATION, (f"{_RECORD}{number}",)),
        lambda number: write_atomically(path, f"{_RECORD}{number}".encode()),
        _DURABLE,
    )
    return Figure("state: a durable step of a rotation", ours, "us", 0.8, "file, fsync", theirs)


def _finished_file(folder: Path) -> Figure:
    order = Order("transfer.upload", uuid4().hex, "t", "p", "b", {"keys": ["a"] * 100_000})
    journal, numbers = Journal.begin(order, 100_000, folder), iter(range(100_000))
    handle = os.open(folder / "one.transfer", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    ours, theirs = _alternating(
        lambda _number: journal.note(Outcomes(done=(next(numbers),))),
        lambda number: os.write(handle, json.dumps({"done": [number]}).encode() + b"\n"),
        _NOTES,
        time.process_time,
    )
    os.close(handle)
    journal.end()
    note = f"  (appending to a file: {theirs:.0f} us)"
    return Figure("state: a finished file of a transfer", ours, "us", 100, note=note)


def _opening(folder: Path) -> Figure:
    def reopen(_number: int) -> None:
        close_databases()
        state_database(folder / "fresh" / uuid4().hex).execute("PRAGMA user_version")

    def check(_number: int) -> None:
        database = type(state_database(folder))(state_database(folder).path)
        database.rows("SELECT key, value FROM settings")
        database.close()

    ours, created = _alternating(check, reopen, 10, time.process_time)
    note = f"  (creating it: {created / 1000:.1f} ms)"
    return Figure("state: check, open and read settings", ours, "us", 10_000, note=note)


def _alternating(
    ours: Callable[[int], object],
    theirs: Callable[[int], object],
    count: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Return the median microseconds of a call of each, measured in turn.

    Where no peer is compared, `clock` is that of the processor: a busy machine changes it less.
    """
    rounds = [
        (_seconds(ours, count, clock), _seconds(theirs, count, clock)) for _ in range(_ROUNDS + 1)
    ]
    first, second = zip(*rounds[1:], strict=True)
    return statistics.median(first) * 1e6, statistics.median(second) * 1e6


def _seconds(call: Callable[[int], object], count: int, clock: Callable[[], float]) -> float:
    began = clock()
    for number in range(count):
        call(number)
    return (clock() - began) / count
