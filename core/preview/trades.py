"""Checks of trades: order, repeated ids and impossible amounts.

The conventions are those of `resources/docs/market-data-conventions.md`: equal times are normal,
newest first is usual, and an exchange without sides marks sells by a negative amount.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from core.preview.exact import decimal_of, first_of, moment_of
from core.preview.numbers import exact_copy, text_of
from core.preview.orders import PRICE, QUANTITY
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.row_order import NEWEST_FIRST, is_newest_first, time_text
from core.preview.series import micros_of
from core.preview.values import Trades

_TIME = ("timestamp", "time", "t", "ts", "date", "datetime", "created_at")
#: The names of the ids of trades; an object may have another one than the next.
IDS = ("id", "trade_id", "tradeid", "tid")
_SEPARATOR = re.compile("[^A-Za-z0-9]")
#: The names under which trades have their symbols.
MARKET = ("symbol", "s", "pair", "market")
_SIDE = ("side", "taker_side", "takerside", "type", "direction")
#: The name of the mark that the buyer was the maker, in Binance's REST answers and streams.
_MAKER = ("isbuyermaker", "is_buyer_maker", "m")
_SIDES = {"buy": 1, "b": 1, "bid": 1, "long": 1, "sell": -1, "s": -1, "ask": -1, "short": -1}


def has_letters_of_streams(names: Collection[str]) -> bool:
    """Return whether the members of a trade are those of Binance's streams: `t` is its id, `T` its time."""
    return "t" in names and "T" in names


def _time_of(trade: Mapping[str, Any]) -> Any:
    return trade["T"] if has_letters_of_streams(trade) else first_of(trade, _TIME)


def check_trades(trades: Sequence[Any], reading: Reading) -> None:
    """Report repeated ids, unordered times, and impossible prices or quantities."""
    findings = reading.findings
    signed = _sells_are_negative(trades)
    if signed:
        findings.note(ProblemKind.NOTE, "negative amounts mark sells, as there are no sides")
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    times: list[tuple[datetime, int]] = []
    if len(trades) > reading.limits.rows:
        finding = f"only the first {reading.limits.rows:,} of {len(trades):,} trades are checked"
        findings.note(ProblemKind.LIMIT, finding)
    for row, trade in enumerate(trades[: reading.limits.rows]):
        if not isinstance(trade, dict):
            findings.note(ProblemKind.BAD_ROW, f"row {row + 1:,} is not a trade", row=row)
            continue
        _check_amounts(trade, row, findings, signed=signed)
        _check_id(trade, row, seen, findings)
        written = _time_of(trade)
        when = moment_of(written)
        if when is not None:
            times.append((when, row))
        elif written is not None:
            finding = f"trade {row + 1:,}: time “{str(written)[:40]}” is not readable"
            findings.note(ProblemKind.BAD_TIME, finding, row=row)
    _check_order(times, findings)


def drawn_trades(trades: Sequence[Any], symbol: str, reading: Reading) -> Trades | None:
    """Return the trades with a time, a price and a quantity for drawing; None without any.

    `check_trades` reports the others.
    """
    import numpy as np

    signed = _sells_are_negative(trades)
    deadline = reading.next_deadline()
    rows: list[_Drawn] = []
    for number, trade in enumerate(trades[: reading.limits.rows]):
        if number % 256 == 0 and deadline.passed:
            finding = f"only the first {number:,} of {len(trades):,} trades are drawn"
            reading.findings.note(ProblemKind.LIMIT, finding)
            break
        row = _drawn(trade, symbol, signed=signed) if isinstance(trade, dict) else None
        rows += [row] if row is not None else []
    if not rows:
        return None
    rows.sort(key=lambda row: row.time)
    floats = np.array([[float(row.price) for row in rows], [float(row.quantity) for row in rows]])
    sides = np.array([row.side for row in rows])
    written = [(f"{row.price:f}", f"{row.quantity:f}") for row in rows]
    times = np.array([row.time for row in rows], np.int64)
    ids = np.array([row.id for row in rows], np.int64)
    return Trades(symbol, times, floats, sides < 0, sides == 0, written, ids)


class _Drawn(NamedTuple):
    """Time in microseconds, price, quantity, -1 for a sell, 1 for a buy, 0 without a side, and id."""

    time: int
    price: Decimal
    quantity: Decimal
    side: int
    id: int


