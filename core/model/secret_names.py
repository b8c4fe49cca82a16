"""Names of the stages, labels and fields of secrets, and the fields that are public."""

from __future__ import annotations

import re

from core.redaction import Secret

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
PENDING = "AWSPENDING"
#: Fields of the platform's secrets that are public: logs and messages show their values.
OPEN_FIELDS = frozenset(
    {
        "aws_access_key_id", "bucket_name", "region",
        "host", "port", "database", "dbname", "username", "engine",
    }
)  # fmt: skip
#: A name, an address with a port, or a folder. Any other text may contain a password: a URL, a
#: connection string, a JSON object.
_PLAIN = re.compile(r"[\w.@+$\\ -]*|[\w.:,\[\]-]*|/[\w./-]*")
#: The field of a secret with a key of backups: with another value they could not be read.
BACKUP_KEY_FIELD = "backup_key"
#: The description of such a secret, by which listings recognize it without its value.
BACKUP_KEY_DESCRIPTION = "Encrypts backups of Strongroom. Backups cannot be read without it."
#: Prefix of Strongroom's labels, `strongroom:USER:ID`, which name the author of a version.
OWN_LABEL = "strongroom:"


def own_label(user: str, version_id: str) -> str:
    """Return the label that names the author of a version."""
    # A stage belongs to one version, so each version needs a different label; 8 characters suffice.
    return f"{OWN_LABEL}{user}:{version_id[:8]}"


def is_public(key: str, text: str) -> bool:
    """Return whether the value of a field may be shown: that of a public field, if it is plain."""
    return key in OPEN_FIELDS and _PLAIN.fullmatch(text) is not None


def field_value(key: str, text: str) -> Secret:
    """Wrap the value of a field; messages and logs show public values such as the bucket name."""
    return Secret(text, remembered=not is_public(key, text))
