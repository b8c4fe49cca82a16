"""Previews in a form that other processes get quickly: what is drawn and shown, without objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, overload

from core.preview.packed_texts import PackedRows
from core.preview.values import Book, Candles, Level, Representation, Table, Trades


class PackedLevels(Sequence[Level]):
    """The levels of one side of an order book, each made on access, with exact numbers."""

    __slots__ = ("_rows",)

    def __init__(self, levels: Sequence[Level]) -> None:
        self._rows = PackedRows.of([(str(each.price), str(each.quantity)) for each in levels], 2)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """The memory of the levels in bytes."""
        return self._rows.nbytes

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...
    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        if isinstance(index, slice):
            return tuple(_level(*row) for row in self._rows[index])
        return _level(*self._rows[index])


def _level(price: str, quantity: str) -> Level:
    return Level(Decimal(price), Decimal(quantity))


def pack(shown: Candles | Book | Trades | Table) -> Candles | Book | Trades | Table:
    """Return the same candles, order book, trades or table in packed form."""
    if isinstance(shown, Candles):
        return replace(shown, candles=shown.series.packed())
    if isinstance(shown, Book):
        sides = PackedLevels(shown.bids), PackedLevels(shown.asks)
        return Book(shown.symbol, shown.when, *sides, shown.label)
    if isinstance(shown, Trades):
        pairs: Sequence[Any] = PackedRows.of(shown.written, 2)
        return replace(shown, written=pairs)
    return replace(shown, rows=PackedRows.of(shown.rows, len(shown.columns)))


def packed_bytes(shown: Representation) -> int:
    """Return the memory of a representation that `pack` returned, in bytes."""
    if isinstance(shown, Candles):
        series = shown.series
        return series.times.nbytes + series.floats.nbytes + series.written_bytes
    if isinstance(shown, Book):
        sides = (each.nbytes for each in (shown.bids, shown.asks) if isinstance(each, PackedLevels))
        return sum(sides) + sum(side.nbytes for side in shown.floats)
    rows = shown.written if isinstance(shown, Trades) else getattr(shown, "rows", ())
    return rows.nbytes if isinstance(rows, PackedRows) else 0
