"""Comparison of two backups of 1,000,000 x 8 rows in a folder: time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure

#: The most memory in MB, with the interpreter and all libraries.
MOST_MEMORY = 300.0
#: The most seconds of processor time of all threads.
MOST_SECONDS = 20.0
_HEAD = """
import pickle, resource, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from core.work import Work
"""
_MAKE = (
    _HEAD
    + """
from helpers.backups import MemoryStore, backed_up, sql
from tests.benchmarks.dump import _made
path, store = _made(folder / "trading.db"), MemoryStore()
before = backed_up(store, path, "orders")
sql(path, "DELETE FROM orders WHERE id % 100 = 1")
sql(path, "UPDATE orders SET price = price + 1 WHERE id % 10 = 2")
sql(path, "INSERT INTO orders SELECT id + 2000000, 1, 'A', 'buy', 1, 1, 'new', '' FROM orders LIMIT 5000")
after = backed_up(store, path, "orders")
for key, data in store.objects.items():
    (folder / key).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).write_bytes(data)
(folder / "pair").write_bytes(pickle.dumps((before, after)))
"""
)
_COMPARE = (
    _HEAD
    + """
from core.backup.comparison import compare_of
class Store:
    place = str(folder)
    def read(self, key, *, work):
        return (folder / key).read_bytes()
before, after = pickle.loads((folder / "pair").read_bytes())
began, processor = time.perf_counter(), time.process_time()
found = compare_of(Store(), before, after, 100, Work())
took = time.perf_counter() - began, time.process_time() - processor
assert (found.added, found.changed, found.removed, found.unchanged) == (5000, 100000, 10000, 890000)
print(*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
)


def figures() -> Iterator[Figure]:
    """Yield the processor time of a comparison in a new process, and its peak memory."""
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        root = str(Path(__file__).parents[2])
        home = os.environ | {"STRONGROOM_HOME": f"{folder}/home"}
        for program in (_MAKE, _COMPARE):
            command = [sys.executable, "-c", program, folder, root]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=home)
    took, processor, memory = map(float, done.stdout.split())
    name = "comparison of 2 x 1,000,000 x 8 rows"
    yield Figure(name, processor, "s", MOST_SECONDS, note=f"({took:.2f} s in total)")
    yield Figure(f"{name}, memory", memory, "MB", MOST_MEMORY)
