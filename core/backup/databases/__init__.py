"""Database engines, each in its module or package; `DATABASES` lists them."""

from __future__ import annotations

from core.backup.databases.base import Database
from core.backup.databases.sqlite import SQLiteDatabase
from core.errors import InvalidInput, NotSupported
from core.model.backup import Origin

#: All engines whose tables can be backed up and restored, one line for each.
DATABASES: tuple[type[Database], ...] = (SQLiteDatabase,)


def open_database(address: str, *, write: bool = False, create: bool = False) -> Database:
    """Open a database by a path or an SQLAlchemy URL.

    Args:
        address: A path to an SQLite file, or a URL such as `sqlite:///path`.
        write: Whether to open it for changes; otherwise it is read-only.
        create: Whether a missing SQLite file may be created.

    Raises:
        InvalidInput: When the address is empty or not a URL.
        NotSupported: For an engine that is not in `DATABASES`.
        DatabaseError: When it cannot be opened.
    """
    return engine_of(address).open(address, write=write, create=create)


def is_missing(address: str) -> bool:
    """Return whether the database does not exist and a restore would create it."""
    return engine_of(address).missing(address)


def origin_of(address: str) -> Origin:
    """Return the origin of a path or URL, without opening the database."""
    return engine_of(address).origin_of(address)


def engine_of(address: str) -> type[Database]:
    """Return the engine of a path or URL.

    Raises:
        InvalidInput: When the address is empty or not a URL.
        NotSupported: For an engine that is not in `DATABASES`.
    """
    if not address.strip():
        raise InvalidInput(
            "No database was specified", remedy="Use the path of an SQLite file, or sqlite:///path."
        )
    if "://" not in address:
        return SQLiteDatabase
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # The message of SQLAlchemy repeats the URL, and with it a password.
        raise InvalidInput(
            "The database URL cannot be read", remedy="Use the form sqlite:///path/to/file.db."
        ) from None
    dialect = url.get_backend_name()
    for engine in DATABASES:
        if dialect in engine.dialects:
            return engine
    raise NotSupported(
        f"{dialect} databases are not supported",
        cause=f"Supported: {', '.join(engine.engine for engine in DATABASES)}.",
        remedy="Use an SQLite file. The password in the URL was not stored or logged."
        if url.password
        else "Use the path of an SQLite file, or sqlite:///path.",
        subject=url.render_as_string(hide_password=True),
    )
