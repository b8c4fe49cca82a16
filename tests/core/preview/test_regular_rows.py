"""Candles that are read by columns of the text equal those that are read value by value."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from core.preview import LIMITS, Candles, Preview, preview
from core.preview.regular_rows import regular_document

KEY = "market-data/ohlcv/BTC-USD/1m/2024/01/01/2024-01-01T00:00:00Z.json"


def _rows(count: int = 300) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": f"2024-02-{27 + at // 1440:02}T{at // 60 % 24:02}:{at % 60:02}:00Z",
            "open": 100 + at / 4,
            "high": 103.125 + at / 4,
            "low": 99 + at / 4,
            "close": 101 + at / 4,
            "volume": at % 7 / 8,
        }
        for at in range(count)
    ]


def _document(rows: list[dict[str, Any]], **more: Any) -> bytes:
    return json.dumps({"symbol": "BTC-USD", "timeframe": "1m", "data": rows, **more}).encode()


def _read(data: bytes, *, first_only: bool) -> Preview:
    return preview(data, KEY, total=len(data), first_only=first_only)


def _equal(data: bytes) -> None:
    """Assert that both ways show the same candles and problems."""
    quick, slow = (_read(data, first_only=each) for each in (True, False))
    one, other = quick.representations[0], slow.representations[0]
    assert isinstance(one, Candles)
    assert isinstance(other, Candles)
    assert list(one.candles) == list(other.candles)
    assert np.array_equal(one.series.times, other.series.times)
    assert np.array_equal(one.series.floats, other.series.floats)
    mine, others = one.series.packed(), other.series.packed()
    for column in range(5):
        for at in range(len(mine)):
            assert mine.cell(column, at) == others.cell(column, at)
    assert quick.problems == slow.problems
    assert (quick.title, quick.count) == (slow.title, slow.count)


def _is_regular(data: bytes) -> bool:
    return regular_document(data.decode(), LIMITS) is not None


def test_regular_candles_are_equal() -> None:
    data = _document(_rows())
    assert _is_regular(data)
    _equal(data)


def test_candles_without_spaces_and_members_after_them() -> None:
    more = {"count": 300, "source": "test"}
    document = {"symbol": "BTC-USD", "timeframe": "1m", "data": _rows(), **more}
    data = json.dumps(document, separators=(",", ":")).encode()
    assert _is_regular(data)
    _equal(data)


def test_numbers_stay_as_written() -> None:
    rows = json.dumps(_rows())
    digits = ("1.50", "100", "0.1000", "123456789.123456789", "-0.0", "99999999999999.999")
    data = b'{"symbol": "A", "timeframe": "1m", "data": ' + rows.encode() + b"}"
    for number, text in enumerate(digits):
        volume = f'"volume": {_rows()[number]["volume"]}}}'.encode()
        data = data.replace(volume, f'"volume": {text}}}'.encode())
    assert _is_regular(data)
    _equal(data)


@pytest.mark.parametrize("seed", range(10))
def test_random_numbers_become_the_nearest_doubles(seed: int) -> None:
    chance = random.Random(seed)
    rows = _rows(200)
    texts = [
        f"{chance.choice(('', '-'))}{chance.randrange(10 ** chance.randrange(1, 9))}"
        f"{'.' + ''.join(chance.choices('0123456789', k=chance.randrange(1, 9))) if chance.random() < 0.8 else ''}"
        for _ in rows
    ]
    data = _document([{**row, "volume": f"@{at}@"} for at, row in enumerate(rows)])
    for at, text in enumerate(texts):
        data = data.replace(f'"@{at}@"'.encode(), text.encode())
    assert _is_regular(data)
    _equal(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("volume", None),
        ("volume", "1.5"),
        ("open", 1e300),
        ("open", "n/a"),
        ("timestamp", "2024-02-30T00:00:00Z"),
        ("timestamp", "2024-02-27T24:00:00Z"),
        ("timestamp", "0000-02-27T00:00:00Z"),
        ("timestamp", 'a"b'),
        ("timestamp", "a{b"),
        ("high", True),
        ("high", {"price": 1}),
        ("extra", 1),
        ("timestamp", "2024-02-27T00:00:00Z" + " " * 80),
    ],
)
def test_an_unusual_row_is_left_to_the_other_reader(name: str, value: Any) -> None:
    rows = _rows()
    rows[150] = {**rows[150], name: value}
    data = _document(rows)
    assert not _is_regular(data)
    _equal(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"open": 110.0', '"open": 0110.0'),
        ('"open": 110.0', '"open": 110.'),
        ('"open": 110.0', '"open": .5'),
        ('"open": 110.0', '"open": 1-10.0'),
        ('"open": 110.0', '"open": 1.1.0'),
        ('"open": 110.0', '"open": -'),
        ('"open": 110.0', '"open":  110.0'),
        ('"open": 110.0', '"0pen": 110.0'),
        ('"open": 110.0', '"open"; 110.0'),
        ('}, {"timestamp": "2024-02-27T00:40:00Z"', '};, {"timestamp": "2024-02-27T00:40:00Z"'),
        ('}, {"timestamp": "2024-02-27T00:40:00Z"', '},, {"timestamp": "2024-02-27T00:40:00Z"'),
    ],
)
def test_what_is_not_json_is_left_to_the_other_reader(old: str, new: str) -> None:
    data = _document(_rows())
    assert old.encode() in data
    damaged = data.replace(old.encode(), new.encode(), 1)
    assert not _is_regular(damaged)
    quick, slow = (_read(damaged, first_only=each) for each in (True, False))
    assert quick.problems == slow.problems
    assert list(quick.representations[0].candles) == list(slow.representations[0].candles)  # type: ignore[union-attr]  # both are candles


def test_epoch_times_are_equal() -> None:
    rows = [{**row, "timestamp": 1_704_067_200 + 60 * at} for at, row in enumerate(_rows())]
    _equal(_document(rows))


def test_texts_of_digits_are_equal() -> None:
    rows = [{**row, "timestamp": str(1_704_067_200 + 60 * at)} for at, row in enumerate(_rows())]
    _equal(_document(rows))


def test_times_with_a_zone_are_equal() -> None:
    rows = _rows()
    for row in rows:
        row["timestamp"] = row["timestamp"].replace("Z", "+02:00")
    data = _document(rows)
    assert _is_regular(data)
    _equal(data)


def test_candles_without_volume_and_with_other_members_are_equal() -> None:
    rows = [{**row, "trades": 5, "note": "a:b,c"} for row in _rows()]
    for row in rows:
        del row["volume"]
    data = _document(rows)
    assert _is_regular(data)
    _equal(data)


def test_repeats_disorder_and_gaps_are_the_same_findings() -> None:
    rows = _rows()
    rows[10], rows[20] = rows[20], rows[10]
    rows[30] = rows[29]
    del rows[50:60]
    data = _document(rows)
    assert _is_regular(data)
    _equal(data)


def test_a_cut_file_is_left_to_the_other_reader() -> None:
    data = _document(_rows())[:-100]
    assert not _is_regular(data)
    _equal(data)