def _drawn(trade: dict[str, Any], symbol: str, *, signed: bool) -> _Drawn | None:
    """Return what is drawn of a trade, or None if it has no time, price or quantity.

    Args:
        trade: the trade.
        symbol: that of all trades of the object, which need not name it themselves.
        signed: whether negative amounts are sells.
    """
    when = moment_of(_time_of(trade))
    price, quantity = (decimal_of(first_of(trade, names)) for names in (PRICE, QUANTITY))
    if when is None or price is None or quantity is None or (quantity < 0 and not signed):
        return None
    written = first_of(trade, _SIDE)
    side = _SIDES.get(str(written).lower()[:5], 0)
    if written is None and isinstance(maker := first_of(trade, _MAKER), bool):
        # Binance: if the buyer had the resting order, the trade was a sell of the taker.
        side = -1 if maker else 1
    if signed:
        side = -1 if quantity < 0 else 1
    return _Drawn(micros_of(when), price, abs(quantity), side, _id_number(trade, symbol))


def _id_number(trade: Mapping[str, Any], symbol: str) -> int:
    """Return a number for the id of a trade, 0 without one; different ids have different numbers."""
    key = _key_of(trade, symbol)
    if key is None:
        return 0
    # 64 bits: of a million ids, two have the same number with a probability of 10^-7.
    digest = hashlib.blake2b("\0".join(key).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True) or 1


def _key_of(trade: Mapping[str, Any], symbol: str = "") -> tuple[str, str] | None:
    """Return the id and the symbol of a trade, None without an id; ids are unique for a symbol.

    Objects may write a symbol with different separators: `BTC-USD`, `BTC/USD` or `BTCUSD`.
    """
    number = text_of(trade["t"] if has_letters_of_streams(trade) else first_of(trade, IDS))
    market = text_of(first_of(trade, MARKET)) or symbol
    return None if number is None else (number, _SEPARATOR.sub("", market).upper())


def _sells_are_negative(trades: Sequence[Any]) -> bool:
    """Return whether trades without a side have amounts of both signs, as Bitfinex writes them."""
    records = [trade for trade in trades[:1000] if isinstance(trade, dict)]
    if any(first_of(trade, _SIDE) is not None for trade in records):
        return False
    amounts = [decimal_of(first_of(trade, QUANTITY)) for trade in records]
    # Amounts of 0 have no sign.
    signs = {amount > 0 for amount in amounts if amount}
    return len(signs) == 2


def _check_order(times: list[tuple[datetime, int]], findings: Findings) -> None:
    falling = is_newest_first([when for when, _ in times])
    if falling:
        findings.note(ProblemKind.NOTE, NEWEST_FIRST)
    for (before, _), (after, row) in itertools.pairwise(times):
        if (after > before) if falling else (after < before):
            finding = (
                f"trade {row + 1:,} ({time_text(after)}) is later than the one before it"
                if falling
                else f"trade {row + 1:,} ({time_text(after)}) is earlier than the one before it"
            )
            findings.add(Problem(ProblemKind.OUT_OF_ORDER, finding, row=row, start=after))


def _check_amounts(trade: dict[str, Any], row: int, findings: Findings, *, signed: bool) -> None:
    for name, names in (("price", PRICE), ("quantity", QUANTITY)):
        value = first_of(trade, names)
        exact = decimal_of(value)
        if value is not None and exact is None:
            finding = f"trade {row + 1:,}: {name} “{str(value)[:40]}” is not a number"
            findings.note(ProblemKind.BAD_NUMBER, finding, row=row)
        elif exact is not None and exact < 0 and not (signed and name == "quantity"):
            finding = f"trade {row + 1:,}: {name} {value} is negative"
            findings.note(ProblemKind.NEGATIVE, finding, row=row)


def _check_id(
    trade: dict[str, Any],
    row: int,
    seen: dict[tuple[str, str], dict[str, Any]],
    findings: Findings,
) -> None:
    """Report a repeated id."""
    key = _key_of(trade)
    if key is None:
        return
    earlier = seen.setdefault(key, trade)
    if earlier is not trade:
        finding = f"trade id {key[0][:40]} appears again in row {row + 1:,}"
        # Compared as written: `1.0` and `1.00` are different values here.
        finding += "" if exact_copy(earlier) == exact_copy(trade) else " with other values"
        findings.note(ProblemKind.DUPLICATE, finding, row=row)
