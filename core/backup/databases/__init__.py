"""Database engines, each in its package; `DATABASES` lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.backup.databases.address import DatabaseAddress, parse_address
from core.backup.databases.base import Database
from core.backup.databases.url import DatabaseUrl
from core.errors import DatabaseLoginRefused, NotSupported
from core.hints import Hint
from core.model.backup import Origin
from core.work import Work


def _sqlite() -> type[Database]:
    from core.backup.databases.sqlite import SQLiteDatabase

    return SQLiteDatabase


def _postgresql() -> type[Database]:
    from core.backup.databases.postgresql import PostgreSQLDatabase

    return PostgreSQLDatabase


def _mysql() -> type[Database]:
    from core.backup.databases.mysql import MySQLDatabase

    return MySQLDatabase


@dataclass(frozen=True, slots=True)
class Engine:
    """A database engine: its name in manifests, and the URL schemes that select it.

    `load` imports its class. All engines together would take a tenth of a second, and a command
    needs one.
    """

    name: str
    dialects: tuple[str, ...]
    load: Callable[[], type[Database]]


#: All engines whose tables can be backed up and restored, one line for each.
DATABASES = (
    Engine("SQLite", ("sqlite",), _sqlite),
    Engine("PostgreSQL", ("postgresql",), _postgresql),
    Engine("MariaDB", ("mysql", "mariadb"), _mysql),
)


def open_database(
    address: str | DatabaseAddress,
    *,
    write: bool = False,
    create: bool = False,
    work: Work | None = None,
) -> Database:
    """Open a database by a path or an SQLAlchemy URL.

    Args:
        address: A path to an SQLite file, a URL such as `sqlite:///path`, or a resolved address.
        write: Whether to open it for changes; otherwise it is read-only.
        create: Whether a missing SQLite file may be created.
        work: Cancel token, which ends an attempt to connect.

    Raises:
        InvalidInput: When the address is empty or not a URL.
        NotSupported: For an engine that is not in `DATABASES`.
        CredentialsInvalid: When a server refuses the password.
        DatabaseError: When it cannot be opened.
        Offline: When a server cannot be reached.
    """
    place = parse_address(address)
    engine = engine_of(place)
    try:
        return engine.open(
            place.url, write=write, create=create, password=place.password, work=work
        )
    except DatabaseLoginRefused as error:
        if place.password is None:
            _explain_missing_password(error, place)
        raise


def _explain_missing_password(error: DatabaseLoginRefused, place: DatabaseAddress) -> None:
    """Add to an error that no password was used: the server only reports that it was not right."""
    error.cause = f"{error.cause} The login was tried without a password. {place.missing}".rstrip()
    error.remedy = (
        "Enter the password, store it in the keyring, or use secret:NAME, where NAME is a secret "
        "that contains the address and the password."
    )
    error.hints = Hint.STORE_LOGIN


def is_missing(address: str | DatabaseAddress) -> bool:
    """Return whether the database does not exist and a restore would create it."""
    return engine_of(address).missing(parse_address(address).url)


def origin_of(address: str | DatabaseAddress) -> Origin:
    """Return the origin of a path or URL, without opening the database."""
    return engine_of(address).origin_of(parse_address(address).url)


def engine_of(address: str | DatabaseAddress) -> type[Database]:
    """Return the engine of a path or URL.

    Raises:
        InvalidInput: When the address is empty or not a URL.
        NotSupported: For an engine that is not in `DATABASES`.
    """
    place = parse_address(address)
    if "://" not in place.url:
        return _sqlite()
    dialect = DatabaseUrl.parse(place.url).engine
    for engine in DATABASES:
        if dialect in engine.dialects:
            return engine.load()
    raise NotSupported(
        f"{dialect} databases are not supported",
        cause=f"Supported: {', '.join(engine.name for engine in DATABASES)}.",
        remedy="Use one of these databases. The password in the URL was not stored or logged."
        if place.password
        else "Use the path of an SQLite file, or the URL of a supported server.",
        subject=place.url,
    )
