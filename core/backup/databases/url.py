"""Database URLs in SQLAlchemy's form: `engine+driver://user:password@host:port/database?option=value`.

SQLAlchemy itself is not used for it: its import takes longer than a small backup. A test compares
both for generated URLs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from core.errors import InvalidInput
from core.redaction import Secret

#: No part is matched more strictly than by SQLAlchemy, so that each URL means the same in both. A
#: password may contain a slash or a colon, but an `@` only as `%40`.
_FORM = re.compile(
    r"""(?P<scheme>[\w+]+)://
    (?:(?P<username>[^:/]*)(?::(?P<password>[^@]*))?@)?
    (?:\[(?P<ipv6>[^/?]+)\]|(?P<name>[^/:?]+))?
    (?::(?P<port>[^/?]*))?
    (?:/(?P<database>[^?]*))?
    (?:\?(?P<query>.*))?""",
    re.VERBOSE,
)

_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The parts of a URL, without percent signs for special characters; None if a part is missing.

    An option that is repeated has its last value.
    """

    scheme: str
    username: str | None = None
    password: Secret | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the parts of a URL.

        Raises:
            InvalidInput: The text is not a URL, or its port is not one. The message does not repeat
                the text, which may contain a password.
        """
        match = _FORM.match(text)
        port = match["port"] if match else None
        if match is None or (port is not None and not re.fullmatch(r"[0-9]{1,5}", port)):
            raise InvalidInput(
                "The database URL cannot be read",
                remedy="Use the form postgresql://user@host:5432/database or "
                "sqlite:///path/to/file.db.",
            )
        if port is not None and not 0 < int(port) <= _LARGEST_PORT:
            raise InvalidInput(
                f"{port} is not the port of a database server",
                cause=f"A port is a number from 1 to {_LARGEST_PORT}.",
                remedy="Correct the URL, for example postgresql://user@host:5432/database.",
            )
        return cls(
            match["scheme"],
            _unquoted(match["username"]),
            None if match["password"] is None else Secret(unquote(match["password"])),
            match["name"] or match["ipv6"],
            int(port) if port else None,
            _unquoted(match["database"]),
            dict(parse_qsl(match["query"] or "")),
        )

    @property
    def engine(self) -> str:
        """The scheme without a driver: `mysql` of `mysql+pymysql`."""
        return self.scheme.partition("+")[0]

    def without_password(self) -> str:
        """Return the URL without its password."""
        user = "" if self.username is None else quote(self.username, safe=" +") + "@"
        host = self.host or ""
        host = f"[{host}]" if ":" in host else host
        port = "" if self.port is None else f":{self.port}"
        path = "" if self.database is None else "/" + quote(self.database, safe=" +/")
        pairs = (f"{quote_plus(k)}={quote_plus(v)}" for k, v in sorted(self.options.items()))
        options = "&".join(pairs)
        return f"{self.scheme}://{user}{host}{port}{path}" + (f"?{options}" if options else "")


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)
