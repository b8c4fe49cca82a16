"""Mutated objects of every format that the previews know; `python -m helpers.mutations FIRST COUNT`.

It runs as a separate process: a crash of a native decoder is then a failed test, and its peak of
memory is that of the previews alone.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import resource
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import zstandard
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage

from core.preview import Picture, Preview, Table, join_previews, preview
from gui.views.picture_view import decoded

#: Seconds of work for one object, measured by the processor's time of the thread.
MOST_SECONDS = 1.0
#: Peak of resident memory over that of the process before the first object.
MOST_BYTES = 300 * 1024 * 1024
#: The problem of an object whose reader raised an error that it should not raise.
_LAST_RESORT = "this object cannot be read"
_PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
            "zst": zstandard.compress}  # fmt: skip
#: What has a meaning in one of the formats, and therefore does more damage than chance.
_TOKENS = (
    b"[", b"]", b"{", b"}", b'"', b",", b":", b"\n", b"\r", b"\t", b";", b"|", b"'", b"\\", b"\0",
    b"\x1b[31m", b"\x1b]0;", b"\x9b", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"NaN", b"-",
    b"1e999999999", b"9" * 5000, b"0" * 400, b"-Infinity", b"null", b"true", b'{"a":' * 300,
    b"[" * 3000, b"\\ud800", b"PAR1", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff", b"\x80", b"9999-12-31T23:59:60Z", b"0000-00-00", b"1e-400", b"\xe2\x80\xae",
)  # fmt: skip


class Seed(NamedTuple):
    """A valid object that mutations begin with."""

    key: str
    data: bytes


@cache
def seeds() -> tuple[Seed, ...]:
    """Return a valid object of every format."""
    market = "market-data"
    when = "2024/01/15/2024-01-15T10:00:00Z"
    names = ("timestamp", "open", "high", "low", "close", "volume")
    candles = [[1705312800000 + n * 60000, "42.5", "43.0", "42.0", "42.75", n] for n in range(60)]
    book = {"symbol": "BTC-USD", "timestamp": "2024-01-15T10:30:00Z",
            "bids": [[f"{42 - n / 10:.2f}", "1.5"] for n in range(40)],
            "asks": [[f"{43 + n / 10:.2f}", "0.5"] for n in range(40)]}  # fmt: skip
    trades = [{"id": n, "price": "42.5", "amount": "0.1", "side": "buy" if n % 2 else "sell",
               "timestamp": 1705312800000 + n} for n in range(60)]  # fmt: skip
    holdings = {"assets": {"BTC": {"amount": "1.5", "value": "60000"}, "ETH": {"amount": "2"}}}
    rows = [{"id": n, "name": f"name {n}", "value": n / 7, "tags": ["a", None]} for n in range(60)]
    lines = "\n".join(f"2024-01-15 10:{n:02} ERROR \x1b[31mno {n}\x1b[0m" for n in range(60))
    table = "id,name,value\n" + "".join(f'{n},"name, {n}",{n / 7}\n' for n in range(60))
    records = [dict(zip(names, row, strict=True)) for row in candles]
    listed = (
        ("rows.json", rows), ("rows.json", {"name": "t", "records": rows}),
        (f"{market}/ohlcv/BTC-USD/1m/{when}.json", candles),
        (f"{market}/ohlcv/BTC-USD/1m/{when}.json", {"candles": records}),
        (f"{market}/orderbook/BTC-USD/{when}.json", book),
        (f"{market}/trades/BTC-USD/{when}.json", trades),
        (f"user-data/u/portfolio/{when}.json", holdings),
    )  # fmt: skip
    objects = [Seed(key, json.dumps(value).encode()) for key, value in listed]
    objects += [
        Seed("rows.ndjson", "\n".join(map(json.dumps, rows)).encode()),
        Seed("rows.csv", table.encode()),
        Seed("rows.tsv", table.replace(",", "\t").encode("utf-16")),
        Seed("logs/app/2024/01/15/app.log", lines.encode()),
        Seed("rows.parquet", parquet()),
        Seed("picture.png", picture("PNG")),
        Seed("picture.jpg", picture("JPEG")),
        Seed("picture.bmp", picture("BMP")),
    ]
    return tuple(objects)


def parquet() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made.parquet")
        select = "SELECT i AS id, (i / 7)::DECIMAL(38, 9) AS price, 'n' || i AS name, [i] AS list"
        duckdb.connect().execute(f"COPY ({select} FROM range(300) t(i)) TO '{path}'")
        return path.read_bytes()


def picture(form: str) -> bytes:
    image = QImage(48, 32, QImage.Format.Format_RGB32)
    image.fill(0x336699)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, form)  # type: ignore[call-overload]  # the stubs want bytes, Qt takes str
    return data.data()


def mutated(number: int) -> Seed:
    """Return the mutated object of this number, always the same."""
    chance = random.Random(number)
    key, data = chance.choice(seeds())
    if chance.random() < 0.15:
        key = chance.choice(seeds()).key
    if chance.random() < 0.7:
        data = _damaged(data, chance)
    if chance.random() < 0.3:
        suffix = chance.choice(tuple(_PACKERS))
        key, data = f"{key}.{suffix}", _PACKERS[suffix](data)
        if chance.random() < 0.6:
            data = _damaged(data, chance)
    return Seed(key, data)


def _damaged(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        at, length = chance.randrange(len(damaged) + 1), chance.choice((1, 4, 40, 400))
        match chance.randrange(7):
            case 0:
                damaged[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                damaged[at:at] = chance.choice(_TOKENS)
            case 2:
                damaged[at : at + length] = chance.choice(_TOKENS)
            case 3:
                del damaged[at : at + length]
            case 4:
                damaged[at:at] = damaged[at : at + length] * chance.choice((1, 2, 50))
            case 5:
                damaged[at : at + length] = chance.randbytes(length)
            case _:
                damaged = damaged[:at] if chance.random() < 0.2 else damaged
    return bytes(damaged)


def check(number: int, former: Preview | None) -> Preview:
    """Preview one mutated object and read all that its view would; return the preview.

    Raises:
        AssertionError: it was not shown, or took too long.
    """
    key, data = mutated(number)
    total = len(data) * 3 if number % 11 == 0 else None
    began = time.thread_time()
    found = preview(data, key, total=total)
    took = time.thread_time() - began
    assert took < MOST_SECONDS, f"{took:.2f} s"
    assert found.representations
    assert _LAST_RESORT not in found.problem_texts
    for shown in found.representations:
        if isinstance(shown, Table):
            assert all(len(row) == len(shown.columns) for row in shown.rows[:500])
        if isinstance(shown, Picture):
            decoded(shown)
    if former is not None:
        join_previews([former, found])
    return found


def _resident_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(first: int, count: int) -> int:
    """Check mutated objects from number `first` on; print the number of each that fails."""
    for seed in seeds():  # the readers and their libraries are loaded before memory is measured
        preview(seed.data, seed.key)
    before, failed, former = _resident_peak(), 0, None
    for number in range(first, first + count):
        sys.stderr.write(f"\r{number}")  # the last one that is seen after a crash
        sys.stderr.flush()
        try:
            former = check(number, former)
        except Exception as error:  # noqa: BLE001 - each failure of any kind is counted
            failed += 1
            sys.stdout.write(f"{number} {mutated(number).key}: {type(error).__name__} {error}\n")
    grown = _resident_peak() - before
    sys.stdout.write(f"{count} mutated objects, {failed} failed, {grown >> 20} MB of memory\n")
    return 1 if failed or grown > MOST_BYTES else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
