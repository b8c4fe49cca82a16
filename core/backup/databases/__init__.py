"""Database engines: one module or package each behind one contract; `DATABASES` lists them."""

from __future__ import annotations

from core.backup.databases.base import Database
from core.backup.databases.sqlite import SQLiteDatabase
from core.errors import InvalidInput, NotSupported
from core.model.backup import Origin

#: Every engine that tables can be backed up from and restored into. One line each.
DATABASES: tuple[type[Database], ...] = (SQLiteDatabase,)


def open_database(address: str, *, write: bool = False, create: bool = False) -> Database:
    """Open what a path or an SQLAlchemy URL names.

    Args:
        address: A path to an SQLite file, or a URL such as `sqlite:///path`.
        write: Whether it will be changed; otherwise it is opened read-only.
        create: Whether a missing SQLite file may be made.

    Raises:
        InvalidInput: When the address is empty or not a URL.
        NotSupported: For an engine that is not in `DATABASES`.
        DatabaseError: When it cannot be opened.
    """
    return _engine(address).open(address, write=write, create=create)


def is_missing(address: str) -> bool:
    """Whether the database is not there yet and a restore would make it."""
    return _engine(address).missing(address)


def origin_of(address: str) -> Origin:
    """Return which database a path or URL means, without opening it."""
    return _engine(address).origin_of(address)


def _engine(address: str) -> type[Database]:
    if not address.strip():
        raise InvalidInput(
            "No database was named", remedy="Give the path of an SQLite file or sqlite:///path."
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
            "The database URL cannot be read", remedy="Write it as sqlite:///path/to/file.db."
        ) from None
    dialect = url.get_backend_name()
    for engine in DATABASES:
        if dialect in engine.dialects:
            return engine
    raise NotSupported(
        f"{dialect} databases cannot be backed up yet",
        cause=f"Supported: {', '.join(engine.engine for engine in DATABASES)}.",
        remedy="Give an SQLite file. The password in the URL was not kept or logged."
        if url.password
        else "Give the path of an SQLite file or sqlite:///path.",
        subject=url.render_as_string(hide_password=True),
    )
