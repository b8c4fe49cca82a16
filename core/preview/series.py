"""Candles as columns: arrays of doubles to draw and compare, and the written values to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from core.preview.candle_blocks import blocks_of
from core.preview.numbers import number_text
from core.preview.packed_texts import PackedTexts
from core.preview.releasing import hand_over

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Moments = NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Candle:
    """One candle; `volume` None when there is none. Exact values, never through float."""

    when: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None

    @property
    def values(self) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal | None]:
        """Open, high, low, close and volume."""
        return self.open, self.high, self.low, self.close, self.volume


class CandleSeries(Sequence[Candle]):
    """A sequence that creates each `Candle` on access.

    Args:
        times: the beginning of each candle in microseconds since 1970, shape (n,).
        floats: open, high, low, close and volume as doubles, shape (5, n).
        cells: the same five columns as written: numbers of a JSON text or decimals.
        places: the position in each of `cells` of each candle, shape (n,).
    """

    __slots__ = ("_blocks", "_cells", "_places", "floats", "times")

    def __init__(
        self,
        times: Moments,
        floats: Floats,
        cells: Sequence[Sequence[Any]],
        places: Moments | None = None,
    ) -> None:
        self.times, self.floats = times, floats
        self._cells, self._places = cells, places
        self._blocks: tuple[Floats, ...] = ()

    def __del__(self) -> None:
        hand_over(self._cells)

    @classmethod
    def of(cls, candles: Iterable[Candle]) -> CandleSeries:
        """Return a series of candles that exist already."""
        import numpy as np

        made = tuple(candles)
        times = np.array([micros_of(candle.when) for candle in made], dtype=np.int64)
        cells = tuple(zip(*(candle.values for candle in made), strict=True)) or ((),) * 5
        # A missing volume is drawn as 0; its cell stays None.
        floats = np.array([[float(cell or 0) for cell in column] for column in cells], dtype=float)
        return cls(times, floats.reshape(5, len(made)), cells)

    @classmethod
    def chained(cls, parts: Sequence[CandleSeries]) -> CandleSeries:
        """Return the candles of several series one after the other, without sorting them."""
        import numpy as np

        times = np.concatenate([part.times for part in parts])
        floats = np.concatenate([part.floats for part in parts], axis=1)
        columns = [part.packed_columns for part in parts]
        if all(columns):
            packed = zip(*columns, strict=True)
            return cls(times, floats, [PackedTexts.chained(column) for column in packed])
        cells = tuple(
            [part.cell(column, at) for part in parts for at in range(len(part))]
            for column in range(len(floats))
        )
        return cls(times, floats, cells)

    @property
    def blocks(self) -> tuple[Floats, ...]:
        """The doubles and ever larger blocks of them, see `core.preview.candle_blocks`.

        Read by a worker or the engine before, they cost the thread that draws no time.
        """
        if not self._blocks:
            self._blocks = blocks_of(self.floats)
        return self._blocks

    def prepared(self) -> CandleSeries:
        """Return these candles with their blocks."""
        _ = self.blocks
        return self

    def packed(self) -> CandleSeries:
        """Return the same candles with the values as written in packed form, each at its place."""
        import numpy as np

        places = None if self._places is None else self._places.tolist()
        if self._places is not None and np.array_equal(self._places, np.arange(len(self))):
            places = None
        cells = []
        for column in self._cells:
            if places is None and isinstance(column, PackedTexts):
                cells.append(column)
                continue
            ordered = column if places is None else [column[at] for at in places]
            written = PackedTexts.of_written(ordered)
            cells.append(written or PackedTexts.of_bytes([_written(cell) for cell in ordered]))
        return CandleSeries(self.times, self.floats, cells)

    @property
    def written_bytes(self) -> int:
        """The memory of the values as written in bytes, 0 unless they are packed."""
        return sum(column.nbytes for column in self.packed_columns)

    @property
    def packed_columns(self) -> tuple[PackedTexts, ...]:
        """The cells if all are packed, and each candle is at its own position; else none."""
        found = tuple(each for each in self._cells if isinstance(each, PackedTexts))
        return found if len(found) == len(self._cells) and self._places is None else ()

    @property
    def columns(self) -> Sequence[Sequence[Any]]:
        """The cells of a series of which each candle is at its own position."""
        if self._places is not None:
            raise ValueError("the cells are in another order than the candles")
        return self._cells

    def cell(self, column: int, at: int) -> Any:
        """Return a value of a candle as written."""
        return self._cells[column][at if self._places is None else int(self._places[at])]

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, index: int) -> Candle: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candle, ...]: ...
    def __getitem__(self, index: int | slice) -> Candle | tuple[Candle, ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        when = moment_at(int(self.times[index]))
        place = range(len(self))[index] if self._places is None else int(self._places[index])
        first, high, low, last, volume = (column[place] for column in self._cells)
        exact = cell_decimal(first), cell_decimal(high), cell_decimal(low), cell_decimal(last)
        return Candle(when, *exact, None if volume is None else cell_decimal(volume))


def moment_at(micros: int) -> datetime:
    """Return the time that is a number of microseconds after the beginning of 1970."""
    return EPOCH + timedelta(microseconds=micros)


def micros_of(moment: datetime) -> int:
    """Return the microseconds from 1970 to an aware moment."""
    return (moment - EPOCH) // _MICROSECOND


def _written(cell: Any) -> bytes | None:
    """Return the bytes of a value as written."""
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.encode()
    # A number of `jiter` is not made a text for that.
    return str(cell).encode() if isinstance(cell, int | Decimal) else bytes(cell)


def cell_decimal(cell: Any) -> Decimal:
    """Return a cell that is known to hold a number, exactly."""
    if isinstance(cell, Decimal):
        return cell
    return Decimal((cell if isinstance(cell, str) else number_text(cell) or "NaN").strip())
