"""Columns of texts in one block of memory, which other processes get without a copy.

A million prices as objects of Python need 60 MB and a second to be sent; in this form 10 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Rows of a table that become text at once.
_ROWS_AT_ONCE = 4_096
_ENCODING, _ERRORS = "utf-8", "surrogatepass"
_LINE_FEED = b"\n"[0]


class PackedTexts(Sequence[Any]):
    """Texts, or None, each made on access.

    Args:
        data: the bytes of all texts one after the other, shape (bytes,).
        ends: where each text ends in `data`, which has less than 4 GB, shape (n,).
        missing: which values are None, shape (n,); None if no value is.
    """

    __slots__ = ("data", "ends", "missing")

    def __init__(
        self,
        data: NDArray[np.uint8],
        ends: NDArray[np.uint32],
        missing: NDArray[np.bool_] | None = None,
    ) -> None:
        self.data, self.ends, self.missing = data, ends, missing

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> PackedTexts:
        """Return these texts in packed form."""
        return cls.of_bytes(
            [None if text is None else text.encode(_ENCODING, _ERRORS) for text in texts]
        )

    @classmethod
    def of_bytes(cls, found: Sequence[bytes | None]) -> PackedTexts:
        """Return texts of which the bytes are known in packed form."""
        import numpy as np

        parts = [part or b"" for part in found]
        ends = np.cumsum(np.fromiter(map(len, parts), np.uint32, len(parts)), dtype=np.uint32)
        missing = np.fromiter((part is None for part in found), bool, len(found))
        data = np.frombuffer(b"".join(parts), np.uint8)
        return cls(data, ends, missing if missing.any() else None)

    @classmethod
    def of_written(cls, values: Sequence[Any]) -> PackedTexts | None:
        """Return what `str` returns for each value in packed form, four times as fast as `of_bytes`.

        None if a text contains a line feed, or a value is None.
        """
        import numpy as np

        if not values or type(None) in set(map(type, values)):
            return None
        joined = "\n".join(map(str, values)).encode(_ENCODING, _ERRORS)
        data = np.frombuffer(joined, np.uint8)
        breaks = data == _LINE_FEED
        places = np.flatnonzero(breaks)
        if len(places) != len(values) - 1:
            return None
        # Without the line feeds before it, each text ends that much earlier.
        ends = np.append(places, len(data)) - np.arange(len(values))
        return cls(data[~breaks], ends.astype(np.uint32))

    @classmethod
    def chained(cls, columns: Sequence[PackedTexts]) -> PackedTexts:
        """Return the texts of several columns one after the other."""
        import numpy as np

        ends = np.empty(sum(map(len, columns)), np.uint32)
        at = start = 0
        for column in columns:
            ends[at : at + len(column)] = column.ends + start
            at, start = at + len(column), start + len(column.data)
        missing = None
        if any(column.missing is not None for column in columns):
            missing = np.concatenate([column.gaps for column in columns])
        data = [column.data for column in columns]
        return cls(np.concatenate(data), ends, missing)

    @property
    def nbytes(self) -> int:
        """The memory of the column in bytes."""
        missing = 0 if self.missing is None else self.missing.nbytes
        return self.data.nbytes + self.ends.nbytes + missing

    @property
    def gaps(self) -> NDArray[np.bool_]:
        """Which values are None, shape (n,)."""
        import numpy as np

        return np.zeros(len(self), bool) if self.missing is None else self.missing

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._texts(start, max(start, stop))
            return tuple(self[at] for at in range(start, stop, step))
        at = range(len(self))[index]
        if self.missing is not None and self.missing[at]:
            return None
        start = int(self.ends[at - 1]) if at else 0
        return self.data[start : int(self.ends[at])].tobytes().decode(_ENCODING, _ERRORS)

    def _texts(self, start: int, stop: int) -> tuple[Any, ...]:
        first = int(self.ends[start - 1]) if start else 0
        ends = (self.ends[start:stop] - first).tolist()
        block = self.data[first : first + ends[-1]].tobytes() if ends else b""
        starts = [0, *ends[:-1]]
        if block.isascii():  # one call for all texts, whose positions are those of their bytes
            text = block.decode("ascii")
            texts: list[str | None] = [text[a:b] for a, b in zip(starts, ends, strict=False)]
        else:
            texts = [
                block[a:b].decode(_ENCODING, _ERRORS) for a, b in zip(starts, ends, strict=False)
            ]
        if self.missing is not None:
            for at in self.missing[start:stop].nonzero()[0].tolist():
                texts[at] = None
        return tuple(texts)


class PackedRows(Sequence[tuple[str, ...]]):
    """Rows of packed columns, each made on access.

    Args:
        columns: columns of the same length.
        places: the position in the columns of each row, shape (n,); by default each its own.
    """

    __slots__ = ("_places", "columns")

    def __init__(
        self, columns: Sequence[PackedTexts], places: NDArray[np.int64] | None = None
    ) -> None:
        self.columns, self._places = tuple(columns), places

    @classmethod
    def of(cls, rows: Sequence[tuple[str, ...]], width: int) -> PackedRows:
        """Return rows of `width` texts in packed form."""
        parts: list[list[PackedTexts]] = [[] for _ in range(width)]
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            columns = zip(*rows[start : start + _ROWS_AT_ONCE], strict=True)
            for part, column in zip(parts, columns, strict=True):
                part.append(PackedTexts.of(column))
        return cls([PackedTexts.chained(part) if part else PackedTexts.of(()) for part in parts])

    @classmethod
    def chained(cls, parts: Sequence[PackedRows], places: NDArray[np.int64]) -> PackedRows:
        """Return the rows of several sequences in the order of `places`."""
        columns = zip(*(part.columns for part in parts), strict=True)
        return cls([PackedTexts.chained(column) for column in columns], places)

    @property
    def nbytes(self) -> int:
        """The memory of the rows in bytes."""
        return sum(column.nbytes for column in self.columns)

    def __len__(self) -> int:
        if self._places is not None:
            return len(self._places)
        return len(self.columns[0]) if self.columns else 0

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, ...], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        if isinstance(index, int):
            place = self._place(index)
            return tuple(column[place] for column in self.columns)
        if self._places is None:
            return tuple(zip(*(column[index] for column in self.columns), strict=True))
        return tuple(self[at] for at in range(*index.indices(len(self))))

    def cell(self, row: int, column: int) -> str:
        """Return one cell without making the others of its row."""
        return str(self.columns[column][self._place(row)])

    def _place(self, row: int) -> int:
        return row if self._places is None else int(self._places[row])
