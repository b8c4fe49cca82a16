"""The beat of the GUI thread while previews are made: of a hundred files together, and one by one."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from core.objects.bucket import Bucket
from core.preview import Preview
from gui.context import Context
from gui.tabs.base import Tab
from gui.tabs.browser.loading import inspect_object
from gui.tasks import Task
from gui.views.preview_view import PreviewView
from tests.benchmarks.figures import Figure
from tests.benchmarks.heartbeat import MOST_MS, Beats, Bench, bench, percentile

FILES, CANDLES = 100, 10_000
#: Groups of 9,000 values in a tree of nearly a million.
GROUPS = 108
#: 99 of 100 beats come within so many ms.
MOST_P99_MS = 16.0
_FOLDER = "market-data/ohlcv/BTC-USD/1m/"
_MINUTE = 60


def figures() -> Iterator[Figure]:
    """Yield the longest gap and the 99th percentile while each preview is made and shown."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.s3_servers import make_bucket
    from helpers.seaweed import running_seaweed

    with running_seaweed() as server:
        client = server.client()
        name = make_bucket(client)
        single = _put_objects(client, name)
        with bench(server.connection(name), _PreviewTab) as made:
            # The first preview of a kind also loads the code of its view.
            _beats(made, lambda then: _inspect(made, f"{_FOLDER}000.json", then))
            beats = _beats(made, lambda then: _join(made, then))
            yield from _gaps(f"{FILES} files of 1 MB are joined", beats)
            yield from _gaps(f"{len(single)} large files are previewed", _beats_of(made, single))
        client.close()


class _PreviewTab(Tab):
    """A tab with nothing but a preview."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.view = PreviewView(self)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - named by Qt
        self.view.setGeometry(self.rect())
        super().resizeEvent(event)


def _put_objects(client: Any, bucket: str) -> list[str]:
    """Store the files of a series, and a large object of each format; return the keys of these."""
    for number in range(FILES):
        key = f"{_FOLDER}{number:03}.json"
        client.put_object(Bucket=bucket, Key=key, Body=_candles(number * CANDLES, CANDLES))
    rows = [{"id": n, "name": f"name {n}", "price": n / 7, "tags": ["a"]} for n in range(100_000)]
    lines = "\n".join(map(json.dumps, rows)).encode()
    bodies = {
        "candles.json": _candles(0, 70_000),
        "tree.json": _tree(GROUPS),
        # Of more than 8 MiB the beginning is shown.
        "cut-tree.json": _tree(50_000_000 // (len(_tree(10)) // 10)),
        "rows.ndjson": lines,
        "rows.ndjson.gz": gzip.compress(lines),
        "rows.csv": b"id,name,value\n" + b"123456,abc,1.25\n" * 440_000,
        "logs/app.log": b"2024-01-15 10:00:00 ERROR no\n" * 240_000,
        "rows.parquet": _parquet(),
    }
    for key, body in bodies.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    return list(bodies)


def _candles(first: int, count: int) -> bytes:
    begin = 1_704_067_200
    rows = [
        {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + at * _MINUTE)),
            "open": 50_000 + at % 97 / 4, "high": 50_030 + at % 89 / 4,
            "low": 49_980 - at % 83 / 4, "close": 50_000 + (at + 1) % 97 / 4, "volume": at % 71 / 8,
        }
        for at in range(first, first + count)
    ]  # fmt: skip
    document = {"symbol": "BTC-USD", "timeframe": "1m", "data": rows}
    return json.dumps(document, separators=(",", ":")).encode()


def _tree(groups: int) -> bytes:
    """Return objects and lists in one another, of 9,000 values in each group."""
    items = {f"item {i}": [i, i / 7, {"list": [1, 2, i]}] for i in range(900)}
    return json.dumps({f"group {group}": items for group in range(groups)}).encode()


def _parquet() -> bytes:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made.parquet")
        select = "SELECT i AS id, random() AS price, 'name ' || i AS name FROM range(700_000) t(i)"
        duckdb.connect().execute(f"COPY ({select}) TO '{path}'")
        return path.read_bytes()


def _join(made: Bench, then: Callable[[Preview], None]) -> Task:
    return made.tab.bulk("Join", "preview.join", {"prefixes": [_FOLDER]}, then)


def _inspect(made: Bench, key: str, then: Callable[[Preview], None]) -> Task:
    bucket: Bucket = made.context.workspace.bucket
    return made.tab.run("Preview", lambda work: inspect_object(bucket, key, work).preview, then)


def _beats(made: Bench, begin: Callable[[Callable[[Preview], None]], Task]) -> Beats:
    """Return the beats while a preview is made and shown."""
    seen: list[Preview] = []

    def show(preview: Preview) -> None:
        seen.append(preview)
        made.tab.view.show_preview(preview)

    began = time.monotonic()
    made.heart.start()
    task = begin(show)
    made.until(lambda: not task.running)
    made.pause(0.3)
    made.heart.stop()
    assert seen, task.error
    return made.heart.beats(f"{seen[0].count} in {time.monotonic() - began:.1f} s")


def _beats_of(made: Bench, keys: Sequence[str]) -> Beats:
    """Return the beats while one object after the other is previewed, as with the arrow keys."""
    gaps: list[float] = []
    busy: list[float] = []
    loads = []
    for key in keys:
        beats = _beats(made, lambda then, key=key: _inspect(made, key, then))
        gaps += beats.gaps
        busy += beats.busy
        loads.append(f"{key.rpartition('/')[2]} {max(beats.gaps):.0f} ms")
    return Beats(gaps, busy, "longest of each: " + ", ".join(loads))


def _gaps(load: str, beats: Beats) -> Iterator[Figure]:
    title = f"GUI gap while {load}"
    yield Figure(title, max(beats.gaps), "ms", MOST_MS, note=beats.note)
    yield Figure(f"{title}, p99", percentile(beats.gaps, 0.99), "ms", MOST_P99_MS)
