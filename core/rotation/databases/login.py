"""What a rotation asks of a database, and what is said when it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.errors import CredentialsInvalid, DatabaseError, Offline, StorageError, Throttled
from core.redaction import Secret, redacted
from core.work import Work


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is and as whom to log in; no secret."""

    engine: str
    host: str
    port: int
    database: str
    username: str

    def __str__(self) -> str:
        return f"{self.username} on {self.host}:{self.port}"


class DatabaseLogin(Protocol):
    """One user of one database."""

    @property
    def address(self) -> Address:
        """Where it is and as whom."""

    def check(self, password: Secret, work: Work) -> None:
        """Log in, ask one question, and leave.

        Raises:
            CredentialsInvalid: the password is refused.
            Offline: the database cannot be reached.
            DatabaseError: it refuses for another reason.
        """

    def change(self, from_password: Secret, to_password: Secret, work: Work) -> None:
        """Log in with one password and set another one; the server's log holds neither.

        Raises:
            CredentialsInvalid: the first password is refused.
            Offline: the database cannot be reached, or the answer was lost: it may have happened.
            DatabaseError: it does not take the new password.
        """


def accepted(login: DatabaseLogin, password: Secret, work: Work) -> bool:
    """Whether a password logs in; what is no answer to that is raised."""
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
        remedy="Store the right password in the secret, or let the database's administrator set "
        "it.",
        subject=str(address),
    )


def not_reached(address: Address, why: str) -> StorageError:
    """Return the error of a database that cannot be reached."""
    return Offline(
        f"The database at {address.host}:{address.port} cannot be reached",
        cause=why,
        remedy="Check host and port in the secret, the network, and whether the database runs.",
        subject=str(address),
    )


def too_many_connections(address: Address) -> StorageError:
    """Return the error of a database that takes no more connections."""
    return Throttled(
        f"The database at {address.host}:{address.port} takes no more connections",
        cause="Its limit of connections is reached.",
        remedy="Wait a while, then go on.",
        subject=str(address),
    )


def refused(address: Address, code: str, message: str) -> StorageError:
    """Return the error of a database that answered with a code of its own.

    Args:
        address: whose.
        code: SQLSTATE or number; empty if there is none.
        message: its words; they must not hold a statement.
    """
    reason = redacted(message).strip()
    return DatabaseError(
        f"The database at {address.host}:{address.port} refuses",
        cause=f"{reason} ({code})." if code else f"{reason}.",
        remedy=f"Ask the database's administrator what {address.username} may do.",
        subject=str(address),
    )
