"""Profiles, which contain no keys, and connections, which are profiles with keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.redaction import Secret

DEFAULT_BUCKET = "tentimecrypto"
DEFAULT_REGION = "us-east-1"
DEFAULT_SECRET_NAME = "cryptotrading/s3-storage"  # noqa: S105 - the name of a secret, not one
SECRET_PREFIX = "cryptotrading/"  # noqa: S105 - the prefix of secrets' names


class KeySource(Enum):
    """Credential source of a profile."""

    KEYRING = "keyring"
    AWS_PROFILE = "aws-profile"
    ENVIRONMENT = "environment"
    ROLE = "role"
    SESSION = "session"


class ProfileColour(Enum):
    """Colour of a profile, which is always shown with its name."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Profile:
    """Stored connection to a bucket. It contains no secret: an access key id is an identifier.

    `endpoint_url` is None for AWS. `aws_profile` is a section of the AWS configuration files
    (including SSO and assume-role). `role_arn` adds an assume-role step.
    """

    name: str
    source: KeySource
    region: str = DEFAULT_REGION
    endpoint_url: str | None = None
    bucket: str = DEFAULT_BUCKET
    secret_name: str = DEFAULT_SECRET_NAME
    access_key_id: str | None = None
    aws_profile: str | None = None
    role_arn: str | None = None
    colour: ProfileColour = ProfileColour.BLUE

    @property
    def production(self) -> bool:
        """Whether the profile is read-only until it is unlocked."""
        # The colour is the marker, so that no profile can look like production without the
        # protection.
        return self.colour is ProfileColour.RED


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """Static or temporary keys for the client factory, in memory only.

    `expires` is only known for a session that this program opened.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A profile with its keys, if they are stored in the keyring or in memory.

    Other sources may have the keys of a session that was opened with an MFA code, which replace the
    complete source, including another role.

    A production profile is read-only until the user unlocks it (`unlocked`). `session` counts the
    sessions that were started with the profile: keys that are not in `keys` are read again.
    """

    profile: Profile
    keys: AccessKeys | None = None
    unlocked: bool = False
    session: int = 0

    @property
    def read_only(self) -> bool:
        """Whether every request that changes data is refused."""
        return self.profile.production and not self.unlocked
