"""Creation times of the current values of secrets, from which their age counts.

AWS's last change of a secret includes tags, descriptions and labels, so a new tag would hide the
age of an old key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.errors import AccessDenied, NotFound, ScheduledForDeletion
from core.model.secret_names import CURRENT
from core.model.secrets import SecretInfo
from core.storage.aws_secrets_manager import SecretsManager
from core.work import Work, default_work

#: The current version of secrets by name: its id, and when it was created.
CurrentVersions = dict[str, tuple[str, datetime]]


def current_since(
    secrets: SecretsManager,
    infos: Iterable[SecretInfo],
    *,
    known: CurrentVersions | None = None,
    work: Work | None = None,
) -> dict[str, datetime]:
    """Return when the current value of each secret was created; the values are not read.

    Secrets whose versions cannot be listed are omitted.

    Args:
        secrets: Secrets Manager.
        infos: the secrets, as they were listed.
        known: the versions of former calls, to which those of this call are added. A secret whose
            listed version is among them needs no request.
        work: cancel token.

    Raises:
        StorageError: the service cannot be reached.
    """
    work = default_work(work)
    known = {} if known is None else known
    found: dict[str, datetime] = {}
    for info in infos:
        listed = [each.version_id for each in info.versions if CURRENT in each.stages]
        if info.name in known and listed == [known[info.name][0]]:
            found[info.name] = known[info.name][1]
            continue
        try:
            # Secrets Manager refuses to list the versions of a secret that is scheduled for
            # deletion.
            versions = () if info.deleted else secrets.list_versions(info.name, work=work)
        except (AccessDenied, NotFound, ScheduledForDeletion):
            continue
        for version in versions:
            if CURRENT in version.stages and version.created is not None:
                found[info.name] = version.created
                known[info.name] = (version.version_id, version.created)
    return found
