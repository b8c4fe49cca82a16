"""Secrets of Secrets Manager; their values are `Secret` objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.model.secret_names import BACKUP_KEY_DESCRIPTION, OWN_LABEL
from core.redaction import Secret


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """A version of a secret: its id, its stages, and when it was created."""

    version_id: str
    stages: tuple[str, ...] = ()
    created: datetime | None = None
    accessed: datetime | None = None

    @property
    def by(self) -> str:
        """The author, if a label names one, else an empty string."""
        return _maker(self.stages)

    @property
    def shown_stages(self) -> tuple[str, ...]:
        """The stages without Strongroom's labels."""
        return tuple(stage for stage in self.stages if not stage.startswith(OWN_LABEL))


def _maker(stages: tuple[str, ...]) -> str:
    own = next((stage for stage in stages if stage.startswith(OWN_LABEL)), "")
    return own.removeprefix(OWN_LABEL).rpartition(":")[0]


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """A secret without its value; `deleted` is set if it is scheduled for deletion.

    `accessed` is a date without a time (AWS stores no time). `versions` may be empty: a listing may
    lag, and only contains versions with stages.
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
    def is_backup_key(self) -> bool:
        """Whether it is the key of encrypted backups, which is not replaced at any age."""
        return self.description == BACKUP_KEY_DESCRIPTION

    @property
    def updated(self) -> datetime | None:
        """The last change of the value as far as AWS reports it, from which its age counts."""
        return self.changed or self.created


@dataclass(frozen=True, slots=True)
class SecretValue:
    """The value of a version; `text` is unchanged, a binary value is base64."""

    name: str
    version_id: str
    text: Secret
    stages: tuple[str, ...] = ()
    created: datetime | None = None
    binary: bool = False

    @property
    def by(self) -> str:
        """The author, if a label names one, else an empty string."""
        return _maker(self.stages)


@dataclass(frozen=True, slots=True)
class SecretWritten:
    """The truthy result of a write to a secret."""

    name: str
    arn: str = ""
    version_id: str = ""


@dataclass(frozen=True, slots=True)
class SecretDeletion:
    """The truthy result of a deletion; the secret can be restored until `when`."""

    name: str
    arn: str
    when: datetime | None
