"""DuckDB databases of the catalogue: one in memory for searches, one with a folder for refreshes.

They run the statements of this package only; values are parameters. SQL of the user is run by
`core.sql` in a locked session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.sql.literals import text_literal

if TYPE_CHECKING:
    import duckdb

_MOST_THREADS = 4
#: Memory of a refresh; what exceeds it is written to its temporary folder.
_REFRESH_MEMORY = "400MB"


def connect(folder: Path | None = None, *, compressed: bool = False) -> duckdb.DuckDBPyConnection:
    """Return a connection to an empty database in memory.

    Args:
        folder: a private folder for data that exceeds the memory of a refresh; None for a database
            that has to stay in memory.
        compressed: whether the tables of a database in memory are compressed, which takes less than
            half of the memory, and twice the time of a search.
    """
    import duckdb

    config: dict[str, Any] = {
        "threads": min(_MOST_THREADS, os.cpu_count() or 1),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    if folder is not None:
        config |= {"temp_directory": str(folder), "memory_limit": _REFRESH_MEMORY}
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone = 'UTC'")
    # DuckDB writes a progress bar of long statements to standard output.
    connection.execute("SET enable_progress_bar = false")
    if folder is None:
        connection.execute(f"ATTACH ':memory:' AS catalog{' (COMPRESS)' if compressed else ''}")
        connection.execute("USE catalog")
    return connection


@contextmanager
def temporary_database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to a database for one refresh; see `connect`."""
    connection = connect(folder)
    try:
        yield connection
    finally:
        connection.close()


def parquet_sql(paths: Sequence[Path]) -> str:
    """Return the table function that reads Parquet files."""
    names = ", ".join(text_literal(str(path)) for path in paths)
    return f"read_parquet([{names}], union_by_name := true)"
