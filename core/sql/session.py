"""A DuckDB connection that reads the rows that it was given, and nothing else."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import InvalidInput, LimitExceeded, LocalIOError, StorageError
from core.sql.literals import path_literal, text_literal
from core.work import Work

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Memory of a query; larger results of joins and sorts go to the temporary folder.
MEMORY = "1GB"
#: Memory of a collection, enough for sorting a million candles almost as fast as with more.
LITTLE_MEMORY = "150MB"
_MOST_THREADS = 4
_INTERRUPT_SECONDS = 0.05
_POLL_SECONDS = 0.1


@contextmanager
def open_session(
    folder: Path, *, encrypted: bool = False, memory: str = MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to an empty database in memory.

    Args:
        folder: A private folder for data that does not fit in memory.
        encrypted: Whether DuckDB encrypts that data, with a key that is only in memory.
        memory: The most memory of DuckDB, such as `300MB`.
    """
    import duckdb

    config: dict[str, Any] = {
        "memory_limit": memory,
        "threads": min(_MOST_THREADS, os.cpu_count() or 1),
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        # A table name must not refer to a variable of this program.
        "python_enable_replacements": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        # DuckDB writes a progress bar of long statements to standard output.
        connection.execute("SET enable_progress_bar = false")
        if encrypted:
            # Without its extension for HTTP, which is not loaded here, DuckDB only has a random
            # generator that it calls unsafe. The key is used for temporary files of one session.
            connection.execute("SET force_mbedtls_unsafe = 'true'")
            connection.execute("SET temp_file_encryption = true")
        yield connection
    finally:
        connection.close()


def with_little_memory(
    folder: Path, work: Work, use: Callable[[duckdb.DuckDBPyConnection], T]
) -> T:
    """Return the result of `use` in a session with little memory, or else in one with `MEMORY`.

    What does not fit is stored in files of the folder during the query. Rows with very long texts
    need more.

    Args:
        folder: See `open_session`.
        work: Cancel token.
        use: Called with an empty database, a second time if its memory has not sufficed.

    Raises:
        Cancelled: A cancel was requested.
        InvalidInput: A statement cannot be run.
        LimitExceeded: It needs more memory than a query may use.
    """
    try:
        with open_session(folder, memory=LITTLE_MEMORY) as connection, run(connection, work):
            return use(connection)
    except LimitExceeded as error:
        _log.info("a session with little memory has ended: %s", error.cause)
    with open_session(folder) as connection, run(connection, work):
        return use(connection)


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Forbid files, networks and changes for the rest of the session, also of settings."""
    connection.execute("SET enable_external_access = false")
    lock_settings(connection)
    # A SELECT may contain an INSERT (WITH … AS (INSERT …)), so its type alone does not suffice.
    connection.execute("BEGIN TRANSACTION READ ONLY")


def restrict(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Forbid all files but some, and networks, for the rest of the session; see `lock_settings`.

    Statements of the user must still be checked with `check_select`: others could write the files.
    """
    # A name with wildcards is compared as it is written, and as the file that it means.
    allowed = ", ".join(f"{text_literal(str(path))}, {path_literal(path)}" for path in paths)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")


def lock_settings(connection: duckdb.DuckDBPyConnection) -> None:
    """Forbid changes of settings for the rest of the session, before a user's statement is run."""
    connection.execute("SET lock_configuration = true")


def check_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Check that a text is exactly one SELECT statement.

    Raises:
        InvalidInput: It is another statement, several statements, or not SQL.
    """
    import duckdb

    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise sql_error(error) from error
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        kinds = ", ".join(statement.type.name for statement in statements) or "no statement"
        raise InvalidInput(
            "A query is one SELECT statement",
            cause=f"This is: {kinds}.",
            remedy="Write one SELECT.",
            effect="Nothing was run.",
        )


@contextmanager
def run(connection: duckdb.DuckDBPyConnection, work: Work) -> Iterator[None]:
    """Interrupt the statements of the block on a cancel, and translate DuckDB's errors.

    Raises:
        Cancelled: A cancel was requested.
        InvalidInput: A statement cannot be run.
        LimitExceeded: It needs more memory than a query may use.
    """
    import duckdb

    ended = threading.Event()

    def interrupt() -> None:
        with suppress(duckdb.ConnectionException):  # closed since: nothing is left to interrupt
            # DuckDB forgets an interrupt that precedes the start of a statement.
            connection.interrupt()
            while not ended.wait(_INTERRUPT_SECONDS):
                connection.interrupt()

    thread = threading.Thread(target=interrupt, name="interrupt query", daemon=True)
    try:
        with work.token.on_cancel(thread.start):
            work.check()
            yield
    except duckdb.Error as error:
        work.check()
        raise sql_error(error) from error
    finally:
        ended.set()
        if thread.ident is not None:
            thread.join()


@contextmanager
def polling_progress(
    connection: duckdb.DuckDBPyConnection, report: Callable[[float], None]
) -> Iterator[None]:
    """Report the progress of the statement in the block, as DuckDB estimates it from its files.

    Args:
        connection: The session, inside `run`.
        report: Called from another thread with the part that is done, from 0 to 1. It is not
            called while that is 0, for example for a pipe.
    """
    import duckdb

    ended = threading.Event()

    def poll() -> None:
        with suppress(duckdb.Error):
            while not ended.wait(_POLL_SECONDS):
                percent = connection.query_progress()
                if percent > 0:
                    report(min(percent / 100, 1))

    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")  # it would write to the terminal
    thread = threading.Thread(target=poll, name="progress of a query", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def reading_file(path: Path) -> Iterator[None]:
    """Translate DuckDB's errors about the content of a file that the user has named.

    Raises:
        InvalidInput: The file is cut off, damaged, or of another format.
    """
    import duckdb

    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        raise InvalidInput(
            f"{path} cannot be read",
            cause=str(error).strip().split("\n\n", maxsplit=1)[0][:500],
            remedy="Check that the file is complete, and that its ending names its format.",
            subject=str(path),
        ) from error


def sql_error(error: Exception) -> StorageError:
    """Return the error for a failed statement, with DuckDB's message."""
    import duckdb

    # The first part has the message; the statement follows.
    cause = " ".join(str(error).strip().split("\n\n", maxsplit=1)[0].split())[:500]
    if isinstance(error, duckdb.OutOfMemoryException):
        return LimitExceeded(
            "The query needs more memory than it may use",
            cause=cause,
            remedy="Select fewer columns or rows, or aggregate them.",
        )
    if isinstance(error, duckdb.IOException):
        if "No space left on device" in cause:
            return LocalIOError(
                "The disk is full",
                cause="The result, or what does not fit in memory during the query, needs more space.",
                remedy="Free some space, or write to another place.",
            )
        return LocalIOError(
            "A file could not be written or read",
            cause=cause,
            remedy="Check the disk and the path.",
        )
    if isinstance(error, duckdb.PermissionException):
        return InvalidInput(
            "A query can only read the rows that it was given",
            cause=cause,
            remedy="Omit functions that read files, networks or other databases.",
        )
    summary, remedy = "The query cannot be run", "Correct the SQL; the dialect is DuckDB's."
    if isinstance(error, duckdb.OutOfRangeException) and "Overflow" in cause:
        summary = "A number of the query is too large"
        remedy = "Compute with doubles, which are rounded: CAST(… AS DOUBLE)."
    return InvalidInput(summary, cause=cause, remedy=remedy)
