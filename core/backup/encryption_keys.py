"""Keys that encrypt backups, which are stored in Secrets Manager or in the system keyring.

A key is 256 random bits. Its name is `secret:NAME` or `keyring:NAME`; backups record the name and a
check value, never the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import secrets as random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.backup.databases.address import secrets_of
from core.effects import states_effect
from core.errors import (
    NOTHING_CHANGED,
    AccessDenied,
    AlreadyExists,
    Corrupt,
    InvalidInput,
    NotFound,
    ScheduledForDeletion,
    StorageError,
)
from core.hints import Hint
from core.local.vault import KeyVault, Vault
from core.model.connection import AccessKeys
from core.model.secret_names import BACKUP_KEY_DESCRIPTION, BACKUP_KEY_FIELD, CURRENT, PREVIOUS
from core.redaction import Secret
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.storage.aws_secrets_manager import SecretsManager

KEY_BYTES = 32
SECRET, KEYRING = "secret:", "keyring:"
#: The field of the secret that contains the key as base64.
FIELD = BACKUP_KEY_FIELD
_CHECK_BYTES = 8
#: The names come from manifests too, and messages contain commands with them: no character has a
#: meaning for a shell.
_NAME = re.compile(r"(secret|keyring):[A-Za-z0-9/_+=.@:-]{1,512}")
_CHECK = re.compile(f"[0-9a-f]{{{2 * _CHECK_BYTES}}}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackupKey:
    """A key with its name; `key` is the base64 of its 32 bytes."""

    name: str
    key: Secret

    @property
    def check(self) -> str:
        """A value that identifies the key without revealing it, as 16 hexadecimal digits."""
        return self._derived("strongroom key check 1")[:_CHECK_BYTES].hex()

    def wrapping_key(self) -> bytes:
        """Return the key that encrypts the data keys of backups."""
        return self._derived("strongroom wrapping key 1")

    def _derived(self, label: str) -> bytes:
        # A different key for each purpose: the check value is public.
        raw = base64.b64decode(self.key.reveal())
        return hmac.new(raw, label.encode(), hashlib.sha256).digest()


def check_name(name: str) -> None:
    """Check that a text names a key.

    Raises:
        InvalidInput: It is neither `secret:NAME` nor `keyring:NAME`.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r:.200} does not name a key of backups",
            cause="A name has letters, digits and /_+=.@:- only, as in Secrets Manager.",
            remedy="Use secret:NAME for a key in Secrets Manager, or keyring:NAME for one in the "
            "keyring of this machine.",
        )


def read_key(
    name: str, secrets: SecretsManager | None, work: Work, *, vault: KeyVault | None = None
) -> BackupKey:
    """Read a key.

    Args:
        name: `secret:NAME` or `keyring:NAME`.
        secrets: Secrets Manager; None if there is no connection.
        work: Cancel token.
        vault: The keyring; by default that of the system.

    Raises:
        AccessDenied: The secret may not be read; the error names the missing action.
        KeyringError: The keyring cannot be used.
        NotFound: There is no such key, or the secret does not contain one.
        ScheduledForDeletion: The secret is scheduled for deletion.
    """
    check_name(name)
    text = (
        _from_keyring(name, vault or Vault())
        if name.startswith(KEYRING)
        else _from_secret(name, secrets, work)
    )
    key = _normalized(text)
    if key is None:
        # Not `Corrupt`: that would record the backup as damaged.
        raise NotFound(
            f"{name} does not contain a key of backups",
            cause=f"The value must be the base64 of {KEY_BYTES} bytes; in a secret it is the field "
            f"{FIELD}.",
            remedy="Check the name. An earlier version of the secret may contain the key.",
            subject=name,
        )
    return BackupKey(name, key)


def _from_keyring(name: str, vault: KeyVault) -> Secret:
    keys = vault.load(_entry(name))
    if keys is None:
        raise NotFound(
            f"The keyring of this machine has no backup key {name}",
            remedy="Store the key in the keyring, or create a new one: a new key cannot read older "
            "backups.",
            hints=Hint.IMPORT_KEY | Hint.CREATE_KEY,
            hint_value=name,
            subject=name,
        )
    return keys.secret_access_key


