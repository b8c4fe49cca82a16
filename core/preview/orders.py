"""Reading of order books: sorted levels, with irregularities as findings.

The conventions are those of `resources/docs/market-data-conventions.md`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.preview.cells import cell_text
from core.preview.exact import decimal_of, first_of
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.values import Book, Level, Table
from core.units import format_counted

QUANTITY = ("quantity", "qty", "size", "amount", "q")
PRICE = ("price", "p", "px", "rate")
#: The names of the two sides; Binance's streams write one letter.
SIDES = (("bids", "asks"), ("b", "a"))


def sides_of(root: Any) -> tuple[Any, Any] | None:
    """Return the bids and asks of a JSON object, or None if it is not an order book."""
    if not isinstance(root, dict):
        return None
    for bids, asks in SIDES:
        found = root.get(bids), root.get(asks)
        lists = [isinstance(side, list) for side in found]
        # One side is enough for the long names; single letters occur in other objects, too.
        if all(lists) or (bids == "bids" and any(lists)):
            return found
    return None


def read_book(
    sides: tuple[Any, Any], symbol: str, when: datetime | None, reading: Reading
) -> tuple[Book, Table]:
    """Return the order book, best prices first, and its levels in the order of the file."""
    levels = _Levels(reading, update=any(map(_has_deletion, sides)))
    bids = levels.side(sides[0], "bid")
    asks = levels.side(sides[1], "ask")
    _note_order(bids, "bids", reading.findings, falling=True)
    _note_order(asks, "asks", reading.findings, falling=False)
    levels.note_counts()
    bids.sort(key=lambda level: level.price, reverse=True)
    asks.sort(key=lambda level: level.price)
    if bids and asks and bids[0].price >= asks[0].price:
        finding = f"best bid {bids[0].price:,f} is not below best ask {asks[0].price:,f}"
        reading.findings.note(ProblemKind.CROSSED, finding)
    return Book(symbol, when, tuple(bids), tuple(asks)), levels.table()


@dataclass(slots=True)
class _Levels:
    """Reader of levels; `rows` has them in the order of the file.

    In an `update`, quantities are absolute: the last one of a price counts.
    """

    reading: Reading
    update: bool = False
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    deletions: list[int] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)

    def side(self, levels: Any, side: str) -> list[Level]:
        """Return the levels that can be drawn: readable, and not deleted."""
        found: list[Level] = []
        places: dict[Decimal, int] = {}
        levels = levels if isinstance(levels, list) else []
        # Each side may have half of the rows.
        cap = self.reading.limits.rows // 2
        for level in levels[:cap]:
            price, quantity, rest = _parts(level)
            row = len(self.rows)
            texts = [cell_text(part, 60) for part in (price, quantity, rest)]
            self.rows.append((side, texts[0], texts[1], texts[2]))
            exact = self._level(price, quantity, row)
            if exact is None:
                continue
            place = places.setdefault(exact.price, len(found))
            # A price that was deleted and set again is no repetition.
            if place < len(found) and found[place].quantity:
                self.repeats.append(row)
            if place < len(found) and self.update:
                found[place] = exact
            else:
                found.append(exact)
        if len(levels) > cap:
            finding = f"only the first {cap:,} of {len(levels):,} {side}s are shown"
            self.reading.findings.note(ProblemKind.LIMIT, finding)
        return [level for level in found if level.quantity]

    def _level(self, price: Any, quantity: Any, row: int) -> Level | None:
        findings = self.reading.findings
        exact_price, exact_quantity = decimal_of(price), decimal_of(quantity)
        if exact_price is None or exact_quantity is None:
            finding = f"level {row + 1:,} has no readable price and quantity"
            findings.note(ProblemKind.BAD_NUMBER, finding, row=row)
        elif exact_quantity < 0 or exact_price <= 0:
            finding = f"level {row + 1:,}: {quantity} at {price}"
            findings.note(ProblemKind.NEGATIVE, finding, row=row)
        else:
            if exact_quantity == 0:
                self.deletions.append(row)
            return Level(exact_price, exact_quantity)
        return None

    def note_counts(self) -> None:
        """Report the deletions and repeated prices once each: both are normal for feeds."""
        if count := len(self.deletions):
            finding = f"{format_counted(count, 'level')} of quantity 0: a deletion, not drawn"
            self._note(finding, self.deletions)
        if self.repeats:
            self._note(_repeated_prices(len(self.repeats), update=self.update), self.repeats)

    def _note(self, finding: str, rows: list[int]) -> None:
        problem = Problem(ProblemKind.NOTE, finding, row=rows[0], amount=len(rows))
        self.reading.findings.add(problem)

    def table(self) -> Table:
        """Return the levels as rows; values after price and quantity are in a last column."""
        columns: tuple[str, ...] = ("side", "price", "quantity", "more")
        width = 4 if any(row[3] for row in self.rows) else 3
        numeric = (False, True, True, False)
        rows = tuple(row[:width] for row in self.rows)
        return Table(columns[:width], rows, numeric[:width], signs="side")


def _repeated_prices(count: int, *, update: bool) -> str:
    if update:  # an update replaces the level; a snapshot may divide one into several rows
        if count == 1:
            return "1 price appears again: the last quantity counts"
        return f"{count:,} prices appear again: the last quantity counts"
    if count == 1:
        return "1 price appears again: quantities are added up"
    return f"{count:,} prices appear again: quantities are added up"


def _has_deletion(levels: Any) -> bool:
    """Whether a level has quantity 0, as only updates have."""
    return isinstance(levels, list) and any(
        decimal_of(_parts(level)[1]) == Decimal(0) for level in levels
    )


def _parts(level: Any) -> tuple[Any, Any, Any]:
    """Return price, quantity and the other values of a level; all are other if unreadable."""
    if isinstance(level, dict):
        known = {*PRICE, *QUANTITY}
        rest = {name: value for name, value in level.items() if name.lower() not in known}
        return first_of(level, PRICE), first_of(level, QUANTITY), rest or None
    if isinstance(level, list) and len(level) >= 2:
        rest_of = level[2:]
        return level[0], level[1], (rest_of[0] if len(rest_of) == 1 else rest_of) or None
    return None, None, level


def _note_order(levels: Sequence[Level], side: str, findings: Findings, *, falling: bool) -> None:
    prices = [level.price for level in levels]
    pairs = list(itertools.pairwise(prices))
    wrong = sum((a < b) if falling else (a > b) for a, b in pairs)
    # Consistently the other way round is a convention of the feed: only a note.
    if wrong and wrong == sum(a != b for a, b in pairs):
        finding = (
            f"{side} come with the lowest price first: sorted here"
            if falling
            else f"{side} come with the highest price first: sorted here"
        )
        findings.note(ProblemKind.NOTE, finding)
    elif wrong:
        findings.note(ProblemKind.OUT_OF_ORDER, f"{side} are not in order of price: sorted here")
