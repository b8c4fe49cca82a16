"""Changes of fields in the text of a secret, for every kind of rotation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.aws.clients import ClientFactory
from core.errors import InvalidInput
from core.model.rotation import Rotation
from core.redaction import Secret
from core.secrets import secret_text
from core.secrets.kinds import with_value
from core.storage.aws_secrets_manager import SecretsManager
from core.work import Work


def with_fields(text: Secret, new: Mapping[str, Secret]) -> Secret:
    """Return the text with some fields changed and all other bytes unchanged.

    Raises:
        InvalidInput: the text is not a JSON object, contains a field twice, or the type of a field
            would change.
    """
    rows = secret_text.rows_of(text.reveal())
    try:
        changed = [with_value(row, new[row.key]) if row.key in new else row for row in rows]
        return Secret(secret_text.text_of(changed, text.reveal()))
    except InvalidInput as error:
        # The editor's own remedy names options that a rotation does not have.
        error.remedy = "Correct the secret, then rotate it."
        raise


def fields(rotation: Rotation, text: Secret) -> dict[str, Any]:
    """Return the fields in the text of a secret.

    Raises:
        Corrupt: the secret is not a JSON object.
    """
    return secret_text.parsed(rotation.secret, text.reveal())


def old_text(clients: ClientFactory, rotation: Rotation, work: Work) -> Secret:
    """Return the text that was current at the beginning of the rotation.

    Raises:
        NotFound: AWS no longer stores it.
    """
    manager = SecretsManager(clients=clients)
    version = rotation.facts.old_version
    return manager.read(rotation.secret, version_id=version, work=work).text


def new_text(clients: ClientFactory, rotation: Rotation, work: Work) -> Secret:
    """Return the text that the rotation has staged.

    Raises:
        StorageError: it was not staged, or AWS no longer stores it.
    """
    manager = SecretsManager(clients=clients)
    return manager.read(rotation.secret, version_id=rotation.id, work=work).text


def current_text(clients: ClientFactory, rotation: Rotation, work: Work) -> Secret:
    """Return the current text."""
    return SecretsManager(clients=clients).read(rotation.secret, work=work).text
