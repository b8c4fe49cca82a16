"""Conversion of one object's bytes to columns of its rows, with all numbers as they are written."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.aws.limits import MIB
from core.layout.forms import form_of
from core.preview.candle_rows import FIELDS, TIME, ColumnOrder, column_order
from core.preview.numbers import number_text
from core.preview.orders import PRICE, QUANTITY, sides_of
from core.preview.portfolio import SYMBOLS
from core.preview.problems import Findings
from core.preview.trades import has_letters_of_streams
from core.units import format_size

#: Bytes of one unpacked document. A larger one is no file of rows that are written by the hour.
MOST_BYTES = 256 * MIB
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: zlib's window for data with the header of gzip.
GZIP_WINDOW = 31
MOST_WINDOW = 128 * MIB
#: Bytes of Zstandard that are unpacked at once: they become 128 MiB at most.
ZSTANDARD_STEP = 4096
_TOO_LARGE = f"It has more than {format_size(MOST_BYTES)} when it is unpacked."
#: The time of a row that is not a candle; a candle may have it in `TIME`, where `id` is one, too.
_ROW_TIME = (*(name for name in TIME if name != "id"), "created_at")

Column = list[Any]


class UnreadableError(ValueError):
    """The bytes are not the document that the key announces; the text is a sentence that states why."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one form: the names of their columns, and the values of each as JSON has them.

    `rows` are their numbers in the object. `are_fields` means that the values are fields of CSV,
    which may be numbers although they are texts.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: Sequence[int]
    are_fields: bool = False


@dataclass(slots=True)
class Read:
    """The rows of one object; `refused` is the number of rows that are not rows of the kind."""

    blocks: list[Block] = field(default_factory=list)
    refused: int = 0


def read_rows(kind_id: str, data: bytes, moment: str) -> Read:
    """Return the rows of an object.

    Args:
        kind_id: the kind of the object.
        data: its unpacked bytes.
        moment: the time in its key (ISO 8601), for documents without a time.

    Raises:
        UnreadableError: it is not the document that its kind announces.
    """
    document = parsed_json(data)
    form = form_of(kind_id)
    payload = document
    if isinstance(document, dict) and form.payload in document:
        payload = document[form.payload]
        moment = _text(document.get("timestamp")) or moment
    elif isinstance(document, dict) and form.shape == "list":
        message = f"It has no member “{form.payload}”."
        raise UnreadableError(message)
    return _READERS[kind_id](payload, moment)


def is_packed(data: bytes) -> bool:
    """Return whether an object begins as gzip or Zstandard."""
    return data.startswith((GZIP, ZSTANDARD))


def unpacked(data: bytes) -> bytes:
    """Return the bytes of an object, unpacked if they are gzip or Zstandard, also of several parts.

    Raises:
        UnreadableError: the compression is damaged, or the content is too large.
    """
    if data.startswith(ZSTANDARD):
        return _unpacked_zstandard(data)
    if not data.startswith(GZIP):
        return data
    out: list[bytes] = []
    left = MOST_BYTES
    while data:
        unpacker = zlib.decompressobj(GZIP_WINDOW)
        try:
            out.append(unpacker.decompress(data, left))
        except zlib.error as error:
            message = "Its compression is damaged."
            raise UnreadableError(message) from error
        left -= len(out[-1])
        if unpacker.unconsumed_tail or left <= 0:
            raise UnreadableError(_TOO_LARGE)
        if not unpacker.eof:
            message = "Its compressed data ends early."
            raise UnreadableError(message)
        data = unpacker.unused_data
    return b"".join(out)


def _unpacked_zstandard(data: bytes) -> bytes:
    import zstandard

    out: list[bytes] = []
    left = MOST_BYTES
    while data:
        unpacker = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj()
        try:
            for start in range(0, len(data), ZSTANDARD_STEP):
                out.append(unpacker.decompress(data[start : start + ZSTANDARD_STEP]))
                left -= len(out[-1])
                if left <= 0:
                    raise UnreadableError(_TOO_LARGE)
                if unpacker.eof:
                    break
        except zstandard.ZstdError:
            message = "Its compression is damaged."
            raise UnreadableError(message) from None
        if not unpacker.eof:
            message = "Its compressed data ends early."
            raise UnreadableError(message)
        data = unpacker.unused_data + data[start + ZSTANDARD_STEP :]
    return b"".join(out)


def parsed_json(data: bytes) -> Any:
    """Return a JSON document with its numbers as they are written.

    Raises:
        UnreadableError: it is empty, not JSON, or has two members of the same name.
    """
    import jiter

    if not data.strip():
        message = "It is empty."
        raise UnreadableError(message)
    try:
        return jiter.from_json(
            data.removeprefix(BYTE_ORDER_MARK),
            cache_mode="keys",
            # The last of two equal names would silently win.
            catch_duplicate_keys=True,
            float_mode="lossless-float",
        )
    except ValueError as error:
        message = f"It is not valid JSON: {str(error)[:200]}."
        raise UnreadableError(message) from None


def reader_of_parts(kind_id: str) -> Callable[[list[Any]], Read]:
    """Return the function that reads the rows of a long list in parts.

    The first part shows the order of the columns of candles, as in a document that is read at once.
    """
    if kind_id != "ohlcv":
        return lambda rows: _READERS[kind_id](rows, "")
    found: list[ColumnOrder] = []

    def read(rows: list[Any]) -> Read:
        if not found:
            found.append(column_order(rows, Findings()))
        return _candles(rows, "", found[0])

    return read


