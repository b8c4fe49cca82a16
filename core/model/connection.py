"""Profiles (how keys are got, without any key) and connections (a profile with its keys)."""

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
    """How a profile gets its keys."""

    KEYRING = "keyring"
    AWS_PROFILE = "aws-profile"
    ENVIRONMENT = "environment"
    ROLE = "role"
    SESSION = "session"


class ProfileColour(Enum):
    """What the profile's chip warns of; always shown with the profile's name."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to reach one bucket. Holds no secret: an access key id is an identifier.

    `endpoint_url` None means AWS itself. `aws_profile` names a section of the AWS config files
    (SSO and assume-role included). `role_arn` asks for a further assume-role step.
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
        """Whether the profile opens read-only."""
        return self.colour is ProfileColour.RED


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """Static or temporary keys as they are handed to the client factory; memory only.

    `expires` is known only for a session that was opened here.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A profile together with its keys, if its source keeps them with us.

    A source that does not may come with the keys of a session that was opened with an MFA code:
    they stand for the whole source, a further role included.

    A production profile is read-only until it is `unlocked`, which somebody does deliberately.
    """

    profile: Profile
    keys: AccessKeys | None = None
    unlocked: bool = False

    @property
    def read_only(self) -> bool:
        """Whether every call that changes something is refused."""
        return self.profile.production and not self.unlocked


@dataclass(frozen=True, slots=True)
class Identity:
    """Who AWS says we are (`sts:GetCallerIdentity`).

    `expires` is set for temporary credentials only; `expiry_known` is False for temporary ones
    whose source does not say when they end.
    """

    account: str
    arn: str
    user: str
    expires: datetime | None = None
    expiry_known: bool = True
