"""The three secrets of the contract in the demo's Secrets Manager."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from core.demo.data.identities import ACCOUNT, PLATFORM_KEY_DAYS
from core.demo.data.sample import randomness
from core.model.connection import (
    DEFAULT_BUCKET,
    DEFAULT_REGION,
    DEFAULT_SECRET_NAME,
    AccessKeys,
)


def make_secrets(platform: AccessKeys) -> None:
    """Create the secrets; the one of the storage contains the platform's actual keys."""
    storage = {
        "aws_access_key_id": platform.access_key_id,
        "aws_secret_access_key": platform.secret_access_key.reveal(),
        "bucket_name": DEFAULT_BUCKET,
        "region": DEFAULT_REGION,
    }
    database = {
        "host": "db.internal.example.com",
        "port": "5432",
        "database": "rex_trading",
        "username": "platform",
        "password": _made_up("database", 24),
    }
    exchanges = {
        name: _made_up(name, 32)
        for name in (
            "binance_api_key",
            "binance_secret_key",
            "coinbase_api_key",
            "coinbase_secret_key",
        )
    }
    _create(DEFAULT_SECRET_NAME, storage, "S3 access of the platform", PLATFORM_KEY_DAYS)
    _create("cryptotrading/database", database, "The trading database", 31)
    _create("cryptotrading/exchange-keys", exchanges, "API keys of the exchanges", 12)


def _made_up(name: str, length: int) -> str:
    random = randomness(f"secret {name}")
    return "".join(
        random.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=length)
    )


def _create(name: str, value: dict[str, str], description: str, days: int) -> None:
    backend = secretsmanager_backends[ACCOUNT][DEFAULT_REGION]
    backend.create_secret(
        name=name,
        secret_string=json.dumps(value),
        secret_binary=None,
        description=description,
        tags=[],
        kms_key_id=None,
        client_request_token=None,
        replica_regions=[],
        force_overwrite=False,
    )
    _backdate(backend.secrets[name], days)


def _backdate(secret: Any, days: int) -> None:
    made = int((datetime.now(UTC) - timedelta(days=days)).timestamp())
    secret.created_date = secret.last_changed_date = made
    for version in secret.versions.values():
        version["createdate"] = made
