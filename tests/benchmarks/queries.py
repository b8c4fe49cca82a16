"""SQL on a backup of 1,000,000 x 8 rows: download from memory, verification, loading and query."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure

#: The most seconds that an answer may take on an idle machine with two processors.
MOST_SECONDS = 2.0
_RUNS = 3
_PROGRAM = """
import resource, sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from helpers.backups import MemoryStore, backed_up
from core.backup.query import query_of
from core.work import Work
from tests.benchmarks.dump import _made
path = _made(Path(sys.argv[1]) / "trading.db")
store = MemoryStore()
backup = backed_up(store, path, "orders")
sql = "SELECT symbol, status, count(*), sum(price * quantity) FROM orders GROUP BY ALL ORDER BY ALL"
for _ in range(int(sys.argv[3])):
    began, processor = time.perf_counter(), time.process_time()
    found = query_of(store, backup, sql, 100, Work())
    took = time.perf_counter() - began, time.process_time() - processor
    assert len(found.rows) == 12 and not found.notes, found
    print(*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def figures() -> Iterator[Figure]:
    """Yield the time of a query in a new process, and the processor time of all its threads."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", _PROGRAM, folder, root, str(_RUNS)]
        home = os.environ | {"STRONGROOM_HOME": f"{folder}/home"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=home)
    runs = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    took, processor, memory = min(runs)
    note = f"({processor:.2f} s of processor time, {memory:.0f} MB with the stored backup)"
    yield Figure("query of 1,000,000 x 8 rows", took, "s", MOST_SECONDS, note=note)
