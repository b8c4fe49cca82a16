"""The platform's S3 keys in the secret `cryptotrading/s3-storage`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import Corrupt, InvalidInput, StorageError
from core.hints import Hint
from core.model.connection import DEFAULT_BUCKET, AccessKeys
from core.model.secret_names import field_value
from core.redaction import Secret
from core.secrets.secret_text import SecretRow, rows_of, text_of
from core.work import Work

if TYPE_CHECKING:
    from core.storage.aws_secrets_manager import SecretsManager

SUMMARY = "Could not retrieve S3 credentials from secret"
REMEDY = "Run the set-up, which tests the keys and stores them in the secret."
_FIELDS = ("aws_access_key_id", "aws_secret_access_key")


@dataclass(frozen=True, slots=True)
class StorageKeys:
    """Content of the secret; `region` is empty if the secret has none."""

    keys: AccessKeys
    bucket: str
    region: str


def storage_keys(
    secrets: SecretsManager, secret_name: str, *, work: Work | None = None
) -> StorageKeys:
    """Read the S3 keys, bucket and region from a secret.

    Raises:
        StorageError: the secret could not be read; kind and cause are those of the failure.
    """
    try:
        value = secrets.get_secret(secret_name, work=work)
    except StorageError as error:
        raise _known(error, secret_name) from None
    missing = [name for name in _FIELDS if not value.get(name)]
    if missing:
        raise Corrupt(
            SUMMARY,
            cause=f"Secret {secret_name} lacks {' and '.join(missing)}.",
            remedy=REMEDY,
            hints=Hint.SET_UP,
            subject=secret_name,
        )
    token = value.get("aws_session_token")
    keys = AccessKeys(
        str(value["aws_access_key_id"]),
        Secret(str(value["aws_secret_access_key"])),
        Secret(str(token)) if token else None,
    )
    return StorageKeys(
        keys, str(value.get("bucket_name") or DEFAULT_BUCKET), str(value.get("region") or "")
    )


def storage_text(found: StorageKeys, before: str = "") -> str:
    """Return the text of the secret with keys, bucket and region; other fields are unchanged."""
    values = {
        "aws_access_key_id": found.keys.access_key_id,
        "aws_secret_access_key": found.keys.secret_access_key.reveal(),
        "bucket_name": found.bucket,
        "region": found.region,
    }
    try:
        # Fields that other programs added to the secret must survive the set-up.
        old = rows_of(before)
    except InvalidInput:
        return json.dumps(values, indent=2)
    rows = [
        SecretRow(row.key, field_value(row.key, values.pop(row.key))) if row.key in values else row
        for row in old
    ]
    rows += [SecretRow(key, field_value(key, value)) for key, value in values.items()]
    return text_of(rows, before)


def _known(error: StorageError, secret_name: str) -> StorageError:
    """Return an error with the known summary, and the kind and action of the failure."""
    # Scripts know this summary; type and action remain those of the failure.
    return type(error)(
        SUMMARY,
        cause=f"{error.summary}. {error.cause}".strip(),
        remedy=f"{REMEDY} {error.remedy}".strip(),
        subject=secret_name,
        action=error.action,
        details=error.details,
        kind=error.kind,
        hints=Hint.SET_UP | error.hints,
        hint_value=error.hint_value,
    )
