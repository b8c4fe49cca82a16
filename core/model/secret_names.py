"""Names of the stages, labels and fields of secrets."""

from __future__ import annotations

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
