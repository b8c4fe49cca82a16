"""Where moto's Secrets Manager differs from AWS's, it is mended here: once in a process."""

from __future__ import annotations

import json
from functools import cache, wraps
from typing import Any

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