def _candles(payload: Any, _moment: str, order: ColumnOrder | None = None) -> Read:
    rows = _list(payload)
    lists = [row for row in rows if isinstance(row, list)]
    if not lists:
        return blocks_of_records(rows, _candle_names)
    places = (0, *(order or column_order(rows, Findings())).places)
    names = ("timestamp", *(name for name, _ in FIELDS))
    named = [
        dict(zip(names, (row[at] if at < len(row) else None for at in places), strict=True))
        if isinstance(row, list) and len(row) > max(places[:-1])
        else row
        for row in rows
    ]
    return blocks_of_records(named, _candle_names)


def _candle_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the contract for the members of a candle, in their order."""
    found = _renamed(names, TIME, "timestamp")
    for name, others in FIELDS:
        found = _renamed(found, others, name)
    return found


def _trade_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if has_letters_of_streams(names):
        names = tuple({"t": "id", "T": "timestamp"}.get(name, name) for name in names)
    return _renamed(names, _ROW_TIME, "timestamp")


def _renamed(names: tuple[str, ...], spellings: Sequence[str], name: str) -> tuple[str, ...]:
    """Replace the first of some spellings that is a name, if possible in the same case."""
    lowered = {each.lower(): each for each in reversed(names)} | {each: each for each in names}
    found = next((lowered[each] for each in spellings if each in lowered), None)
    return tuple(
        # DuckDB ignores the case of names: a second one would make the table impossible.
        name if each == found else f"{each}_2" if found and each.lower() == name else each
        for each in names
    )


def _trades(payload: Any, _moment: str) -> Read:
    return blocks_of_records(_list(payload), _trade_names)


def _book(payload: Any, moment: str) -> Read:
    """Return the levels of an order book, in the order of the document."""
    sides = sides_of(payload)
    if sides is None:
        message = "It has neither bids nor asks."
        raise UnreadableError(message)
    rows: list[dict[str, Any]] = []
    refused = 0
    for side, levels in zip(("bid", "ask"), sides, strict=True):
        for number, level in enumerate(levels or [], 1):
            values = _level(level)
            if values is None:
                refused += 1
                continue
            price, quantity = values
            rows.append(
                {"timestamp": moment, "side": side, "level": number, "price": price,
                 "quantity": quantity}
            )  # fmt: skip
    read = blocks_of_records(rows, _unchanged)
    read.refused += refused
    return read


def _level(level: Any) -> tuple[Any, Any] | None:
    """Return price and quantity of a level, a list or an object; None if it is neither."""
    if isinstance(level, list) and len(level) >= 2:
        return level[0], level[1]
    if isinstance(level, dict):
        lowered = {name.lower(): value for name, value in level.items()}
        found = [
            next((lowered[name] for name in names if name in lowered), None)
            for names in (PRICE, QUANTITY)
        ]
        return (found[0], found[1]) if None not in found else None
    return None


def _holdings(payload: Any, moment: str) -> Read:
    """Return the assets of a portfolio, each with the portfolio's other values.

    They are a list, or an object by their symbols.
    """
    if not isinstance(payload, dict):
        message = "The portfolio is not an object."
        raise UnreadableError(message)
    others = {name: value for name, value in payload.items() if name != "assets"}
    head = {"timestamp": moment, **others}
    assets = payload.get("assets") or [{}]
    if isinstance(assets, dict):
        assets = [_asset(symbol, asset) for symbol, asset in assets.items()]
    if not isinstance(assets, list):
        message = "Its assets are neither a list nor an object."
        raise UnreadableError(message)
    # A member of both is the asset's.
    return blocks_of_records(
        [{**head, **asset} if isinstance(asset, dict) else asset for asset in assets], _unchanged
    )


def _asset(symbol: str, asset: Any) -> dict[str, Any]:
    """Return an asset of an object of assets by their symbols, of which some are only quantities."""
    members = asset if isinstance(asset, dict) else {"quantity": asset}
    named = any(name.lower() in SYMBOLS for name in members)
    return dict(members) if named else {"symbol": symbol, **members}


def _report(payload: Any, moment: str) -> Read:
    members = payload if isinstance(payload, dict) else {"analysis": payload}
    return blocks_of_records([{"timestamp": moment, **members}], _unchanged)


def _unchanged(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


_READERS: dict[str, Callable[[Any, str], Read]] = {
    "ohlcv": _candles,
    "trades": _trades,
    "user_trades": _trades,
    "orderbook": _book,
    "portfolio": _holdings,
    "analytics": _report,
}


def _list(payload: Any) -> list[Any]:
    if not isinstance(payload, list):
        message = "Its rows are not a list."
        raise UnreadableError(message)
    return payload


def blocks_of_records(
    rows: Sequence[Any],
    named: Callable[[tuple[str, ...]], tuple[str, ...]] = _unchanged,
    first: int = 0,
) -> Read:
    """Divide objects into blocks of equal members; other values are refused.

    Args:
        rows: the values.
        named: returns the names of the columns for the names of members.
        first: the number of the first row.
    """
    forms: dict[tuple[str, ...], list[int]] = {}
    refused = 0
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            forms.setdefault(tuple(row), []).append(number)
        else:
            refused += 1
    blocks = []
    for names, numbers in forms.items():
        if not names:
            refused += len(numbers)
            continue
        values = zip(*(rows[number].values() for number in numbers), strict=True)
        placed = [first + number for number in numbers] if first else numbers
        blocks.append(Block(named(names), tuple(map(list, values)), placed))
    return Read(blocks, refused)


def _text(value: Any) -> str:
    """Return a text or number as text; empty for anything else."""
    return value if isinstance(value, str) else number_text(value) or ""
