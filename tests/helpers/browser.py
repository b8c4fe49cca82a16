"""Helpers of the tests of the Browser tab."""

import json
from concurrent.futures import ThreadPoolExecutor

from core.objects import writing

DAY = "market-data/ohlcv/BTC-USD/1h/2024/01/15/"


def candles(hours):
    rows = [
        {
            "timestamp": f"2024-01-15T{h:02}:00:00Z",
            "open": 1,
            "high": 3,
            "low": 1,
            "close": 2,
            "volume": 1,
        }
        for h in hours
    ]
    body = {"symbol": "BTC-USD", "timeframe": "1h", "timestamp": "x", "data": rows}
    return json.dumps(body, indent=2).encode()


def settled(qtbot, tab):
    qtbot.waitUntil(lambda: not tab.busy, timeout=20_000)


def active(tab, qtbot):
    """Bring the tab's window to the front again: keys reach no other."""
    tab.activateWindow()
    qtbot.waitUntil(tab.isActiveWindow, timeout=20_000)


def names(tab):
    return [tab.folder.model.index(row, 0).data() for row in range(tab.folder.model.rowCount())]


def in_other_thread(fn, *args, **more):
    """Do what talks to a server in another thread: the GUI thread must not."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(fn, *args, **more).result()


def put(bucket, key, data, **more):
    return in_other_thread(writing.put, bucket, key, data, **more)
