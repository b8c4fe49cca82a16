"""Addresses of PostgreSQL databases: `postgresql://user@host:port/database?sslmode=verify-full`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Self

from core.errors import InvalidInput

_PORT = 5432


class TlsMode(Enum):
    """Whether TLS is used and what is verified. Source: PostgreSQL manual, `sslmode` of libpq."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Host, port, database and user, without a password."""

    host: str
    port: int
    database: str
    user: str
    tls: TlsMode = TlsMode.PREFER
    root_certificate: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address in a URL; a password in it is ignored.

        Raises:
            InvalidInput: Host, user or database is missing, or an option is unknown.
        """
        from sqlalchemy.engine import make_url

        parsed = make_url(url)
        if not (parsed.username and parsed.database):
            raise InvalidInput(
                "The database URL names no user or no database",
                remedy="Write it as postgresql://user@host:5432/database.",
                subject=parsed.render_as_string(hide_password=True),
            )
        options = {name: str(value) for name, value in parsed.query.items()}
        tls = _tls_mode(options.pop("sslmode", TlsMode.PREFER.value))
        root = options.pop("sslrootcert", "")
        if options:
            raise InvalidInput(
                f"The database URL has an unknown option: {', '.join(sorted(options))}",
                remedy="The options sslmode and sslrootcert are supported.",
            )
        host, port = parsed.host or "localhost", parsed.port or _PORT
        return cls(host, port, parsed.database, parsed.username, tls, root)


def _tls_mode(text: str) -> TlsMode:
    try:
        return TlsMode(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a valid sslmode",
            remedy=f"Use one of {', '.join(mode.value for mode in TlsMode)}.",
        ) from None
