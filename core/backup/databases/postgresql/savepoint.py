"""Parts of a transaction that may fail without ending it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.backup.databases.postgresql.names import quoted
from core.backup.databases.postgresql.session import Session
from core.errors import DatabaseOffline, StorageError


def attempted(session: Session, statement: str) -> bool:
    """Run a statement; return whether it succeeded, else the transaction is as it was before."""
    try:
        with savepoint(session):
            session.query(statement)
    except StorageError:
        return False
    return True


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """Run a block whose failure leaves the transaction as it was before the block."""
    name = quoted("strongroom_attempt")
    session.query(f"SAVEPOINT {name}")
    try:
        yield
    except StorageError:
        # If the connection has ended, the error of the block is the one to report.
        with suppress(StorageError):
            session.query(f"ROLLBACK TO SAVEPOINT {name}")
            session.query(f"RELEASE SAVEPOINT {name}")
        raise
    with suppress(DatabaseOffline):  # what the block has read is complete; later statements fail
        session.query(f"RELEASE SAVEPOINT {name}")
