"""Kills refreshes of a catalogue, each by SIGKILL at another of its file operations.

Run as a program: it imports everything once and forks a process for each refresh, before any thread
exists. It prints, as JSON, for how many kills the catalogue was the former or the new one.
"""

import json
import os
import random
import signal
import sys
import threading
from types import SimpleNamespace

import duckdb  # noqa: F401 - loaded before the first fork
import numpy as np  # noqa: F401 - likewise
from helpers.listed_bucket import ListedBucket

from core.catalog import segments
from core.catalog.catalog import open_catalog
from core.catalog.manifest import CatalogFolder
from core.catalog.query import Query
from core.catalog.refresh import refresh
from core.work import Work

#: Events of Python that precede a change of a file.
_EVENTS = ("open", "os.rename", "os.remove", "os.chmod", "os.mkdir", "os.rmdir", "fcntl.flock")
_DAYS, _SYMBOLS = 6, ("AAA", "BBB", "CCC")


def main() -> None:
    """Run `COUNT` kills with the random numbers of `SEED`."""
    count, seed = (int(text) for text in sys.argv[1:])
    chance = random.Random(seed)
    segments._OWN_SEGMENT = 30
    bucket = ListedBucket(_keys(0)).use()
    _run(lambda: _refresh(bucket, complete=True))
    counts = {"former": 0, "new": 0, "survived": 0, "wrong": 0, "leftovers": 0}
    former = dict(bucket.keys)
    for number in range(1, count + 1):
        bucket.keys = _keys(number)
        complete = bool(number % 2)
        # Half at an exact operation, half at a random moment, which may be inside DuckDB.
        at, seconds = chance.randint(1, 70), chance.uniform(0.005, 0.25)
        kill = (lambda at=at: _kill_at(at)) if number % 4 < 2 else lambda s=seconds: _kill_after(s)
        survived = _run(lambda kill=kill, complete=complete: (kill(), _refresh(bucket, complete=complete))) == 0  # fmt: skip
        state = _run(lambda former=former: _compare(bucket, former))
        counts["survived"] += survived
        counts[{1: "former", 2: "new"}.get(state, "wrong")] += 1
        # The next refresh repairs what the kill left, and its result is complete.
        counts["wrong"] += _run(lambda: _refresh(bucket, complete=True)) != 0
        counts["wrong"] += _run(lambda former=former: _compare(bucket, former)) != 2
        counts["leftovers"] += _leftovers(bucket)
        former = dict(bucket.keys)
    json.dump(counts, sys.stdout)


def _keys(number):
    days = range(1, _DAYS + number % 5)
    keys = {
        f"market-data/ohlcv/{symbol}/1h/2024/01/{day:02}/2024-01-{day:02}T{hour:02}:00:00Z.json": 5
        for symbol in _SYMBOLS for day in days for hour in range(24)
    }  # fmt: skip
    return keys | {f"exports/{number}-{each}": number for each in range(40)}


def _run(function):
    """Run a function in a fork, and return its exit code; negative if it was killed."""
    process = os.fork()
    if process == 0:
        code = 99
        try:
            found = function()
            code = found if isinstance(found, int) else 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _kill_at(number):
    seen = SimpleNamespace(events=0)

    def count(event, _arguments):
        if event in _EVENTS:
            seen.events += 1
            if seen.events == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _kill_after(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()


def _refresh(bucket, *, complete):
    refresh(bucket, Work(), complete=complete)
    return 0


def _compare(bucket, former):
    """Return 1 if the catalogue has the former keys, 2 if it has the present ones."""
    found = {row.key: row.size for row in open_catalog(bucket).search(Query()).page(0, 10_000)}
    if found == bucket.keys:
        return 2
    return 1 if found == former else 3


def _leftovers(bucket):
    folder = CatalogFolder(bucket)
    named = {segment.file for segment in folder.read().segments} | {"manifest.json", "refresh.lock"}
    extra = [path for path in folder.path.iterdir() if path.name not in named]
    # Temporary files of manifests are removed an hour later, by the next write.
    return len([path for path in extra if not path.name.startswith(".manifest.json.")])


if __name__ == "__main__":
    main()
