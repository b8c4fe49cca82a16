"""Strongroom's headless library: Secrets Manager, S3 and table backups, without a window."""

from typing import TYPE_CHECKING, Any

from core.version import __version__

if TYPE_CHECKING:
    from core.storage.aws_secrets_manager import SecretsManager
    from core.storage.crypto_data_manager import CryptoDataManager
    from core.storage.s3_storage_service import S3StorageService

__all__ = ["CryptoDataManager", "S3StorageService", "SecretsManager", "__version__"]

_HOMES = {
    "SecretsManager": "core.storage.aws_secrets_manager",
    "S3StorageService": "core.storage.s3_storage_service",
    "CryptoDataManager": "core.storage.crypto_data_manager",
}


def __getattr__(name: str) -> Any:
    """Load a service on first use: `import core` must stay cheap, boto3 costs 0.25 s."""
    if name not in _HOMES:
        message = f"module 'core' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
