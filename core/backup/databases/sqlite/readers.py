"""Additional connections that read the same snapshot of an SQLite file, so that threads can share the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import apsw

from core.backup.databases.sqlite.connection import open_reader, scalar

#: More than two gain nothing: the compression and the upload need processors as well.
_READERS = 2


@contextmanager
def readers_of_snapshot(
    path: Path, begin: Callable[[], None]
) -> Iterator[tuple[apsw.Connection, ...]]:
    """Call `begin`, and yield connections with the same view as the transaction that it begins.

    The views are only used if they are proven to be the same: `PRAGMA data_version` of a connection
    changes if anything was committed between two calls, and here one call precedes all
    transactions and the other is part of the last. If another program writes at this moment, or
    locks the file, no connection is yielded.
    """
    with ExitStack() as opened:
        readers: tuple[apsw.Connection, ...] = ()
        try:
            # Opened before the transaction begins: closing a file ends all locks that this process
            # has on it, unless SQLite knows of them.
            readers = tuple(
                opened.enter_context(closing(open_reader(path))) for _ in range(_READERS)
            )
            versions = [_data_version(reader) for reader in readers]
        except apsw.Error:
            begin()
            yield ()
            return
        begin()
        yield readers if _begun(readers) == versions else ()


def _begun(readers: tuple[apsw.Connection, ...]) -> list[int]:
    """Begin a transaction of each reader; return their data versions, fewer if one is locked out."""
    try:
        for reader in readers:
            reader.execute("BEGIN")
        return [_data_version(reader) for reader in readers]
    except apsw.Error:
        return []


def _data_version(reader: apsw.Connection) -> int:
    return int(scalar(reader, "PRAGMA data_version"))
