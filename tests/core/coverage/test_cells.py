"""Counting of files by stream and hour from keys and sizes."""

from datetime import UTC, date, datetime

import numpy as np
from helpers.coverage_keys import candle
from hypothesis import given, settings
from hypothesis import strategies as st

from core.coverage.cells import CellCounter, Stream, cells_of
from core.layout.building import build
from core.layout.kinds import KINDS

NOW = datetime(2024, 6, 1, tzinfo=UTC)
MOMENT = datetime(2024, 1, 15, 10, 30, 5, tzinfo=UTC)
NAMES = {
    "symbol": "BTC-USD",
    "timeframe": "1h",
    "user_id": "crowe",
    "report_type": "risk",
    "table_name": "orders",
    "log_type": "audit",
    "filename": "app.log",
}


def test_each_kind_has_streams_whose_prefix_begins_its_keys():
    for kind in KINDS:
        key = build(kind.id, moment=MOMENT, **{name: NAMES[name] for name in kind.names})
        (cells,) = cells_of([(key, 7)], NOW)
        assert key.startswith(cells.stream.prefix)
        assert key.startswith(cells.stream.folder(MOMENT.date(), MOMENT.hour))
        assert cells.latest == MOMENT
        assert cells.newest == key
        assert (cells.total_files, cells.total_size) == (1, 7)


def test_the_folder_of_an_hour_exists_only_in_kinds_with_hours():
    day = date(2024, 1, 5)
    assert Stream("trades", "A").folder(day, 3) == "market-data/trades/A/2024/01/05/03/"
    assert Stream("trades", "A").folder(day) == "market-data/trades/A/2024/01/05/"
    assert Stream("ohlcv", "A", "1h").folder(day, 3) == "market-data/ohlcv/A/1h/2024/01/05/"
    assert Stream("user_trades", "u").folder(day, 3) == "user-data/u/trades/2024/01/"
    # A name may look like a placeholder.
    assert Stream("ohlcv", "{Y}{timeframe}", "1h").prefix == "market-data/ohlcv/{Y}{timeframe}/1h/"


def test_files_of_one_hour_are_one_cell_in_any_order():
    rows = [
        (candle(MOMENT.replace(minute=40)), 5),
        (candle(MOMENT.replace(minute=20, hour=9)), 3),
        (candle(MOMENT.replace(minute=10)) + ".gz", 4),
    ]
    (cells,) = cells_of(rows, NOW)
    assert cells.files.tolist() == [1, 2]
    assert cells.sizes.tolist() == [3, 9]
    assert cells.first.tolist() == [20 * 60 + 5, 10 * 60 + 5]
    assert cells.last.tolist() == [20 * 60 + 5, 40 * 60 + 5]
    assert np.diff(cells.hours).tolist() == [1]
    assert cells.newest == rows[0][0]


def test_keys_of_no_kind_and_times_in_the_future_are_counted_separately():
    counter = CellCounter(NOW)
    future = candle(MOMENT.replace(year=2031))
    counter.add(["a/b.json", candle(MOMENT), future], [1, 2, 3])
    (cells,) = counter.cells()
    assert (counter.objects, counter.others, cells.ignored, cells.total_files) == (3, 1, 1, 1)


def test_the_four_spellings_of_times_are_in_the_same_hour():
    folder = "market-data/ohlcv/A/1h/2024/01/15"
    times = ("10:00:00Z", "10:00:00", "10:00:00.123456", "10:00:00+00:00", "12:00:00+02:00")
    rows = [(f"{folder}/2024-01-15T{time}.json", 1) for time in times]
    (cells,) = cells_of(rows, NOW)
    assert cells.files.tolist() == [5]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 9)), min_size=1, max_size=60))
def test_the_sums_of_the_cells_are_those_of_the_keys(rows):
    found = cells_of(
        [(candle(datetime.fromtimestamp(1.7e9 + at, UTC)), size) for at, size in rows], NOW
    )
    assert sum(cells.total_files for cells in found) == len(rows)
    assert sum(cells.total_size for cells in found) == sum(size for _, size in rows)
    assert {int(hour) for cells in found for hour in cells.hours} == {
        int(1.7e9 + at) // 3600 for at, _ in rows
    }
