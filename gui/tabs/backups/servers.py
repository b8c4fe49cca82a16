"""Logins to database servers: the fields of the form, their URL, and what is known after a login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from core.backup.conversion import is_convertible
from core.backup.databases import DATABASES, open_database
from core.backup.databases.address import (
    SECRET_PREFIX,
    DatabaseAddress,
    parse_address,
    store_password,
)
from core.backup.databases.base import Database
from core.backup.databases.url import DatabaseUrl
from core.errors import InvalidInput
from core.local.vault import Vault, VaultState
from core.model.backup import Origin
from core.redaction import Secret
from core.work import Work

#: How the connection is encrypted: the value of the form, and its text.
TLS_LEVELS = (
    ("prefer", "Preferred: encrypted if the server supports it"),
    ("require", "Required: encrypted, the certificate is not verified"),
    ("verify", "Verified: certificate and host name are checked"),
)
VERIFY = "verify"
#: Shown in the demo, which has no database server.
DEMO_NOTE = (
    "The demo has no database server: add one of yours with “Database server…” in the menu “Open "
    "database”."
)
DEMO_HINT = (
    "The demo has an SQLite file only. To back up PostgreSQL or MariaDB, choose “Database server…” "
    "in the menu “Open database”."
)


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A kind of database server that the form offers.

    Attributes:
        title: its name in the form.
        scheme: the scheme of its URLs, which is a dialect of its engine.
        port: the usual port.
        tls_option: the option of the URL for TLS.
        tls_values: the values of that option by the level of the form.
        authority_option: the option for the file of a certificate authority.
        password_file: the file of the engine's own programs that may have the password.
    """

    title: str
    scheme: str
    port: int
    tls_option: str
    tls_values: Mapping[str, str]
    authority_option: str
    password_file: str


_KINDS = (
    ServerKind(
        "PostgreSQL",
        "postgresql",
        5432,
        "sslmode",
        {"prefer": "prefer", "require": "require", VERIFY: "verify-full"},
        "sslrootcert",
        "~/.pgpass",
    ),
    ServerKind(
        "MariaDB or MySQL",
        "mysql",
        3306,
        "tls",
        {"prefer": "prefer", "require": "require", VERIFY: "verify"},
        "ca",
        "~/.my.cnf",
    ),
)
_DIALECTS = {dialect: engine.name for engine in DATABASES for dialect in engine.dialects}
#: The kinds of servers whose engines are in `DATABASES`.
SERVER_KINDS = tuple(kind for kind in _KINDS if kind.scheme in _DIALECTS)


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """The fields of the form, without the password."""

    kind: ServerKind
    host: str
    port: int
    database: str
    user: str
    tls: str = "prefer"
    authority: str = ""

    def url(self) -> str:
        """Return the URL without a password."""
        query = {} if self.tls == "prefer" else {self.kind.tls_option: self._tls_value}
        if self.tls == VERIFY and self.authority:
            query[self.kind.authority_option] = self.authority
        url = DatabaseUrl(
            self.kind.scheme,
            username=self.user,
            host=self.host,
            port=self.port,
            database=self.database,
            options=query,
        )
        return url.without_password()

    @property
    def _tls_value(self) -> str:
        return self.kind.tls_values[self.tls]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What is known about a server's database after a login; `tls` is a text for displays."""

    engine: str
    version: str
    origin: Origin
    tls: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A successful login; `password` is set if it is not in the keyring."""

    url: str
    password: Secret | None


def is_server(address: str) -> bool:
    """Return whether an address is a server's URL or a secret, and not an SQLite file."""
    if address.startswith(SECRET_PREFIX):
        return True
    return "://" in address and _DIALECTS.get(_scheme(address)) != "SQLite"


def engine_name(address: str) -> str:
    """Return the engine of a URL or a path; empty for a secret, which may contain any."""
    if address.startswith(SECRET_PREFIX):
        return ""
    return _DIALECTS.get(_scheme(address), "") if "://" in address else "SQLite"


def why_not_restored(engine: str, target: str) -> str:
    """Return why a backup of an engine cannot be restored into another; empty if it can."""
    found = next((each for each in DATABASES if each.name == target), None)
    if found is None or is_convertible(engine, found.load()):
        return ""
    return f"A backup of {engine} cannot be restored into {target}."


def database_and_host(url: str) -> tuple[str, str]:
    """Return the database and `host:port` of a URL; only for displays, since it checks nothing."""
    parts = _split(url)
    if parts is None:
        return "", ""
    return unquote(parts.path.lstrip("/")), parts.netloc.rpartition("@")[2]


def login_of(url: str) -> ServerLogin | None:
    """Return the fields of a URL, to fill the form again; None if it is not the URL of a server."""
    parts = _split(url)
    engine = _DIALECTS.get(_scheme(url), "")
    kind = next((each for each in SERVER_KINDS if _DIALECTS[each.scheme] == engine), None)
    if parts is None or kind is None:
        return None
    options = dict(parse_qsl(parts.query))
    values = {value: level for level, value in kind.tls_values.items()}
    values["verify-ca"] = VERIFY  # the form has no level between the two: the stricter one
    return ServerLogin(
        kind,
        parts.hostname or "",
        _port(parts) or kind.port,
        unquote(parts.path.lstrip("/")),
        unquote(parts.username or ""),
        values.get(options.get(kind.tls_option, ""), "prefer"),
        options.get(kind.authority_option, ""),
    )


def login_and_password(url: str) -> tuple[ServerLogin, Secret] | None:
    """Return the fields of a URL that was pasted, and its password; None if it is not usable."""
    try:
        address = parse_address(url.strip())
    except InvalidInput:
        return None
    login = login_of(address.url) if "://" in address.url else None
    return None if login is None else (login, address.password or Secret(""))


def facts_of(database: Database, url: str) -> ServerFacts | None:
    """Return what is known about an open database; None for an SQLite file, which needs nothing."""
    if not is_server(url):
        return None
    return ServerFacts(database.engine, database.version, database.origin, _tls(database, url))


def log_in(login: ServerLogin, password: Secret, *, store: bool, work: Work) -> LoggedIn:
    """Log in to a server and, on request, store the password in the keyring.

    Raises:
        CredentialsInvalid: The server refuses the password.
        DatabaseError: The server reports another error.
        KeyringError: The login succeeded, but the password cannot be stored.
        Offline: The server cannot be reached.
    """
    url = login.url()
    with open_database(DatabaseAddress(url, password or None), work=work):
        pass
    if not password:  # the server requires none, for example with pg_hba.conf's `trust`
        return LoggedIn(url, None)
    if store:
        store_password(url, password)
        return LoggedIn(url, None)
    return LoggedIn(url, password)


def keyring_state() -> VaultState:
    """Return whether passwords can be stored in the keyring; it does not prompt before that."""
    return Vault().probe()


def _tls(database: Database, url: str) -> str:
    if not database.encrypted:
        return "not encrypted"
    parts = _split(url)
    options = dict(parse_qsl(parts.query)) if parts else {}
    if options.get("sslmode") == "verify-ca":
        return "TLS, certificate verified, host name not verified"
    if options.get("sslmode") == "verify-full" or options.get("tls") == VERIFY:
        return "TLS, certificate and host name verified"
    return "TLS, certificate not verified"


def _scheme(url: str) -> str:
    return url.partition("://")[0].partition("+")[0].lower()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # brackets that are no IPv6 address
        return None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None
