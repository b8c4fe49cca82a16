"""Reading of a table by several sessions at once, each of which takes the next range of its rows.

The rows are passed on in the order of the ranges.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from queue import SimpleQueue
from typing import Generic, TypeVar

from core.backup.databases.base import Rows
from core.backup.databases.server import ServerConnection
from core.errors import DatabaseError, StorageError

#: Bytes that a session reads ahead of its turn: about two ranges.
_AHEAD_BYTES = 8 << 20

S = TypeVar("S", bound=ServerConnection)

_log = logging.getLogger(__name__)


class _Pieces:
    """The pieces that one session has read, up to a number of bytes; None ends a range."""

    def __init__(self) -> None:
        self._pieces: deque[Rows | BaseException | None] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False

    def put(self, piece: Rows | BaseException | None) -> bool:
        """Add a piece when there is room; return whether the pieces are still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._bytes < _AHEAD_BYTES)
            self._pieces.append(piece)
            self._bytes += len(piece[1]) if isinstance(piece, tuple) else 0
            self._changed.notify_all()
            return not self._closed

    def get(self) -> Rows | None:
        """Remove and return the next piece; raise the error that ended the session."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._pieces))
            piece = self._pieces.popleft()
            self._bytes -= len(piece[1]) if isinstance(piece, tuple) else 0
            self._changed.notify_all()
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        """Let the session end: its pieces are not wanted any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class ParallelReading(Generic[S]):
    """One read of a table in ranges, which sessions take in their order.

    Args:
        ranges: What selects the rows of each range, for example a statement.
        read: Yields the rows of a range. A generator that is closed early closes the connection.
    """

    def __init__(
        self, ranges: Sequence[str], read: Callable[[S, str], Generator[Rows, None, object]]
    ) -> None:
        self._ranges = ranges
        self._read_range = read
        self._lock = threading.Lock()
        self._taken = 0
        self._usable: S | None = None
        #: For each range, in their order, the pieces of the session that took it.
        self._turns: SimpleQueue[_Pieces] = SimpleQueue()
        self._readers: list[_Pieces] = []
        #: The sessions that have taken a range.
        self._sessions: set[S] = set()

    def rows(
        self,
        session: S,
        companions: Sequence[Callable[[], AbstractContextManager[S]]],
    ) -> Generator[Rows, None, None]:
        """Yield the rows that `session` and its companions read.

        A companion that cannot be opened is omitted. An error of a session that has taken a range
        is raised here; after a `DatabaseError`, `session` can be used further. If the caller ends
        early, the connections are closed.
        """
        with ThreadPoolExecutor(1 + len(companions), "reader") as pool:
            try:
                running = [pool.submit(self._read, session, self._reader())]
                running += [
                    pool.submit(self._read_beside, one, self._reader()) for one in companions
                ]
                for _ in self._ranges:
                    pieces = self._turns.get()
                    while (piece := pieces.get()) is not None:
                        yield piece
                for reader in running:
                    reader.result()
            except DatabaseError:  # of a damaged table: the others can still be read
                self._stop(usable=session)
                raise
            except BaseException:
                self._stop()
                raise

    def _stop(self, usable: S | None = None) -> None:
        """Let all sessions end, also those that wait for the server, except a usable one.

        That one reads its range to the end, since a connection cannot leave out the rest.
        """
        self._usable = usable
        for pieces in self._readers:
            pieces.close()
        with self._lock:
            self._taken = len(self._ranges)
            for session in self._sessions:
                if session is not usable:
                    session.cut()

    def _reader(self) -> _Pieces:
        self._readers.append(_Pieces())
        return self._readers[-1]

    def _read_beside(
        self, opened: Callable[[], AbstractContextManager[S]], pieces: _Pieces
    ) -> None:
        try:
            with opened() as session:
                self._read(session, pieces)
        except StorageError as error:
            # The server has no connection left, or another session waits for the table.
            _log.info("A table is read by one connection less: %s", error.summary)

    def _read(self, session: S, pieces: _Pieces) -> None:
        while (taken := self._next(session, pieces)) is not None:
            try:
                with closing(self._read_range(session, taken)) as rows:
                    for piece in rows:
                        if not pieces.put(piece) and session is not self._usable:
                            return
            except BaseException as error:  # noqa: BLE001 - raised again by `rows`
                pieces.put(error)
                return
            pieces.put(None)

    def _next(self, session: S, pieces: _Pieces) -> str | None:
        """Take the next range; None if there is none."""
        with self._lock:
            if self._taken == len(self._ranges):
                return None
            self._taken += 1
            self._turns.put(pieces)
            self._sessions.add(session)
            return self._ranges[self._taken - 1]
