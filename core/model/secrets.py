"""Secrets as Secrets Manager tells them; a value is always a `Secret`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.redaction import Secret

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"
#: Fields of the platform's secrets that are no secrets themselves.
OPEN_FIELDS = frozenset(
    {
        "aws_access_key_id", "bucket_name", "region",
        "host", "port", "database", "username", "engine",
    }
)  # fmt: skip
#: A label of ours, `strongroom:USER:ID`, tells who made a version: AWS itself keeps no name.
OWN_LABEL = "strongroom:"


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version of a secret: its id, the stages that point at it, and when it was made."""

    version_id: str
    stages: tuple[str, ...] = ()
    created: datetime | None = None
    accessed: datetime | None = None

    @property
    def by(self) -> str:
        """Who made it, if a label of ours tells; else nothing."""
        return _maker(self.stages)

    @property
    def shown_stages(self) -> tuple[str, ...]:
        """The stages without those labels."""
        return tuple(stage for stage in self.stages if not stage.startswith(OWN_LABEL))


def _maker(stages: tuple[str, ...]) -> str:
    own = next((stage for stage in stages if stage.startswith(OWN_LABEL)), "")
    return own.removeprefix(OWN_LABEL).rpartition(":")[0]


def own_label(user: str, version_id: str) -> str:
    """Return the label by which a version tells who made it."""
    return f"{OWN_LABEL}{user}:{version_id[:8]}"


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """A secret without its value. `deleted` is set while it waits for its deletion.

    `accessed` is a date without a time of day (AWS keeps no more). `versions` may be empty: a
    listing may lag, and only the labelled ones are told.
    """

    name: str
    arn: str = ""
    description: str = ""
    created: datetime | None = None
    changed: datetime | None = None
    accessed: datetime | None = None
    rotated: datetime | None = None
    deleted: datetime | None = None
    rotation_enabled: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    versions: tuple[SecretVersion, ...] = ()

    @property
    def updated(self) -> datetime | None:
        """When the value last changed, as well as AWS knows: its age counts from here."""
        return self.changed or self.created


@dataclass(frozen=True, slots=True)
class SecretValue:
    """One version's value. `text` is verbatim; a binary value is told as base64."""

    name: str
    version_id: str
    text: Secret
    stages: tuple[str, ...] = ()
    created: datetime | None = None
    binary: bool = False

    @property
    def by(self) -> str:
        """Who made it, if a label of ours tells; else nothing."""
        return _maker(self.stages)


@dataclass(frozen=True, slots=True)
class SecretWritten:
    """The truthy result of a write to a secret."""

    name: str
    arn: str = ""
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class SecretDeletion:
    """The truthy result of a deletion: until `when` the secret can be restored."""

    name: str
    arn: str
    when: datetime | None
