"""Restoring one large BLOB: the time grows with its size, and 80 MB take no three seconds."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from tests.benchmarks.figures import Figure

SIZES = (10, 20, 40, 80)
#: The most that 80 MB may take, in seconds, and how many times 10 MB they may be.
SECONDS_TARGET, GROWTH_TARGET = 3.0, 12.0
_RUNS = 3


def figures() -> Iterator[Figure]:
    """Time a restore of one row with a BLOB of each size; the last figure is the growth."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name)
        os.environ["STRONGROOM_HOME"] = str(folder / "home")
        taken = {size: min(_restored(folder, size) for _ in range(_RUNS)) for size in SIZES}
    for size in SIZES:
        seconds, busy = taken[size]
        yield Figure(
            f"restore one BLOB of {size} MB, proven", seconds, "s", SECONDS_TARGET,
            note=f"  {busy:.2f} s of processor time",
        )  # fmt: skip
    growth = taken[max(SIZES)][1] / taken[min(SIZES)][1]
    name = f"growth from {min(SIZES)} to {max(SIZES)} MB, of processor time"
    yield Figure(name, growth, "x", GROWTH_TARGET)


def _restored(folder: Path, size: int) -> tuple[float, float]:
    """Return the seconds that a restore took, and those of processor time."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.backups import MemoryStore, backed_up, restored

    path, target = folder / "source.db", folder / "target.db"
    for file in (path, target):
        file.unlink(missing_ok=True)
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE b(id INTEGER PRIMARY KEY, x)")
    connection.execute("INSERT INTO b VALUES (1, ?)", (os.urandom(size * 1_000_000),))
    connection.close()
    store = MemoryStore()
    backup = backed_up(store, path, "b")
    began, busy = time.perf_counter(), time.process_time()
    report = restored(store, backup, target)
    took = time.perf_counter() - began, time.process_time() - busy
    if report.verified != "verified (SHA-256)":
        raise SystemExit(report.verified)
    return took
