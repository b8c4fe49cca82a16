"""Addresses of databases with their passwords: a path, a URL, or a secret that contains the parts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.backup.databases.url import DatabaseUrl
from core.errors import Corrupt, InvalidInput, KeyringError
from core.local.vault import KeyVault, Vault
from core.model.connection import AccessKeys
from core.redaction import Secret
from core.work import Work

if TYPE_CHECKING:
    from core.storage.aws_secrets_manager import SecretsManager

#: Prefix of an address that names a secret, for example `secret:cryptotrading/database`.
SECRET_PREFIX = "secret:"  # noqa: S105 - no password
#: Engines as the contract's secret names them, and the scheme of their URL.
_SCHEMES = {
    "postgresql": "postgresql", "postgres": "postgresql", "aurora-postgresql": "postgresql",
    "mysql": "mysql", "mariadb": "mariadb", "aurora-mysql": "mysql",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """A path or a URL without a password, and the password if one is needed.

    `missing` is the reason why there is no password, for the error of a server that needs one.
    """

    url: str
    password: Secret | None = None
    missing: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.url}"


def parse_address(text: str | DatabaseAddress) -> DatabaseAddress:
    """Return an address; a password in a URL is separated from it.

    Raises:
        InvalidInput: The text is empty, or a URL that cannot be parsed.
    """
    if isinstance(text, DatabaseAddress):
        return text
    if not text.strip():
        raise InvalidInput(
            "No database was specified",
            remedy="Use the path of an SQLite file, postgresql://user@host/database, or "
            "secret:cryptotrading/database.",
        )
    if text.startswith(SECRET_PREFIX):
        raise InvalidInput(
            f"The secret of {text!r} was not read",
            remedy="Resolve the address with a connection to Secrets Manager.",
        )
    if "://" not in text:
        return DatabaseAddress(text)
    url = DatabaseUrl.parse(text)
    if url.password is None:
        return DatabaseAddress(text)
    return DatabaseAddress(url.without_password(), url.password)


def resolve_address(
    text: str | DatabaseAddress,
    secrets: SecretsManager | None,
    work: Work,
    *,
    vault: KeyVault | None = None,
) -> DatabaseAddress:
    """Return an address with its password, from the URL, the named secret, or the keyring.

    A secret may contain the address only; the password is then read from the keyring, too.

    Args:
        text: A path, a URL, or `secret:NAME` of a secret with the fields `host`, `port`,
            `database` (or `dbname`, as AWS names it), `username`, `password` and `engine`
            (PostgreSQL if it is missing).
        secrets: Secrets Manager; None if there is no connection.
        work: Cancel token.
        vault: The keyring; by default that of the system.

    Raises:
        Corrupt: The secret does not contain an address.
        InvalidInput: The text is not an address.
        NotFound: The secret does not exist.
    """
    if isinstance(text, str) and text.startswith(SECRET_PREFIX) and secrets is not None:
        name = text.removeprefix(SECRET_PREFIX)
        if not name.strip():
            raise InvalidInput(
                f"The address {text!r} names no secret",
                remedy=f"Write it as {SECRET_PREFIX}NAME, for example {SECRET_PREFIX}cryptotrading/"
                "database.",
            )
        return _from_fields(name, secrets.get_secret(name, work=work), vault or Vault())
    address = parse_address(text)
    if address.password is None and "://" in address.url and not address.url.startswith("sqlite"):
        return _with_stored_password(address.url, vault or Vault())
    return address


def secrets_of(workspace: object) -> SecretsManager | None:
    """Return the Secrets Manager of a workspace; None for a workspace with a bucket only."""
    return getattr(workspace, "secrets", None)


def store_password(url: str, password: Secret, *, vault: KeyVault | None = None) -> None:
    """Store the password of a database URL in the keyring.

    Raises:
        KeyringError: The keyring cannot be used.
    """
    (vault or Vault()).store(_entry(url), AccessKeys("database", password))


def delete_password(url: str, *, vault: KeyVault | None = None) -> None:
    """Remove the password of a database URL from the keyring.

    Raises:
        KeyringError: The keyring cannot be used.
    """
    (vault or Vault()).delete(_entry(url))


def _with_stored_password(url: str, vault: KeyVault) -> DatabaseAddress:
    """Return an address with its stored password, if there is one: a server may need none."""
    try:
        keys = vault.load(_entry(url))
    except KeyringError as error:
        return DatabaseAddress(url, missing=error.reason)
    if keys is None:
        return DatabaseAddress(url, missing="The keyring has no password for this URL.")
    return DatabaseAddress(url, keys.secret_access_key)


def _entry(url: str) -> str:
    return f"database {url}"


def _from_fields(name: str, fields: dict[str, Any], vault: KeyVault) -> DatabaseAddress:
    engine = str(fields.get("engine") or "postgresql").lower().partition("+")[0]
    texts = {key: str(fields.get(key) or "") for key in ("host", "database", "username")}
    # Secrets that AWS creates for its databases, and its rotation functions, have `dbname`.
    # Source: Secrets Manager user guide, "JSON structure of AWS Secrets Manager secrets".
    texts["database"] = texts["database"] or str(fields.get("dbname") or "")
    port = str(fields.get("port") or "")
    if engine not in _SCHEMES or not all(texts.values()) or not (port or "0").isdecimal():
        raise Corrupt(
            f"The secret {name} does not contain the address of a database",
            cause="The fields host, database and username are required; port must be a number and "
            f"engine one of {', '.join(_SCHEMES)}.",
            remedy="Correct the secret, or enter the address yourself.",
            subject=name,
        )
    url = DatabaseUrl(
        _SCHEMES[engine],
        username=texts["username"],
        host=texts["host"],
        port=int(port) if port else None,
        database=texts["database"],
    )
    password = fields.get("password")
    if password is not None and password != "":
        return DatabaseAddress(url.without_password(), Secret(str(password)))
    stored = _with_stored_password(url.without_password(), vault)
    return replace(stored, missing=f"The secret {name} has no password. {stored.missing}".rstrip())
