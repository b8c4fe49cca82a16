"""OHLCV files: the last 64 candles at each hour, four hours and day, in new and old forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from core.demo.data.sample import (
    START,
    SYMBOLS,
    Sample,
    iso,
    micro,
    naive,
    offset,
    written,
)
from core.demo.data.series import HOURS, WINDOW, Candle, candles

#: A file that was only written in part.
CORRUPT_KEY = "market-data/ohlcv/SOL-USD/1h/2024/02/11/2024-02-11T05:00:00Z.json"


@dataclass(frozen=True, slots=True)
class Form:
    """How one stream's files are written: times, numbers, and the enclosing document."""

    key_time: Callable[[datetime], str] = iso
    inner_time: Callable[[int], str] = lambda epoch: f'"{iso(datetime.fromtimestamp(epoch, UTC))}"'
    quoted: bool = False
    bare: bool = False


_MODERN = Form()
#: Streams in the formats of earlier software.
_OLD = {
    ("ETH-USD", "1h"): Form(key_time=naive),
    ("ETH-USD", "4h"): Form(key_time=offset, quoted=True),
    ("SOL-USD", "1h"): Form(inner_time=str),
    ("SOL-USD", "4h"): Form(key_time=micro, inner_time=lambda epoch: f"{epoch}000"),
    ("SOL-USD", "1d"): Form(bare=True),
}


def ohlcv() -> Iterator[Sample]:
    """Yield the candle files of all symbols and timeframes."""
    for symbol in SYMBOLS:
        for timeframe in HOURS:
            yield from _stream(symbol, timeframe)


def _stream(symbol: str, timeframe: str) -> Iterator[Sample]:
    form = _OLD.get((symbol, timeframe), _MODERN)
    series = candles(symbol, timeframe)
    texts = [_text(each, form) for each in series]
    step = HOURS[timeframe] * 3600
    begin = int(START.timestamp())
    for end, last in enumerate(series, start=1):
        moment = datetime.fromtimestamp(last.epoch, UTC)
        if moment >= START and not _was_missed(symbol, timeframe, moment):
            number = (last.epoch - begin) // step
            entries = _with_problems(texts[end - WINDOW : end], last, form, number)
            yield _file(symbol, timeframe, moment, form, entries)


def _was_missed(symbol: str, timeframe: str, moment: datetime) -> bool:
    """Return whether the candles of an hour are missing: a day, a night, and single hours are."""
    if timeframe != "1h":
        return False
    if symbol == "SOL-USD":
        return (moment.month, moment.day) == (2, 3)
    if symbol == "ETH-USD":
        return (moment.month, moment.day) == (1, 20) and moment.hour < 7
    return (moment.day * 24 + moment.hour) % 239 == 17


def _with_problems(entries: list[str], last: Candle, form: Form, number: int) -> list[str]:
    """Return a file's candles, in a few files with a gap, a repetition or a wrong value."""
    # A gap of two candles, and one candle twice.
    if number % 48 == 10:
        return [*entries[:38], *entries[40:44], entries[43], *entries[44:]]
    # Two candles in the wrong order.
    if number % 211 == 100:
        return [*entries[:30], entries[31], entries[30], *entries[32:]]
    # High and low exchanged.
    if number % 307 == 150:
        turned = last._replace(high=last.low, low=last.high)
        return [*entries[:-1], _text(turned, form)]
    return entries


def _text(candle: Candle, form: Form) -> str:
    quote = '"' if form.quoted else ""
    values = zip(candle._fields[1:], candle[1:], strict=True)
    lines = ",\n".join(f'      "{name}": {quote}{value}{quote}' for name, value in values)
    return f'    {{\n      "timestamp": {form.inner_time(candle.epoch)},\n{lines}\n    }}'


def _file(symbol: str, timeframe: str, moment: datetime, form: Form, entries: list[str]) -> Sample:
    stamp = form.key_time(moment)
    listed = ",\n".join(entries)
    text = f"[\n{listed}\n]"
    if not form.bare:
        text = (
            f'{{\n  "symbol": "{symbol}",\n  "timeframe": "{timeframe}",\n'
            f'  "timestamp": "{stamp}",\n  "data": [\n{listed}\n  ]\n}}'
        )
    key = f"market-data/ohlcv/{symbol}/{timeframe}/{moment:%Y/%m/%d}/{stamp}.json"
    metadata = {
        "symbol": symbol,
        "timeframe": timeframe,
        "data_type": "ohlcv",
        "timestamp": stamp,
        "record_count": str(len(entries)),
    }
    body = text.encode()
    if key == CORRUPT_KEY:
        body = body[: len(body) * 3 // 5]
    return Sample(key, body, written(moment), metadata=metadata)