def _from_secret(name: str, secrets: SecretsManager | None, work: Work) -> Secret:
    if secrets is None:
        raise InvalidInput(
            f"The backup key {name} cannot be read without a connection to Secrets Manager",
            remedy="Use a profile whose server has Secrets Manager.",
            subject=name,
        )
    try:
        fields = secrets.get_secret(name.removeprefix(SECRET), work=work)
    except Corrupt:  # binary, or not a JSON object
        return Secret("")
    except NotFound as error:
        raise NotFound(
            f"The secret of the backup key {name} does not exist",
            cause=error.cause,
            remedy="Check the account and the region of the profile. If the secret was deleted, "
            "store the key again.",
            hints=Hint.IMPORT_KEY,
            hint_value=name,
            subject=name,
        ) from error
    except ScheduledForDeletion as error:
        raise ScheduledForDeletion(
            f"The secret of the backup key {name} is scheduled for deletion",
            cause=error.cause,
            remedy="Cancel its deletion before it ends: without the key its backups cannot be read.",
            subject=name,
        ) from error
    except AccessDenied as error:
        raise AccessDenied(
            f"The backup key {name} may not be read",
            cause=error.cause,
            remedy="Allow secretsmanager:GetSecretValue on this secret (and kms:Decrypt if it has "
            "its own KMS key) to the user of the profile.",
            subject=name,
            action=error.action or "secretsmanager:GetSecretValue",
            details=error.details,
        ) from error
    return Secret(str(fields.get(FIELD, "")))


def _normalized(text: Secret) -> Secret | None:
    """Return the base64 of a key without spaces around it; None if it is not that of 32 bytes."""
    try:
        raw = base64.b64decode(text.reveal().strip(), validate=True)
    except ValueError:
        return None
    return Secret(base64.b64encode(raw).decode()) if len(raw) == KEY_BYTES else None


def key_of(workspace: object, name: str, work: Work | None = None) -> BackupKey:
    """Return a key; `workspace` is needed for `secret:NAME` only. See `read_key` for errors."""
    return read_key(name, secrets_of(workspace), default_work(work))


@states_effect("created")
def create_key(
    workspace: object,
    work: Work | None = None,
    *,
    name: str,
    key: Secret | None = None,
    vault: KeyVault | None = None,
) -> BackupKey:
    """Create and store a key.

    Args:
        workspace: The workspace with Secrets Manager, for `secret:NAME`; otherwise None.
        work: Cancel token.
        name: `secret:NAME` or `keyring:NAME`.
        key: The base64 of an existing key that is stored; by default 256 new random bits.
        vault: The keyring; by default that of the system.

    Raises:
        AlreadyExists: The name exists; it is not overwritten, since older backups need its key.
        InvalidInput: The name or the key is not valid.
        KeyringError: The keyring cannot be used.
        StorageError: The secret cannot be created.
    """
    check_name(name)
    new = key or Secret(base64.b64encode(random.token_bytes(KEY_BYTES)).decode())
    stored = _normalized(new)
    if stored is None:
        raise InvalidInput(
            "This is not a key of backups",
            cause=f"A key is the base64 of {KEY_BYTES} bytes: 44 characters.",
            remedy="Enter the key as Strongroom shows it on the machine that has it.",
            hints=Hint.SHOW_KEY,
            hint_value=name,
        )
    made = BackupKey(name, stored)
    if name.startswith(KEYRING):
        _store_in_keyring(made, vault or Vault())
    else:
        _store_as_secret(made, secrets_of(workspace), default_work(work))
    return made


def _store_in_keyring(made: BackupKey, vault: KeyVault) -> None:
    if vault.load(_entry(made.name)) is not None:
        raise _exists(made.name)
    vault.store(_entry(made.name), AccessKeys("backup key", made.key))


def _store_as_secret(made: BackupKey, secrets: SecretsManager | None, work: Work) -> None:
    if secrets is None:
        raise InvalidInput(
            f"The backup key {made.name} cannot be created without Secrets Manager",
            remedy="Use keyring:NAME, or a profile whose server has Secrets Manager.",
            subject=made.name,
        )
    value = {FIELD: made.key.reveal(), "algorithm": "AES-256-GCM", "key_check": made.check}
    try:
        secrets.create_secret(
            made.name.removeprefix(SECRET), value, BACKUP_KEY_DESCRIPTION, work=work
        )
    except AlreadyExists as error:
        raise _exists(made.name) from error


