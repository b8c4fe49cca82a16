"""Order books and trades: levels in order, a crossed book, repeats and bad amounts told."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.preview.exact import decimal_of, first_of, moment_of
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.values import Book, Level, Table

_QUANTITY = ("quantity", "qty", "size", "amount", "q")
_PRICE = ("price", "p", "rate")
_TIME = ("timestamp", "time", "t", "date")


def read_book(
    sides: dict[str, Any], symbol: str, when: datetime | None, reading: Reading
) -> tuple[Book, Table]:
    """Return the order book, best prices first, and its levels as they stand in the file."""
    rows: list[tuple[str, str, str]] = []
    bids = _side(sides.get("bids"), "bid", rows, reading)
    asks = _side(sides.get("asks"), "ask", rows, reading)
    _ordered(bids, "bids", reading.findings, falling=True)
    _ordered(asks, "asks", reading.findings, falling=False)
    bids.sort(key=lambda level: level.price, reverse=True)
    asks.sort(key=lambda level: level.price)
    if bids and asks and bids[0].price >= asks[0].price:
        told = f"best bid {bids[0].price:,f} is not below best ask {asks[0].price:,f}"
        reading.findings.note(ProblemKind.CROSSED, told)
    book = Book(symbol, when, tuple(bids), tuple(asks))
    return book, Table(
        ("side", "price", "quantity"), tuple(rows), (False, True, True), signs="side"
    )


def _side(
    levels: Any, side: str, rows: list[tuple[str, str, str]], reading: Reading
) -> list[Level]:
    found = []
    for level in (levels if isinstance(levels, list) else [])[: reading.limits.rows // 2]:
        price, quantity = _pair(level)
        rows.append((side, str(price or "")[:60], str(quantity or "")[:60]))
        exact = _level(price, quantity, len(rows) - 1, reading.findings)
        if exact:
            found.append(exact)
    return found


def _pair(level: Any) -> tuple[Any, Any]:
    if isinstance(level, dict):
        return first_of(level, _PRICE), first_of(level, _QUANTITY)
    if isinstance(level, list) and len(level) >= 2:
        return level[0], level[1]
    return None, None


def _level(price: Any, quantity: Any, row: int, findings: Findings) -> Level | None:
    exact_price, exact_quantity = decimal_of(price), decimal_of(quantity)
    if exact_price is None or exact_quantity is None:
        findings.note(
            ProblemKind.BAD_NUMBER, f"level {row + 1:,} has no readable price and quantity", row=row
        )
        return None
    if exact_quantity < 0 or exact_price <= 0:
        findings.note(ProblemKind.NEGATIVE, f"level {row + 1:,}: {quantity} at {price}", row=row)
        return None
    return Level(exact_price, exact_quantity)


def _ordered(levels: Sequence[Level], side: str, findings: Findings, *, falling: bool) -> None:
    pairs = itertools.pairwise(levels)
    if any((a.price < b.price) if falling else (a.price > b.price) for a, b in pairs):
        findings.note(ProblemKind.OUT_OF_ORDER, f"{side} are not in order of price: sorted here")


def check_trades(trades: Sequence[Any], reading: Reading) -> None:
    """Tell repeated ids, times in disorder, and prices or quantities that cannot be."""
    seen: set[str] = set()
    latest: datetime | None = None
    for row, trade in enumerate(trades[: reading.limits.rows]):
        if not isinstance(trade, dict):
            reading.findings.note(ProblemKind.BAD_ROW, f"row {row + 1:,} is no trade", row=row)
            continue
        _check_amounts(trade, row, reading.findings)
        _check_id(trade, row, seen, reading.findings)
        when = moment_of(first_of(trade, _TIME))
        if when and latest and when < latest:
            told = f"trade {row + 1:,} is earlier than the one before it"
            reading.findings.add(Problem(ProblemKind.OUT_OF_ORDER, told, row=row, start=when))
        latest = when or latest


def _check_amounts(trade: dict[str, Any], row: int, findings: Findings) -> None:
    for name, names in (("price", _PRICE), ("quantity", _QUANTITY)):
        value = first_of(trade, names)
        exact = decimal_of(value)
        if value is not None and exact is None:
            told = f"trade {row + 1:,}: {name} “{str(value)[:40]}” is no number"
            findings.note(ProblemKind.BAD_NUMBER, told, row=row)
        elif exact is not None and exact < 0:
            findings.note(ProblemKind.NEGATIVE, f"trade {row + 1:,}: {name} {value}", row=row)


def _check_id(trade: dict[str, Any], row: int, seen: set[str], findings: Findings) -> None:
    number = first_of(trade, ("id", "trade_id", "tid"))
    if not isinstance(number, str):
        return
    if number in seen:
        told = f"trade id {number[:40]} appears again in row {row + 1:,}"
        findings.note(ProblemKind.DUPLICATE, told, row=row)
    seen.add(number)
