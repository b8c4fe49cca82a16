"""From the fields of a secret to the login that they describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from core.errors import Corrupt, NotSupported
from core.rotation.databases.login import Address, DatabaseLogin
from core.rotation.databases.mysql import MysqlLogin
from core.rotation.databases.postgresql import PostgresqlLogin

#: The word by which a secret names its database, the login for it, and its usual port. A new
#: kind of database is one file and one line here.
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
    """Return the login that a secret's fields describe; the password is not looked at.

    Args:
        values: `host`, `port`, `database`, `username`, and `engine` if it is not PostgreSQL; an
            engine may be written as in a SQLAlchemy URL, for example `mysql+pymysql`.

    Raises:
        Corrupt: host or username is missing, or the port is no number.
        NotSupported: it is another kind of database.
    """
    engine = str(values.get("engine") or _DEFAULT).lower().partition("+")[0]
    if engine not in DATABASES:
        raise NotSupported(
            f"Strongroom cannot rotate the password of a {engine} database",
            cause=f"It knows {', '.join(DATABASES)}.",
            remedy="Correct the secret's field engine, or change the password by hand.",
            subject=str(values.get("host", "")),
        )
    make, usual = DATABASES[engine]
    host, username = str(values.get("host") or ""), str(values.get("username") or "")
    port = str(values.get("port") or usual)
    if not (host and username and port.isdecimal() and 0 < int(port) < 65536):
        raise Corrupt(
            "The secret does not say where the database is",
            cause="It needs host and username; port is a number, if it is there.",
            remedy="Correct the secret, then rotate it.",
            subject=host,
        )
    return make(Address(engine, host, int(port), str(values.get("database") or ""), username))
