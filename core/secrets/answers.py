"""Conversion of Secrets Manager's answers to the values of `core.model.secrets`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.model.secret_names import CURRENT
from core.model.secrets import SecretInfo, SecretValue, SecretVersion
from core.redaction import Secret
from core.units import as_utc


def info_of(entry: dict[str, Any]) -> SecretInfo:
    """Return the properties of a secret from its description or an entry of a listing."""
    # DescribeSecret and ListSecrets use different names for the same map.
    stages = entry.get("VersionIdsToStages") or entry.get("SecretVersionsToStages") or {}
    return SecretInfo(
        name=str(entry.get("Name", "")),
        arn=str(entry.get("ARN", "")),
        description=str(entry.get("Description", "") or ""),
        created=moment_of(entry.get("CreatedDate")),
        changed=moment_of(entry.get("LastChangedDate")),
        accessed=moment_of(entry.get("LastAccessedDate")),
        rotated=moment_of(entry.get("LastRotatedDate")),
        deleted=moment_of(entry.get("DeletedDate")),
        rotation_enabled=bool(entry.get("RotationEnabled")),
        tags=tuple((str(t.get("Key")), str(t.get("Value"))) for t in entry.get("Tags") or ()),
        versions=tuple(SecretVersion(version, tuple(names)) for version, names in stages.items()),
    )


def version_of(entry: dict[str, Any]) -> SecretVersion:
    """Return one version from an entry of a listing."""
    return SecretVersion(
        version_id=str(entry.get("VersionId", "")),
        stages=tuple(entry.get("VersionStages") or ()),
        created=moment_of(entry.get("CreatedDate")),
        accessed=moment_of(entry.get("LastAccessedDate")),
    )


def newest_first(version: SecretVersion) -> tuple[bool, float, bool]:
    """Return the sort key of versions: the current one first, then by age."""
    created = version.created.timestamp() if version.created else 0.0
    # The current version is first even if it is old, as after a rollback.
    return (CURRENT not in version.stages, -created, not version.stages)


def value_of(name: str, answer: dict[str, Any]) -> SecretValue:
    """Return the value of a secret; a binary value is converted to base64."""
    return SecretValue(
        name=name,
        version_id=str(answer.get("VersionId", "")),
        text=text_of(answer),
        stages=tuple(answer.get("VersionStages") or ()),
        created=moment_of(answer.get("CreatedDate")),
        binary=answer.get("SecretString") is None,
    )


def text_of(value: Mapping[str, Any]) -> Secret:
    """Return the text under SecretString, or the bytes under SecretBinary as base64."""
    if value.get("SecretString") is None:
        return Secret(base64.b64encode(value.get("SecretBinary") or b"").decode())
    return Secret(str(value["SecretString"]))


def moment_of(value: Any) -> datetime | None:
    """Return a date of AWS as an aware datetime in UTC, or None."""
    return as_utc(value) if isinstance(value, datetime) else None
