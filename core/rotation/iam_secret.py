"""The access key in the text of the secret `cryptotrading/s3-storage`."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Corrupt
from core.model.connection import AccessKeys
from core.redaction import Secret
from core.rotation.secret_fields import with_fields
from core.secrets import secret_text

KEY_ID = "aws_access_key_id"
KEY_SECRET = "aws_secret_access_key"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class StorageSecret:
    """Content of the secret: the access key, and its bucket (empty if there is none)."""

    keys: AccessKeys
    bucket: str
    region: str


def read_secret(name: str, text: Secret) -> StorageSecret:
    """Return the keys and the bucket in a secret's text.

    Raises:
        Corrupt: the text is not a JSON object with both parts of a key.
    """
    values = secret_text.parsed(name, text.reveal())
    key_id, secret = values.get(KEY_ID), values.get(KEY_SECRET)
    if not (isinstance(key_id, str) and isinstance(secret, str) and key_id and secret):
        raise Corrupt(
            f"Secret {name} contains no access key",
            cause=f"The fields {KEY_ID} and {KEY_SECRET} are required.",
            remedy="Complete the secret, then rotate it.",
            subject=name,
        )
    return StorageSecret(
        AccessKeys(key_id, Secret(secret)),
        str(values.get("bucket_name") or ""),
        str(values.get("region") or ""),
    )


def with_keys(text: Secret, keys: AccessKeys) -> Secret:
    """Return the text with another access key and all other fields unchanged.

    Raises:
        InvalidInput: the text is not a JSON object, or contains a field twice.
    """
    # An id is not secret, so it stays readable in messages.
    new = {KEY_ID: Secret(keys.access_key_id, remembered=False), KEY_SECRET: keys.secret_access_key}
    return with_fields(text, new)
