"""Expiry of the credentials of a connection, as far as their source reports it.

Importing this module is fast: botocore is only imported when an expiry is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import CredentialsExpired
from core.model.connection import Connection
from core.units import as_utc, format_moment

#: The longest duration of a session: GetSessionToken and GetFederationToken allow 129,600 seconds;
#: role sessions are shorter (AWS STS API reference).
LONGEST_SESSION_SECONDS = 36 * 3600


@dataclass(frozen=True, slots=True)
class Expiry:
    """Expiry of credentials; temporary ones without `at` have an unknown expiry."""

    temporary: bool
    at: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether the expiry is known; it is for permanent credentials, which do not expire."""
        return not self.temporary or self.at is not None


def expiry_of(connection: Connection, credentials: Any) -> Expiry:
    """Return when credentials expire; credentials that are fetched on first use are fetched.

    Args:
        connection: the profile and its keys.
        credentials: botocore's credentials, from any source.
    """
    frozen = credentials.get_frozen_credentials()
    at = getattr(credentials, "_expiry_time", None)
    if isinstance(at, datetime):
        return Expiry(temporary=True, at=as_utc(at))
    if connection.keys is not None and connection.keys.expires is not None:
        return Expiry(temporary=True, at=connection.keys.expires)
    # If the source does not report it, the prefix of the key id does (IAM user guide,
    # "Understanding unique ID prefixes").
    return Expiry(temporary=bool(frozen.token) or frozen.access_key.startswith("ASIA"))


def end_of(found: Any) -> datetime | None:
    """Return the expiry in botocore's dictionary of credentials, or None."""
    from botocore.utils import parse_timestamp

    value = found.get("expiry_time") if isinstance(found, Mapping) else None
    return None if value is None else as_utc(parse_timestamp(value))


def expired_credentials(
    profile: str, section: str, method: str = "", *, at: datetime | None = None
) -> CredentialsExpired:
    """Return the error for keys that had already expired when their source returned them.

    Args:
        profile: the name of the profile.
        section: the AWS profile in use.
        method: botocore's name of the source.
        at: when they expired, if it is known.
    """
    cause, remedy = _ENDED.get(method, _ENDED[""])
    when = f" at {format_moment(at)}" if at else ""
    return CredentialsExpired(
        "The credentials have expired",
        cause=cause.format(section=section, method=method or "a source", when=when),
        remedy=remedy,
        subject=profile,
    )


_ENDED = {
    "custom-process": (
        "The credential_process of the AWS profile {section} returned keys that expired{when}.",
        "Sign in with that program and check the clock of this machine, then try again.",
    ),
    "env": (
        "According to AWS_CREDENTIAL_EXPIRATION, the keys in the AWS_* variables expired{when}.",
        "Set the variables of a new session, then try again.",
    ),
    "": (
        "The keys from {method} for the AWS profile {section} expired{when}.",
        (
            "Sign in again at the source of the keys and check the clock of this machine, then try "
            "again."
        ),
    ),
}
