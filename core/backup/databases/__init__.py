"""Database engines, each in its package; `DATABASES` lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backup.databases.address import DatabaseAddress, parse_address
from core.backup.databases.base import Database
from core.backup.databases.url import DatabaseUrl
from core.errors import DatabaseLoginRefused, NotSupported
from core.hints import Hint
from core.model.backup import Origin
from core.work import Work

if TYPE_CHECKING:
    from core.backup.databases.password_files import FilePassword


def _sqlite() -> type[Database]:
    from core.backup.databases.sqlite import SQLiteDatabase

    return SQLiteDatabase


def _postgresql() -> type[Database]:
    from core.backup.databases.postgresql import PostgreSQLDatabase

    return PostgreSQLDatabase


def _mysql() -> type[Database]:
    from core.backup.databases.mysql import MySQLDatabase

    return MySQLDatabase


def _no_password(url: str) -> FilePassword | None:  # noqa: ARG001 - see `Engine`
    return None


def _password_of_pgpass(url: str) -> FilePassword | None:
    from core.backup.databases.password_files import password_of_pgpass
    from core.backup.databases.postgresql.address import ServerAddress

    address = ServerAddress.parse(url)
    return password_of_pgpass(address, address.database)


def _password_of_option_file(url: str) -> FilePassword | None:
    from core.backup.databases.mysql.address import ServerAddress
    from core.backup.databases.password_files import password_of_option_file

    return password_of_option_file(ServerAddress.parse(url))


@dataclass(frozen=True, slots=True)
class Engine:
    """A database engine: its name in manifests, and the URL schemes that select it.

    `load` imports its class. All engines together would take a tenth of a second, and a command
    needs one. `password_in_file` returns what the password file of the engine's own programs has
    for the user in a URL; None for an engine without users.
    """

    name: str
    dialects: tuple[str, ...]
    load: Callable[[], type[Database]]
    password_in_file: Callable[[str], FilePassword | None] = _no_password


#: All engines whose tables can be backed up and restored, one line for each.
DATABASES = (
    Engine("SQLite", ("sqlite",), _sqlite),
    Engine("PostgreSQL", ("postgresql",), _postgresql, _password_of_pgpass),
    Engine("MariaDB", ("mysql", "mariadb"), _mysql, _password_of_option_file),
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
        address: A path to an SQLite file, a URL such as `sqlite:///path`, or a resolved address. If
            it has no password, that of `~/.pgpass` or `~/.my.cnf` is used.
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
    engine = _engine_of(place)
    found = engine.password_in_file(place.url) if place.password is None else None
    password = found.password if found else place.password
    try:
        return engine.load().open(
            place.url, write=write, create=create, password=password, work=work
        )
    except DatabaseLoginRefused as error:
        if password is None:
            _explain_missing_password(error, f"{place.missing} {found.missing if found else ''}")
        elif found:
            error.cause = f"{error.cause} The password in {found.path} was used."
        raise


def _explain_missing_password(error: DatabaseLoginRefused, reasons: str) -> None:
    """Add to an error that no password was used: the server only reports that it was not right."""
    error.cause = f"{error.cause} The login was tried without a password. {reasons.strip()}"
    error.remedy = (
        "Enter the password, store it in the keyring, use secret:NAME, where NAME is a secret that "
        "contains the address and the password, or use the password file of the database's own "
        "programs."
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
    return _engine_of(parse_address(address)).load()


def _engine_of(place: DatabaseAddress) -> Engine:
    if "://" not in place.url:
        return DATABASES[0]
    dialect = DatabaseUrl.parse(place.url).engine
    for engine in DATABASES:
        if dialect in engine.dialects:
            return engine
    raise NotSupported(
        f"{dialect} databases are not supported",
        cause=f"Supported: {', '.join(engine.name for engine in DATABASES)}.",
        remedy="Use one of these databases. The password in the URL was not stored or logged."
        if place.password
        else "Use the path of an SQLite file, or the URL of a supported server.",
        subject=place.url,
    )
