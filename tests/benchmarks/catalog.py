"""Searches in a catalogue of up to 5,000,000 keys: each keystroke, memory, and size on the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure

#: The most milliseconds of a keystroke with a million keys.
MOST_MS = 100.0
_KEYS = 1_000_000
_GROWTH = (10_000, 100_000, 1_000_000, 5_000_000)
_PROGRAM = """
import json, resource, statistics, sys, time
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from helpers.many_keys import store_catalog, typed
count = int(sys.argv[1])
bucket = store_catalog(count)
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
from core.catalog.catalog import open_catalog
from core.catalog.query_text import parse_query
import duckdb, numpy
before, began = memory(), time.perf_counter()
catalog = open_catalog(bucket)
catalog.search(parse_query("nothing like it"))
opened = time.perf_counter() - began
times = []
for _ in range(3):
    for text, order in typed():
        began = time.perf_counter()
        found = catalog.search(parse_query(text), order=order)
        found.page(0, 200)
        times.append((time.perf_counter() - began) * 1e3)
times.sort()
print(json.dumps({
    "median": statistics.median(times), "p95": times[int(len(times) * 0.95)], "worst": times[-1],
    "opened": opened, "memory": memory() - before, "disk": catalog.state.disk / 1e6,
    "objects": catalog.state.objects,
}))
"""


def figures() -> Iterator[Figure]:
    """Yield the median and the 95th percentile of keystrokes with a million keys."""
    found = _measured(_KEYS)
    note = (
        f"(opened in {found['opened']:.2f} s; {found['memory']:.0f} MB in memory, "
        f"{found['disk']:.0f} MB on the disk)"
    )
    yield Figure("keystroke in 1,000,000 keys, median", found["median"], "ms", MOST_MS, note=note)
    note = f"(worst {found['worst']:.0f} ms)"
    yield Figure("keystroke in 1,000,000 keys, 95 %", found["p95"], "ms", MOST_MS, note=note)


def growth() -> Iterator[Figure]:
    """Yield the same for 10,000 to 5,000,000 keys."""
    for count in _GROWTH:
        found = _measured(count)
        note = (
            f"(median {found['median']:.1f} ms, opened in {found['opened']:.2f} s, "
            f"{found['memory']:.0f} MB in memory, {found['disk']:.1f} MB on the disk)"
        )
        limit = MOST_MS * max(1.0, count / _KEYS)
        yield Figure(f"keystroke in {count:,} keys, 95 %", found["p95"], "ms", limit, note=note)


def _measured(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", _PROGRAM, str(count), root]
        home = os.environ | {"STRONGROOM_HOME": folder}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=home)
    found: dict[str, float] = json.loads(done.stdout)
    return found
