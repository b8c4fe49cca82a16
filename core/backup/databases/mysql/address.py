"""Addresses of MariaDB and MySQL databases: `mysql://user@host:port/database?tls=verify`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Self

from core.backup.databases.server import verifying_context
from core.backup.databases.url import DatabaseUrl
from core.errors import InvalidInput
from core.model.backup import Origin
from core.tls import unverified_context

_PORT = 3306


class TlsMode(Enum):
    """Whether TLS is used, and whether certificate and host name are verified."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Host, port, database and user, without a password."""

    host: str
    port: int
    database: str
    user: str
    tls: TlsMode = TlsMode.PREFER
    authority: str = ""
    authority_option: ClassVar[str] = "ca"

    def __str__(self) -> str:
        return f"{self.place}/{self.database}"

    @property
    def place(self) -> str:
        """Host and port; an IPv6 address is written in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in a URL; a password in it is ignored.

        Raises:
            InvalidInput: User or database is missing, or an option is unknown.
        """
        parsed = DatabaseUrl.parse(url)
        if not (parsed.username and parsed.database):
            raise InvalidInput(
                "The database URL names no user or no database",
                remedy="Write it as mysql://user@host:3306/database.",
                subject=parsed.without_password(),
            )
        options = dict(parsed.options)
        tls, authority = _tls_mode(options.pop("tls", "prefer")), options.pop("ca", "")
        if options:
            raise InvalidInput(
                f"The database URL has an unknown option: {', '.join(sorted(options))}",
                remedy="The options tls and ca are supported.",
            )
        host, port = parsed.host or "localhost", parsed.port or _PORT
        return cls(host, port, parsed.database, parsed.username, tls, authority)

    def origin(self, engine: str) -> Origin:
        """Return host, port and database, as a manifest names them."""
        return Origin(engine, self.database, f"{self.host}:{self.port}", self.database)

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the settings of a TLS connection; None if there shall be none.

        Raises:
            InvalidInput: The file of the certificate authority cannot be read.
        """
        if self.tls is TlsMode.DISABLE:
            return None
        if self.tls in (TlsMode.PREFER, TlsMode.REQUIRE):
            return unverified_context()
        return verifying_context(self.authority)


def _tls_mode(text: str) -> TlsMode:
    try:
        return TlsMode(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a valid value of tls",
            remedy=f"Use one of {', '.join(mode.value for mode in TlsMode)}.",
        ) from None
