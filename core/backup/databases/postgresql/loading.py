"""Loading of the rows of a backup by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from core.backup.databases.base import Rows
from core.backup.databases.postgresql.session import Session
from core.work import Work

#: Without quotation marks and backslashes, rows mean the same in both formats; the server reads
#: this one in a tenth less time.
_PLAIN = "FORMAT text, DELIMITER ',', NULL ''"
_CSV = "FORMAT csv"
#: A row of more pieces is not collected in memory, but passed on as it is read.
_MOST_PIECES = 8


def copy_rows(
    session: Session, target: str, rows: Iterable[Rows], work: Work, *, freeze: bool = False
) -> int:
    """Load rows in CSV, whose pieces may end anywhere, into a table; return their number.

    Args:
        session: The session, in a transaction if all rows or none shall be stored.
        target: The table and its columns as SQL.
        rows: The rows in pieces; if they end with an error, it is raised.
        work: Cancel token.
        freeze: Whether the table was created in this transaction and is not partitioned: then the
            first reader of each page need not write it.
    """
    suffix = ", FREEZE" if freeze else ""
    plain, loaded = _PlainRows(rows), 0
    if plain.found:
        loaded = session.copy_in(f"COPY {target} FROM STDIN ({_PLAIN}{suffix})", plain, work)
    if plain.ended:
        return loaded
    return loaded + session.copy_in(
        f"COPY {target} FROM STDIN ({_CSV}{suffix})", plain.rest(), work
    )


class _PlainRows:
    """The rows before the first piece with a quotation mark or a backslash.

    `found` means that there are any, `ended` that no others follow, once these are read.
    """

    def __init__(self, rows: Iterable[Rows]) -> None:
        self._rows = iter(rows)
        #: The beginning of a row, and the piece after which the rest is not plain.
        self._begun: list[Rows] = []
        self.ended = False
        self._next = self._complete()
        self.found = self._next is not None

    def __iter__(self) -> Iterator[Rows]:
        while self._next is not None:
            yield self._next
            self._next = self._complete()

    def _complete(self) -> Rows | None:
        """Return the next piece of complete rows; None if the rest is not plain, or there is none."""
        for count, data in self._rows:
            end = data.rfind(b"\n") + 1
            if b'"' in data or b"\\" in data or (not end and len(self._begun) == _MOST_PIECES):
                self._begun.append((count, data))
                return None
            if end:
                piece = b"".join((*(begun for _, begun in self._begun), data[:end]))
                self._begun = [(0, data[end:])] if end < len(data) else []
                return count, piece
            self._begun.append((count, data))
        self.ended = not self._begun
        return None

    def rest(self) -> Iterator[Rows]:
        """Yield all that follows."""
        return chain(self._begun, self._rows)
