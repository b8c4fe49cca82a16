"""Objects of every kind that the preview knows, for pictures and tests of the previews."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math
import random
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from core.units import iso_utc

#: The folder of the demo's bucket that has them.
ROOT = "previews/"
_START = datetime(2024, 1, 15, tzinfo=UTC)
_SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")

Files = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class PreviewSample:
    """Files that are shown as one preview.

    Attributes:
        name: the name of the sample, and of the folder of its files.
        files: their names and contents; several files are shown together.
        views: the labels of the representations to show; empty for the first one alone.
        statistics: whether the statistics of a column are shown, too.
    """

    name: str
    files: Files
    views: tuple[str, ...] = ()
    statistics: bool = False

    @property
    def joined(self) -> bool:
        """Whether the files are shown together."""
        return len(self.files) > 1

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the files."""
        return tuple(f"{ROOT}{self.name}/{name}" for name, _ in self.files)


@cache
def preview_samples() -> tuple[PreviewSample, ...]:
    """Return a sample of each kind of preview."""
    return (*_market(), *_tables(), *_documents(), *_archives(), *_hostile())


def _market() -> Iterator[PreviewSample]:
    yield PreviewSample("candles", (("x.json", candles()),), ("Chart", "Table", "JSON", "Text"))
    parts = tuple((f"{n}.json", candles(first=n * 60, count=60)) for n in range(5))
    yield PreviewSample("candles-joined", parts)
    several = tuple(
        (f"{symbol}.json", candles(symbol, seed=n)) for n, symbol in enumerate(_SYMBOLS)
    )
    yield PreviewSample("compared", several, ("Compare", "Charts"))
    yield PreviewSample("order-book", (("x.json", book(0)),), ("Depth", "Table"))
    books = tuple((f"{minute:03}.json", book(minute)) for minute in range(90))
    yield PreviewSample("order-books", books, ("Replay",))
    yield PreviewSample("trades", (("x.json", _trades()),), ("Tape", "Volume"))
    yield PreviewSample("holdings", (("x.json", _holdings()),))


def candles(
    symbol: str = "BTC-USD",
    *,
    first: int = 0,
    count: int = 150,
    seed: int = 1,
    damaged: bool = False,
) -> bytes:
    """Return hourly candles with gaps; damaged ones also have high below low, and are cut off."""
    chance, price, rows = _chance(seed + first), 42_000.0, []
    for hour in range(first, first + count):
        if hour % 50 in (30, 31, 32):
            continue
        begin, price = price, price + chance.gauss(0, 120)
        high = max(begin, price) + chance.random() * 90
        low = min(begin, price) - chance.random() * 90
        if damaged and hour % 40 == 7:
            high, low = low, high
        names = ("open", "high", "low", "close")
        values = [f"{value:.2f}" for value in (begin, high, low, price)]
        when = iso_utc(_START + timedelta(hours=hour))
        row = {"timestamp": when, **dict(zip(names, values, strict=True))}
        rows.append({**row, "volume": round(chance.random() * 40, 3)})
    data = _json({"symbol": symbol, "timeframe": "1h", "data": rows})
    return data[:-900] if damaged else data


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - numbers of samples


def book(minute: int) -> bytes:
    """Return the order book of a minute."""
    middle, chance = 42_000 + 60 * math.sin(minute / 9), _chance(minute)
    sides = {
        name: [
            [f"{middle + sign * (n + 1) * 2.5:.2f}", f"{chance.random() * (1 + n / 8):.4f}"]
            for n in range(40)
        ]
        for name, sign in (("bids", -1), ("asks", 1))
    }
    when = iso_utc(_START + timedelta(minutes=minute))
    return _json({"symbol": "BTC-USD", "timestamp": when, "orderbook": sides})


def _trades() -> bytes:
    chance, found = _chance(3), []
    for n in range(400):
        when = iso_utc(_START + timedelta(seconds=n * 7 + chance.random() * 5))
        side = chance.choice(("buy", "sell"))
        price, size = f"{42_000 + 50 * math.sin(n / 40):.2f}", f"{chance.random() * 2:.5f}"
        found.append({"id": n, "timestamp": when, "side": side, "price": price, "quantity": size})
    return _json({"symbol": "BTC-USD", "timestamp": iso_utc(_START), "trades": found})


def _holdings() -> bytes:
    names = ("BTC", "ETH", "SOL", "ADA", "DOGE", "XRP", "USDT", "LINK")
    assets = {
        name: {"amount": f"{9.5 / (n + 1):.4f}", "value": f"{61_000 / (n + 1) ** 1.7:.2f}"}
        for n, name in enumerate(names)
    }
    portfolio = {"total_value_usd": "93000.00", "assets": assets}
    return _json({"user_id": "u-7", "timestamp": iso_utc(_START), "portfolio": portfolio})


