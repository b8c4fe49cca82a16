"""Addresses of PostgreSQL databases: `postgresql://user@host:port/database?sslmode=verify-full`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Self

from core.backup.databases.url import DatabaseUrl
from core.errors import InvalidInput
from core.model.backup import Origin

_PORT = 5432
_CONNECT_SECONDS = 10.0


class TlsMode(Enum):
    """Whether TLS is used and what is verified. Source: PostgreSQL manual, `sslmode` of libpq."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Host, port, database and user, without a password.

    `host` is the folder of a Unix socket if it begins with a slash; `timeout` are the seconds of an
    attempt to connect.
    """

    host: str
    port: int
    database: str
    user: str
    tls: TlsMode = TlsMode.PREFER
    root_certificate: str = ""
    timeout: float = _CONNECT_SECONDS
    authority_option: ClassVar[str] = "sslrootcert"

    def __str__(self) -> str:
        return f"{self.place}/{self.database}"

    @property
    def is_socket(self) -> bool:
        """Whether the server is reached by a Unix socket."""
        return self.host.startswith("/")

    @property
    def place(self) -> str:
        """Host and port; an IPv6 address is written in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def origin(self, engine: str) -> Origin:
        """Return host, port and database, as a manifest names them."""
        return Origin(engine, self.database, self.place, self.database)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in a URL; a password in it is ignored.

        Raises:
            InvalidInput: Host, user or database is missing, or an option is unknown.
        """
        parsed = DatabaseUrl.parse(url)
        if not (parsed.username and parsed.database):
            raise InvalidInput(
                "The database URL names no user or no database",
                remedy="Write it as postgresql://user@host:5432/database.",
                subject=parsed.without_password(),
            )
        options = dict(parsed.options)
        tls = _tls_mode(options.pop("sslmode", TlsMode.PREFER.value))
        root = options.pop("sslrootcert", "")
        host = options.pop("host", "") or parsed.host or "localhost"
        timeout = _seconds(options.pop("connect_timeout", ""))
        if options:
            raise InvalidInput(
                f"The database URL has an unknown option: {', '.join(sorted(options))}",
                remedy="The options sslmode, sslrootcert, host and connect_timeout are supported.",
            )
        port = parsed.port or _PORT
        return cls(host, port, parsed.database, parsed.username, tls, root, timeout)


def _seconds(text: str) -> float:
    """Return a time limit in seconds; like in libpq, 0 is not a useful one and means the default."""
    if text and not (text.isascii() and text.isdigit()):
        raise InvalidInput(
            f"{text!r} is not a valid connect_timeout",
            remedy="Use a number of seconds, for example 10.",
        )
    return float(text or 0) or _CONNECT_SECONDS


def _tls_mode(text: str) -> TlsMode:
    try:
        return TlsMode(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a valid sslmode",
            remedy=f"Use one of {', '.join(mode.value for mode in TlsMode)}.",
        ) from None
