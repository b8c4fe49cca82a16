"""Pictures of every kind of preview; `python -m helpers.preview_pictures DIR THEME WxH`."""

from __future__ import annotations

import json
import math
import os
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from helpers.mutations import parquet, picture
from PySide6.QtWidgets import QApplication, QWidget

from core.preview import Preview, join_previews, preview
from gui import theme
from gui.views.preview_view import PreviewView

_START = datetime(2024, 1, 15, tzinfo=UTC)


def _candles(symbol: str, count: int, *, seed: int = 1, damaged: bool = False) -> Preview:
    chance, price, rows = random.Random(seed), 42_000.0, []
    for hour in range(count):
        if hour % 50 in (30, 31, 32):
            continue
        first, price = price, price + chance.gauss(0, 120)
        when = (_START + timedelta(hours=hour)).isoformat()
        high, low = (
            max(first, price) + chance.random() * 90,
            min(first, price) - chance.random() * 90,
        )
        if damaged and hour % 40 == 7:
            high, low = low, high
        values = [f"{value:.2f}" for value in (first, high, low, price)]
        names = ("open", "high", "low", "close")
        row = {"timestamp": when, **dict(zip(names, values, strict=True))}
        rows.append({**row, "volume": round(chance.random() * 40, 3)})
    body = {"symbol": symbol, "timeframe": "1h", "data": rows}
    data = json.dumps(body, indent=1).encode()
    return preview(data[:-900] if damaged else data, f"market-data/ohlcv/{symbol}/1h/x.json")


def _book(minute: int) -> Preview:
    middle, chance = 42_000 + 60 * math.sin(minute / 9), random.Random(minute)
    sides = {
        name: [
            [f"{middle + sign * (n + 1) * 2.5:.2f}", f"{chance.random() * (1 + n / 8):.4f}"]
            for n in range(40)
        ]
        for name, sign in (("bids", -1), ("asks", 1))
    }
    when = (_START + timedelta(minutes=minute)).isoformat()
    body = {"symbol": "BTC-USD", "timestamp": when, "orderbook": sides}
    return preview(json.dumps(body).encode(), f"market-data/orderbook/BTC-USD/{minute}.json")


def _trades() -> Preview:
    chance, found = random.Random(3), []
    for n in range(400):
        when = (_START + timedelta(seconds=n * 7 + chance.random() * 5)).isoformat()
        side = chance.choice(("buy", "sell"))
        price, size = f"{42_000 + 50 * math.sin(n / 40):.2f}", f"{chance.random() * 2:.5f}"
        found.append({"id": n, "timestamp": when, "side": side, "price": price, "quantity": size})
    body = {"symbol": "BTC-USD", "timestamp": _START.isoformat(), "trades": found}
    return preview(json.dumps(body).encode(), "market-data/trades/BTC-USD/x.json")


def _holdings() -> Preview:
    names = ("BTC", "ETH", "SOL", "ADA", "DOGE", "XRP", "USDT", "LINK")
    assets = {
        name: {"amount": f"{9.5 / (n + 1):.4f}", "value": f"{61_000 / (n + 1) ** 1.7:.2f}"}
        for n, name in enumerate(names)
    }
    portfolio = {"total_value_usd": "93000.00", "assets": assets}
    body = {"user_id": "u-7", "timestamp": _START.isoformat(), "portfolio": portfolio}
    return preview(json.dumps(body).encode(), "user-data/u-7/portfolio/2024/01/15/x.json")


def _rows(count: int) -> list[dict[str, object]]:
    return [
        {"id": n, "name": f"name {n}", "price": round(n / 7, 4), "active": n % 3 == 0,
         "tags": ["a", None], "when": (_START + timedelta(hours=n)).isoformat()}
        for n in range(count)
    ]  # fmt: skip


def _log() -> bytes:
    levels = ("INFO", "DEBUG", "WARNING", "ERROR")
    lines = (
        f"2024-01-15 10:{n % 60:02}:00,123 {levels[n * n % 7 % 4]:8} ingest.worker-{n % 5} "
        f"wrote {n * 31} rows to market-data/ohlcv/BTC-USD/1m in {n % 9 * 13} ms"
        for n in range(300)
    )
    return "\n".join(lines).encode()


@cache
def previews() -> tuple[tuple[str, Preview], ...]:
    """Return each kind of preview with a name."""
    return tuple(_made())


def _made() -> Iterator[tuple[str, Preview]]:
    yield "candles", _candles("BTC-USD", 150)
    joined = [
        _candles(name, 150, seed=n) for n, name in enumerate(("BTC-USD", "ETH-USD", "SOL-USD"))
    ]
    yield "compare", _known(join_previews(joined))
    yield "book", _book(0)
    yield "history", _known(join_previews([_book(minute) for minute in range(120)]))
    yield "trades", _trades()
    yield "holdings", _holdings()
    yield "json", preview(json.dumps({"name": "t", "records": _rows(200)}).encode(), "rows.json")
    settings = {"exchange": "kraken", "retry": {"count": 3, "wait": 0.25}, "symbols": ["BTC", "ETH"],
                "note": None, "live": True, "unicode": "Grüße 世界", "long": "x" * 300}  # fmt: skip
    yield "settings", preview(json.dumps(settings).encode(), "config/settings.json")
    lines = "\n".join(map(json.dumps, _rows(200)))
    yield "ndjson", preview(lines.encode(), "rows.ndjson")
    cells = "id,name,value\n" + "".join(f'{n},"name, {n}",{n / 7:.5f}\n' for n in range(200))
    yield "csv", preview(cells.encode(), "rows.csv")
    yield "parquet", preview(parquet(), "rows.parquet")
    yield "log", preview(_log(), "logs/app/2024/01/15/app.log")
    yield "text", preview(b"# Notes\n\nPlain text of a person.\n" * 9, "notes.md")
    yield "picture", preview(picture("PNG"), "chart.png")
    yield "bytes", preview(bytes(range(256)) * 40, "model.bin")
    yield "damaged", _candles("BTC-USD", 150, damaged=True)
    yield "empty", preview(b"", "empty.json")


def _known(joined: Preview | None) -> Preview:
    assert joined is not None
    return joined


def pictures(view: PreviewView) -> Iterator[tuple[str, QWidget]]:
    """Show every representation of every kind of preview; yield the name of each."""
    for name, seen in previews():
        for representation in seen.representations:
            view.show_preview(seen)
            view.switch.select(representation.label)
            yield f"{name}-{representation.label.lower()}", view


def main(folder: Path, mode: str, size: tuple[int, int]) -> None:
    """Save a picture of each representation."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    theme.apply(app, mode)  # type: ignore[arg-type]  # one of its names
    view = PreviewView()
    view.resize(*size)
    view.show()
    folder.mkdir(parents=True, exist_ok=True)
    for name, shown in pictures(view):
        app.processEvents()
        shown.grab().save(str(folder / f"{name}-{mode}.png"))


if __name__ == "__main__":
    wide, high = sys.argv[3].split("x")
    main(Path(sys.argv[1]), sys.argv[2], (int(wide), int(high)))