def _tables() -> Iterator[PreviewSample]:
    records = _json({"name": "t", "records": _rows(200)})
    yield PreviewSample("json-table", (("rows.json", records),), ("Table", "JSON"))
    lines = "\n".join(map(json.dumps, _rows(200))).encode()
    yield PreviewSample("ndjson", (("rows.ndjson", lines),), statistics=True)
    yield PreviewSample("csv", (("rows.csv", _csv()),), statistics=True)
    tabs = _csv().replace(b",", b"\t")
    yield PreviewSample("tsv", (("rows.tsv", tabs),), statistics=True)
    views = ("Table", "Columns", "Bytes")
    yield PreviewSample("parquet", (("rows.parquet", _parquet()),), views, statistics=True)


def _rows(count: int) -> list[dict[str, object]]:
    return [
        {"id": n, "name": f"name {n}", "price": round(n / 7, 4), "active": n % 3 == 0,
         "tags": ["a", None], "when": iso_utc(_START + timedelta(hours=n))}
        for n in range(count)
    ]  # fmt: skip


def _csv() -> bytes:
    rows = (f'{n},"name {n}",{n / 7:.5f},{n % 9}\n' for n in range(200))
    return ("id,name,value,part\n" + "".join(rows)).encode()


def _parquet() -> bytes:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="strongroom-") as folder:
        path = Path(folder, "made.parquet")
        select = "SELECT i AS id, (i / 7)::DECIMAL(38, 9) AS price, 'n' || i AS name, [i] AS list"
        duckdb.connect().execute(f"COPY ({select} FROM range(300) t(i)) TO '{path}'")
        return path.read_bytes()


def _documents() -> Iterator[PreviewSample]:
    settings = {"exchange": "kraken", "retry": {"count": 3, "wait": 0.25}, "symbols": ["BTC", "ETH"],
                "note": None, "live": True, "unicode": "Grüße 世界", "long": "x" * 300}  # fmt: skip
    yield PreviewSample("json-tree", (("settings.json", _json(settings)),), ("JSON", "Text"))
    yield PreviewSample("log", (("app.log", _log()),))
    notes = b"# Notes\n\nPlain text of a person.\n" * 9
    yield PreviewSample("text", (("notes.md", notes),))
    yield PreviewSample("image", (("chart.png", _png()),), ("Picture", "Bytes"))
    yield PreviewSample("bytes", (("model.bin", bytes(range(256)) * 40),))


def _log() -> bytes:
    levels = ("INFO", "DEBUG", "WARNING", "ERROR")
    lines = (
        f"2024-01-15 10:{n % 60:02}:00,123 {levels[n * n % 7 % 4]:8} ingest.worker-{n % 5} "
        f"wrote market-data/ohlcv/BTC-USD/1m rows={n * 31} ms={n % 9 * 13}"
        for n in range(300)
    )
    return "\n".join(lines).encode()


def _png(width: int = 320, height: int = 200) -> bytes:
    """Return a gradient (PNG specification, 5.3 and 11.2)."""
    lines = (
        b"\0" + bytes(byte for x in range(width) for byte in (x % 256, y % 256, 140))
        for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _archives() -> Iterator[PreviewSample]:
    import zstandard

    packers: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
        ("gz", gzip.compress), ("zst", zstandard.compress), ("bz2", bz2.compress),
        ("xz", lzma.compress),
    )  # fmt: skip
    for ending, pack in packers:
        yield PreviewSample(f"packed-{ending}", ((f"rows.csv.{ending}", pack(_csv())),))
    yield PreviewSample("zip", (("rows.zip", b"PK\x03\x04" + bytes(200)),))


def _hostile() -> Iterator[PreviewSample]:
    yield PreviewSample("damaged", (("x.json", candles(damaged=True)),))
    yield PreviewSample("bomb", (("zeros.json.gz", gzip.compress(bytes(64 << 20))),))
    yield PreviewSample("deep", (("deep.json", b"[" * 100_000),))
    odd = b'{"a": NaN, "a": 1, "big": ' + b"9" * 400 + b', "bad": "\xff\xfe"}'
    yield PreviewSample("odd", (("odd.json", odd),), ("JSON", "Text"))
    formulas = b"<b>name</b>,=1+1\n@SUM(A1),<img src=x>\n+1,-1\n"
    yield PreviewSample("formulas", (("formulas.csv", formulas),))
    quotes = b'a,b\n1,2\n"3,4\n' + b"7,8\n" * 2_000
    yield PreviewSample("unbalanced", (("quotes.csv", quotes),))
    yield PreviewSample("pickle", (("model.pkl", b"\x80\x04\x95abc."),))
    yield PreviewSample("parquet-cut", (("cut.parquet", _parquet()[:-100]),))
    yield PreviewSample(
        "escapes", (("red.log", b"10:00 ERROR \x1b[31mred\x1b[0m\x9b \x1b]0;t\x07end\n"),)
    )
    yield PreviewSample("empty", (("empty.json", b""),))


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()
