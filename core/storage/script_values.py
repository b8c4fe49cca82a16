"""Results in the shapes that the earlier scripts use: dicts and strings that also have attributes.

Window and command line use the frozen dataclasses of `core.model`; these types are for scripts
alone, see `resources/docs/moving-from-the-earlier-scripts.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.model.secrets import SecretInfo


class ListedSecret(dict[str, Any]):
    """One entry of `SecretsManager.list_secrets`: AWS's fields under AWS's names and under ours.

    `Name`, `ARN`, `Description`, `CreatedDate`, `LastChangedDate`, `Tags` and whatever else
    ListSecrets answered stand beside `name`, `arn`, `description`, `created`, `last_changed`,
    `last_accessed` and `deleted`; each is an item and an attribute. Dates are aware datetimes, as
    boto3 returns them: write JSON with `json.dumps(entry, default=str)`.
    """

    def __init__(self, entry: Mapping[str, Any], info: SecretInfo) -> None:
        super().__init__(
            dict(entry),
            Name=info.name,
            ARN=info.arn,
            Description=info.description,
            name=info.name,
            arn=info.arn,
            description=info.description,
            created=info.created,
            last_changed=info.changed,
            last_accessed=info.accessed,
            deleted=info.deleted,
        )

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None