def _exists(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"{name} already exists",
        cause="Backups that were encrypted with its key can only be read with it.",
        remedy="Choose another name; the key was not changed.",
        subject=name,
    )


def read_key_of_backup(
    name: str, check: str, backup_id: str, secrets: SecretsManager | None, work: Work
) -> BackupKey:
    """Read the key that encrypted a backup, also if its name refers to another key now.

    Older versions of a secret are read then, and the key that was imported as `NAME.CHECK`.

    Args:
        name: The name in the manifest.
        check: The check value in the manifest.
        backup_id: The backup, for the message.
        secrets: Secrets Manager; None if there is no connection.
        work: Cancel token.

    Raises:
        NotFound: None of these keys has the check value.
        StorageError: The errors of `read_key`.
    """
    problem: StorageError
    try:
        key = read_key(name, secrets, work)
        if _has_check(key, check):
            return key
        problem = _not_the_key(key, check, backup_id)
    except NotFound as error:  # also if its value is not a key any more
        problem = error
    for other in _other_keys(name, check, secrets, work):
        if _has_check(other, check):
            _log.warning("%s was replaced; its former key was used for %s", name, backup_id)
            return replace(other, name=name)
    raise problem


def keys_of(workspace: object, name: str, work: Work | None = None) -> tuple[BackupKey, ...]:
    """Return a key, and the former ones that older versions of its secret contain, as `NAME.CHECK`.

    See `read_key` for errors.
    """
    secrets, work = secrets_of(workspace), default_work(work)
    key = read_key(name, secrets, work)
    former = {each.check: each for each in _other_keys(name, "", secrets, work)}
    others = (each for check, each in former.items() if check != key.check)
    return (key, *(replace(each, name=f"{name}.{each.check}") for each in others))


def _has_check(key: BackupKey, check: str) -> bool:
    return hmac.compare_digest(key.check.encode(), check.encode())


def _other_keys(
    name: str, check: str, secrets: SecretsManager | None, work: Work
) -> Iterator[BackupKey]:
    """Yield the keys that a name may have referred to."""
    if name.startswith(SECRET) and secrets is not None:
        for version_id, stage in _versions(name.removeprefix(SECRET), secrets, work):
            with suppress(NotFound, AccessDenied):  # it was removed since, or may not be read
                value = secrets.read(
                    name.removeprefix(SECRET), version_id=version_id, stage=stage, work=work
                )
                if (key := _normalized(_field_of(value.text))) is not None:
                    yield BackupKey(name, key)
    if _CHECK.fullmatch(check):  # a manifest may contain any text
        with suppress(NotFound, AccessDenied, ScheduledForDeletion):
            yield read_key(f"{name}.{check}", secrets, work)


def _versions(
    secret: str, secrets: SecretsManager, work: Work
) -> tuple[tuple[str | None, str | None], ...]:
    """Return the versions of a secret, as (id, stage) of which one is None."""
    try:
        found = secrets.list_versions(secret, work=work)
    except AccessDenied:
        return ((None, PREVIOUS),)
    except NotFound:
        return ()
    return tuple((each.version_id, None) for each in found if CURRENT not in each.stages)


def _field_of(text: Secret) -> Secret:
    try:
        fields = json.loads(text.reveal())
    except (ValueError, RecursionError):
        fields = None
    return Secret(str(fields.get(FIELD, ""))) if isinstance(fields, dict) else Secret("")


def _not_the_key(key: BackupKey, expected: str, backup_id: str) -> NotFound:
    place = f"{key.name}.{expected}" if _CHECK.fullmatch(expected) else "another name"
    older = "No older version of the secret has it. " if key.name.startswith(SECRET) else ""
    return NotFound(
        f"{key.name} is not the key that encrypted the backup {backup_id}",
        cause=f"Its check value is {key.check}; the manifest has {expected:.40}.",
        remedy=f"{older}Store the former key as {place}: it is used for these backups then.",
        effect=NOTHING_CHANGED,
        subject=key.name,
    )


def _entry(name: str) -> str:
    return f"backup key {name.removeprefix(KEYRING)}"
