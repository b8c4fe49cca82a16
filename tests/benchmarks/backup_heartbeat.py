"""The beat of the GUI thread while a table is backed up and restored, from the Backups tab."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.model.connection import Connection
from gui.tabs.backups import BackupsTab
from tests.benchmarks import growth
from tests.benchmarks.figures import Figure
from tests.benchmarks.heartbeat import MOST_MS, Beats, Bench, bench, percentile

ROWS = 1_000_000
#: 99 of 100 beats come within so many ms.
MOST_P99_MS = 16.0


def figures() -> Iterator[Figure]:
    """Yield the longest gap and the 99th percentile under each load."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.s3_servers import make_bucket
    from helpers.seaweed import running_seaweed

    with running_seaweed() as server:
        client = server.client()
        for source in (_sqlite, growth.postgresql_source, growth.mariadb_source):
            connection = server.connection(make_bucket(client))
            with source() as opened:
                yield from _of_source(connection, opened)
        client.close()


@contextmanager
def _sqlite() -> Iterator[growth.Source]:
    with tempfile.TemporaryDirectory() as name:
        yield growth.sqlite_source(Path(name) / "trading.db")


def _of_source(connection: Connection, source: growth.Source) -> Iterator[Figure]:
    source.make("orders", ROWS)
    with bench(connection, BackupsTab) as made:
        backup = {"tables": ["orders"]}
        yield from _gaps("backup", source, _beats(made, "backup.run", source, backup))
        restore = {"table": "orders"}
        yield from _gaps("restore", source, _beats(made, "backup.restore", source, restore))


def _gaps(name: str, source: growth.Source, beats: Beats) -> Iterator[Figure]:
    title = f"GUI gap during a {name} of {source.engine}"
    yield Figure(title, max(beats.gaps), "ms", MOST_MS, note=beats.note)
    p99 = percentile(beats.gaps, 0.99)
    yield Figure(f"{title}, p99", p99, "ms", MOST_P99_MS)


def _beats(made: Bench, operation: str, source: growth.Source, arguments: dict[str, Any]) -> Beats:
    """Run an operation in the engine, and return the beats until it ends."""
    url = source.url
    if source.password:
        url = url.replace("@", f":{quote(source.password, safe='')}@", 1)
    assert made.context.workspace is not None
    made.heart.start()
    began = time.monotonic()
    task = made.runner.run_bulk(
        operation, operation, {"database": url, **arguments},
        connection=made.context.workspace.connection, owner=made.tab,
        then=lambda _report: None, failed=lambda _error: None,
    )  # fmt: skip
    made.until(lambda: not task.running, seconds=600)
    made.heart.stop()
    assert task.state == "done", task.error
    return made.heart.beats(f"{ROWS:,} rows in {time.monotonic() - began:.1f} s")
