"""The operations that a rotation needs of a database, and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.errors import CredentialsInvalid, DatabaseError, Offline, StorageError, Throttled
from core.redaction import Secret, redacted
from core.work import Work


@dataclass(frozen=True, slots=True)
class Address:
    """Address of a database and user name, without a password."""

    engine: str
    host: str
    port: int
    database: str
    username: str

    def __str__(self) -> str:
        return f"{self.username} on {self.host}:{self.port}"


class DatabaseLogin(Protocol):
    """A user of a database."""

    @property
    def address(self) -> Address:
        """The address and the user name."""

    def check(self, password: Secret, work: Work) -> None:
        """Log in, run a query, and disconnect.

        Raises:
            CredentialsInvalid: the database refuses the password.
            Offline: the database cannot be reached.
            DatabaseError: the database reports another error.
        """

    def change(self, from_password: Secret, to_password: Secret, work: Work) -> None:
        """Log in with one password and set another; neither appears in the server's log.

        Raises:
            CredentialsInvalid: the database refuses the first password.
            Offline: the database cannot be reached, or the answer was lost and the outcome is
                unknown.
            DatabaseError: the database refuses the new password.
        """


def accepted(login: DatabaseLogin, password: Secret, work: Work) -> bool:
    """Return whether a password is accepted; other errors are raised."""
    try:
        login.check(password, work)
    except CredentialsInvalid:
        return False
    return True


def wrong_password(address: Address) -> StorageError:
    """Return the error of a refused password."""
    return CredentialsInvalid(
        f"The database refuses the password of {address.username}",
        cause=f"{address.host}:{address.port} does not accept it.",
        remedy="Store the correct password in the secret, or ask the database administrator to set "
        "it.",
        subject=str(address),
    )


def not_reached(address: Address, why: str) -> StorageError:
    """Return the error of a database that cannot be reached."""
    return Offline(
        f"The database at {address.host}:{address.port} cannot be reached",
        cause=why,
        remedy="Check host and port in the secret, the network, and whether the database is "
        "running.",
        subject=str(address),
    )


def too_many_connections(address: Address) -> StorageError:
    """Return the error of a database whose connection limit is reached."""
    return Throttled(
        f"The database at {address.host}:{address.port} does not accept more connections",
        cause="The connection limit of the database is reached.",
        remedy="Wait a moment, then try again.",
        subject=str(address),
    )


def refused(address: Address, code: str, message: str) -> StorageError:
    """Return the error of a database that reported an error code.

    Args:
        address: the address of the database.
        code: SQLSTATE or number; empty if there is none.
        message: its message, which must not contain a statement.
    """
    reason = redacted(message).strip()
    return DatabaseError(
        f"The database at {address.host}:{address.port} reported an error",
        cause=f"{reason} ({code})." if code else f"{reason}.",
        remedy=f"Ask the database administrator about the permissions of {address.username}.",
        subject=str(address),
    )
