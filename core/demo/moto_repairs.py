"""Where moto's Secrets Manager and S3 differ from AWS's, it is mended here: once in a process."""

from __future__ import annotations

import json
from functools import cache, wraps
from typing import Any

from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.secretsmanager.exceptions import SecretNotFoundException
from moto.secretsmanager.models import SecretsManagerBackend


@cache
def repair_moto() -> None:
    """Have a read without a stage follow AWSCURRENT, and versions be listed as they are.

    moto 5.2 keeps the version of the last write for such reads, also after UpdateSecretVersionStage
    has moved AWSCURRENT. ListSecretVersionIds tells the present time as each version's date, and
    answers with status 500 for an unknown name.
    """
    move, versions = (
        SecretsManagerBackend.update_secret_version_stage,
        SecretsManagerBackend.list_secret_version_ids,
    )

    @wraps(move)
    def moved(backend: Any, secret_id: str, version_stage: str, *more: Any, **named: Any) -> Any:
        result = move(backend, secret_id, version_stage, *more, **named)
        secret = backend.secrets[secret_id]
        for version_id, version in secret.versions.items():
            if "AWSCURRENT" in version["version_stages"]:
                secret.set_default_version_id(version_id)
        return result

    @wraps(versions)
    def listed(backend: Any, secret_id: str) -> Any:
        if secret_id not in backend.secrets:
            raise SecretNotFoundException
        told = json.loads(versions(backend, secret_id))
        made = backend.secrets[secret_id].versions
        for version in told["Versions"]:
            version["CreatedDate"] = made[version["VersionId"]]["createdate"]
        return json.dumps(told)

    backends: Any = SecretsManagerBackend
    backends.update_secret_version_stage = moved
    backends.list_secret_version_ids = listed
    _repair_folders()


def _repair_folders() -> None:
    """Have a listing leave out folders in which every object was deleted, as S3 does.

    moto 5.2 drops delete markers from the objects of a listing, not from its common prefixes.
    """
    listing = S3Backend.list_objects

    @wraps(listing)
    def listed(
        backend: Any, bucket: Any, prefix: Any, delimiter: Any, *more: Any, **named: Any
    ) -> Any:
        found: Any = listing(backend, bucket, prefix, delimiter, *more, **named)
        keys, folders, *rest = found
        if folders:
            dead = [name for name, key in bucket.keys.items() if isinstance(key, FakeDeleteMarker)]
            doubtful = {
                folder for folder in folders if any(name.startswith(folder) for name in dead)
            }
            alive = {folder for folder in doubtful if _holds_objects(bucket, folder)}
            folders = [folder for folder in folders if folder not in doubtful or folder in alive]
        return keys, folders, *rest

    backend: Any = S3Backend
    backend.list_objects = listed


def _holds_objects(bucket: Any, folder: str) -> bool:
    return any(
        name.startswith(folder) and not isinstance(key, FakeDeleteMarker)
        for name, key in bucket.keys.items()
    )
