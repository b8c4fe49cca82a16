"""Templates of the platform's secrets for new ones."""

from __future__ import annotations

from core.model.connection import SECRET_PREFIX

#: Title, name, and keys with default values; the last two are for all other secrets.
#: None means a text that is not a JSON object.
TEMPLATES: tuple[tuple[str, str, dict[str, str] | None], ...] = (
    (
        "S3 storage",
        f"{SECRET_PREFIX}s3-storage",
        {
            "aws_access_key_id": "",
            "aws_secret_access_key": "",
            "bucket_name": "tentimecrypto",
            "region": "us-east-1",
        },
    ),
    (
        "Database",
        f"{SECRET_PREFIX}database",
        {"host": "", "port": "5432", "database": "", "username": "", "password": ""},
    ),
    (
        "Exchange keys",
        f"{SECRET_PREFIX}exchange-keys",
        {
            "binance_api_key": "",
            "binance_secret_key": "",
            "coinbase_api_key": "",
            "coinbase_secret_key": "",
        },
    ),
    ("Other keys and values", SECRET_PREFIX, {}),
    ("Plain text", SECRET_PREFIX, None),
)
