"""The operations that a rotation needs of a database, and their errors.

Errors are the same for every kind of database, so that only a refused password is ever taken for
one: a rotation sets a password, or sets it back, depending on that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.errors import (
    DatabaseBusy,
    DatabaseError,
    DatabaseLoginRefused,
    DatabaseOffline,
    StorageError,
)
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
            DatabaseLoginRefused: the database refuses the password.
            DatabaseOffline: the database cannot be reached.
            DatabaseError: the database reports another error.
        """

    def change(self, from_password: Secret, to_password: Secret, work: Work) -> None:
        """Log in with one password and set another; neither appears in the server's log.

        Raises:
            DatabaseLoginRefused: the database refuses the first password.
            DatabaseOffline: the database cannot be reached, or the answer was lost and the outcome
                is unknown.
            DatabaseError: the database refuses the new password.
        """


def accepted(login: DatabaseLogin, password: Secret, work: Work) -> bool:
    """Return whether a password is accepted; other errors are raised."""
    try:
        login.check(password, work)
    except DatabaseLoginRefused:
        return False
    return True


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """The codes of one kind of database that have a meaning for a rotation.

    `unavailable`: the server starts, stops or recovers, or the connection ended.
    """

    refused_login: str
    too_many_connections: frozenset[str]
    unavailable: frozenset[str]


def login_error(address: Address, codes: ErrorCodes, code: str, message: str) -> StorageError:
    """Return the error for a code that a database reported.

    Args:
        address: the address of the database.
        codes: the codes of its kind.
        code: SQLSTATE or number; empty if the database reported none.
        message: its message, which must not contain a statement.
    """
    # Only this code proves a wrong password; a rotation acts on that.
    if code == codes.refused_login:
        return DatabaseLoginRefused(
            f"The database refuses the password of {address.username}",
            cause=f"{address.host}:{address.port} does not accept it.",
            remedy="Store the correct password in the secret, or ask the database administrator to "
            "set it.",
            subject=str(address),
        )
    if code in codes.too_many_connections:
        return DatabaseBusy(
            f"The database at {address.host}:{address.port} does not accept more connections",
            cause="The connection limit of the database is reached.",
            remedy="Wait a moment, then try again.",
            subject=str(address),
        )
    if code in codes.unavailable:
        return not_reached(
            address, "The database is starting, stopping or recovering, or the connection ended."
        )
    reason = redacted(message).strip()
    return _refused(address, f"{reason} ({code})." if code else f"{reason}.")


def unexpected_answer(address: Address, error: Exception) -> StorageError:
    """Return the error for an exception of a driver that has no code of the database."""
    return _refused(address, f"The login failed with {type(error).__name__}.")


def not_reached(address: Address, why: str) -> StorageError:
    """Return the error of a database that cannot be reached; `why` is a sentence."""
    return DatabaseOffline(
        f"The database at {address.host}:{address.port} cannot be reached",
        cause=why,
        remedy="Check host and port in the secret, the network, and whether the database is "
        "running.",
        subject=str(address),
    )


def _refused(address: Address, cause: str) -> StorageError:
    return DatabaseError(
        f"The database at {address.host}:{address.port} reported an error",
        cause=cause,
        remedy=f"Ask the database administrator about the permissions of {address.username}.",
        subject=str(address),
    )
