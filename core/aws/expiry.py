"""When the credentials of a connection end, as far as their source says.

Import cheaply: botocore is loaded only when an end has to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import CredentialsExpired
from core.model.connection import Connection
from core.units import as_utc, format_moment

#: The longest life of a session: GetSessionToken and GetFederationToken allow 129,600 seconds;
#: sessions of roles end earlier (AWS STS API reference).
LONGEST_SESSION_SECONDS = 36 * 3600


@dataclass(frozen=True, slots=True)
class Expiry:
    """The end of credentials: `temporary` without `at` means that their source does not say it."""

    temporary: bool
    at: datetime | None = None

    @property
    def known(self) -> bool:
        """Whether the end is known; permanent credentials have none."""
        return not self.temporary or self.at is not None


def expiry_of(connection: Connection, credentials: Any) -> Expiry:
    """Return when credentials end; those that are fetched on first use are fetched for it.

    Args:
        connection: the profile, with the keys that it brings.
        credentials: botocore's, of any source.
    """
    frozen = credentials.get_frozen_credentials()
    at = getattr(credentials, "_expiry_time", None)
    if isinstance(at, datetime):
        return Expiry(temporary=True, at=as_utc(at))
    if connection.keys is not None and connection.keys.expires is not None:
        return Expiry(temporary=True, at=connection.keys.expires)
    # Without a word from the source, only the keys tell: AWS marks temporary ones (IAM user
    # guide, "Understanding unique ID prefixes").
    return Expiry(temporary=bool(frozen.token) or frozen.access_key.startswith("ASIA"))


def end_of(found: Any) -> datetime | None:
    """Return the end that a source gives with its keys (botocore's dictionary), or None."""
    from botocore.utils import parse_timestamp

    value = found.get("expiry_time") if isinstance(found, Mapping) else None
    return None if value is None else as_utc(parse_timestamp(value))


def ended(
    profile: str, section: str, method: str = "", *, at: datetime | None = None
) -> CredentialsExpired:
    """Return the error for keys that had ended already when their source gave them.

    Args:
        profile: our profile's name.
        section: the AWS profile in use.
        method: botocore's name of the source.
        at: when they ended, if that is known.
    """
    cause, remedy = _ENDED.get(method, _ENDED[""])
    when = f" at {format_moment(at)}" if at else ""
    return CredentialsExpired(
        "The credentials have ended",
        cause=cause.format(section=section, method=method or "a source", when=when),
        remedy=remedy,
        subject=profile,
    )


_ENDED = {
    "custom-process": (
        "The credential_process of the AWS profile {section} gives keys that ended{when}.",
        "Sign in with that program, and check this computer's clock; then try again.",
    ),
    "env": (
        "AWS_CREDENTIAL_EXPIRATION says that the keys in AWS_* variables ended{when}.",
        "Set the variables of a new session, then try again.",
    ),
    "": (
        "The keys that {method} gives for the AWS profile {section} ended{when}.",
        "Sign in again where they come from, and check this computer's clock; then try again.",
    ),
}
