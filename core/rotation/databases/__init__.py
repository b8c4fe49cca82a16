"""Databases whose passwords can be rotated: log in, and set the user's password.

Each kind of database is a module with a `DatabaseLogin`; `login_for` creates it from the fields of
a secret. Drivers are imported when they are first needed, because most commands need none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from core.errors import Corrupt, NotSupported
from core.rotation.databases.login import Address, DatabaseLogin
from core.rotation.databases.mysql import MysqlLogin
from core.rotation.databases.postgresql import PostgresqlLogin

#: The value of the field `engine`, the login class, and the default port. A new kind of database is
#: a new module and a line here.
DATABASES: Mapping[str, tuple[Callable[[Address], DatabaseLogin], int]] = MappingProxyType(
    {
        "postgresql": (PostgresqlLogin, 5432),
        "postgres": (PostgresqlLogin, 5432),
        "aurora-postgresql": (PostgresqlLogin, 5432),
        "mysql": (MysqlLogin, 3306),
        "mariadb": (MysqlLogin, 3306),
        "aurora-mysql": (MysqlLogin, 3306),
    }
)
_DEFAULT = "postgresql"


def login_for(values: Mapping[str, Any]) -> DatabaseLogin:
    """Return the login that the fields of a secret describe; the password is not used.

    Args:
        values: `host`, `port`, `database`, `username`, and `engine` if it is not PostgreSQL; an
            engine may be written as in a SQLAlchemy URL, for example `mysql+pymysql`.

    Raises:
        Corrupt: host or username is missing, or the port is not a number.
        NotSupported: the kind of database is not supported.
    """
    # SQLAlchemy's form `postgresql+psycopg` names the driver after a plus.
    engine = str(values.get("engine") or _DEFAULT).lower().partition("+")[0]
    if engine not in DATABASES:
        raise NotSupported(
            f"Strongroom cannot rotate the password of a {engine} database",
            cause=f"Supported databases are {', '.join(DATABASES)}.",
            remedy="Correct the field engine of the secret, or change the password yourself.",
            subject=str(values.get("host", "")),
        )
    make, usual = DATABASES[engine]
    host, username = str(values.get("host") or ""), str(values.get("username") or "")
    port = str(values.get("port") or usual)
    if not (host and username and port.isdecimal() and 0 < int(port) < 65536):
        raise Corrupt(
            "The secret does not contain the address of the database",
            cause="The fields host and username are required; port must be a number.",
            remedy="Correct the secret, then rotate it.",
            subject=host,
        )
    return make(Address(engine, host, int(port), str(values.get("database") or ""), username))
