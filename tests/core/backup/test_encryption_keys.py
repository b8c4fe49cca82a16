"""Keys that encrypt backups: never overwritten, with clear errors, and the cipher of one backup."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.keyrings import MemoryKeyring, memory_keyring

from core.backup import encryption
from core.backup.encryption_keys import BackupKey, create_key, key_of, keys_of, read_key_of_backup
from core.errors import (
    AccessDenied,
    AlreadyExists,
    Corrupt,
    InvalidInput,
    KeyringError,
    NotFound,
    ScheduledForDeletion,
    StorageError,
)
from core.model.secrets import SecretVersion
from core.redaction import Secret
from core.work import Work

KEY = "keyring:main"


@pytest.fixture
def key(keyring: MemoryKeyring) -> BackupKey:
    return create_key(None, name=KEY)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


def test_a_key_is_random_and_never_overwritten_or_shown(keyring: MemoryKeyring) -> None:
    made = create_key(None, name=KEY)
    assert len(base64.b64decode(made.key.reveal())) == 32
    assert made.key.reveal() not in repr(made)
    assert create_key(None, name="keyring:other").key != made.key
    with pytest.raises(AlreadyExists, match="already exists") as caught:
        create_key(None, name=KEY)
    assert "not changed" in caught.value.remedy
    assert key_of(None, KEY) == made


@pytest.mark.parametrize(
    "name",
    ["", "main", "file:main", "secret:", "keyring: ", "keyring:a\nb", "secret:a;b", "keyring:$(a)"],
)
def test_a_name_has_a_kind(name: str, keyring: MemoryKeyring) -> None:
    with pytest.raises(InvalidInput, match="does not name a key") as caught:
        create_key(None, name=name)
    assert "secret:NAME" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "abc", "x" * 44, base64.b64encode(b"short").decode()])
def test_what_is_imported_must_be_a_key(text: str, keyring: MemoryKeyring) -> None:
    with pytest.raises(InvalidInput, match="not a key of backups"):
        create_key(None, name=KEY, key=Secret(text, remembered=False) or Secret("-"))
    assert keyring.entries == {}


def workspace_with(answer: Any) -> SimpleNamespace:
    """Return a workspace whose Secrets Manager answers with a value or an error."""

    def get_secret(_name: str, *, work: Work) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SimpleNamespace(secrets=SimpleNamespace(get_secret=get_secret))


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (NotFound("x", cause="c"), NotFound, "does not exist"),
        (ScheduledForDeletion("x", cause="c"), ScheduledForDeletion, "scheduled for deletion"),
        (AccessDenied("x", cause="c", action="secretsmanager:GetSecretValue"), AccessDenied,
         "secretsmanager:GetSecretValue"),
        (AccessDenied("x"), AccessDenied, "kms:Decrypt"),
        (Corrupt("x"), NotFound, "does not contain a key"),
        ({}, NotFound, "does not contain a key"),
        ({"backup_key": "abc"}, NotFound, "does not contain a key"),
        ({"backup_key": 7}, NotFound, "does not contain a key"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_read_has_cause_and_remedy(
    answer: Any, error: type[StorageError], text: str
) -> None:
    with pytest.raises(error) as caught:
        key_of(workspace_with(answer), "secret:main")
    assert text in str(caught.value)
    assert caught.value.subject == "secret:main"
    assert caught.value.remedy
    if error is AccessDenied:
        assert caught.value.action == "secretsmanager:GetSecretValue"


def secret_with(versions: list[tuple[str, BackupKey | None]], *, listed: bool = True) -> Any:
    """Return a Secrets Manager whose secret has versions, the current one last."""

    def read(
        _name: str, *, version_id: str | None = None, stage: str | None = None, work: Work
    ) -> Any:
        names = [name for name, _key in versions]
        key = versions[-2 if version_id is None else names.index(version_id)][1]
        fields = {"backup_key": key.key.reveal()} if key else ["not", "an", "object"]
        return SimpleNamespace(text=Secret(json.dumps(fields)))

    def get_secret(_name: str, *, work: Work) -> Any:
        key = versions[-1][1]
        return {"backup_key": key.key.reveal()} if key else {"other": "field"}

    def list_versions(_name: str, *, work: Work) -> Any:
        if not listed:
            raise AccessDenied("x", action="secretsmanager:ListSecretVersionIds")
        last = versions[-1][0]
        return tuple(
            SecretVersion(name, ("AWSCURRENT",) if name == last else ()) for name, _key in versions
        )

    return SimpleNamespace(get_secret=get_secret, read=read, list_versions=list_versions)


def random_key() -> BackupKey:
    return BackupKey("secret:main", Secret(base64.b64encode(os.urandom(32)).decode()))


def test_the_key_of_a_backup_is_found_in_older_versions_of_its_secret() -> None:
    first, second, third = random_key(), random_key(), random_key()
    secret = secret_with([("a", first), ("b", None), ("c", second), ("d", third)])
    for key in (first, second, third):
        assert read_key_of_backup("secret:main", key.check, "id", secret, Work()) == key
    for other in (random_key().check, "$(rm -r x)"):
        with pytest.raises(NotFound, match="is not the key") as caught:
            read_key_of_backup("secret:main", other, "id", secret, Work())
        assert "$" not in caught.value.remedy
    emptied = secret_with([("a", first), ("b", None)])
    assert read_key_of_backup("secret:main", first.check, "id", emptied, Work()) == first
    assert [each.check for each in keys_of(SimpleNamespace(secrets=secret), "secret:main")] == [
        third.check, first.check, second.check,
    ]  # fmt: skip
    unlisted = secret_with([("a", first), ("b", second)], listed=False)
    assert read_key_of_backup("secret:main", first.check, "id", unlisted, Work()) == first


def test_an_unusable_keyring_is_named(keyring: MemoryKeyring, monkeypatch: Any) -> None:
    monkeypatch.setattr("core.local.vault.ALLOWED", frozenset())
    with pytest.raises(KeyringError):
        key_of(None, KEY)


def test_no_nonce_is_used_twice(key: BackupKey) -> None:
    cipher, _record = encryption.new_cipher("0" * 12, "t", key)
    cipher.encryptor(0)
    with pytest.raises(RuntimeError, match="nonce"):
        cipher.encryptor(0)


def test_pieces_of_any_size_are_the_same_part(key: BackupKey) -> None:
    cipher, _record = encryption.new_cipher("0" * 12, "t", key)
    text = bytes(range(256)) * 10
    encryptor = cipher.encryptor(3)
    pieces = [encryptor.update(text[at : at + 7]) for at in range(0, len(text), 7)]
    data = b"".join((*pieces, encryptor.finish()))
    assert len(data) == len(text) + encryption.TAG_BYTES
    part = cipher.decrypted(data, 3)
    assert part.read(5) + part.read(0) + part.read() + part.read(9) == text
    part.finish()
    for changed, index in ((data[:10], 3), (b"", 3), (data + b"x", 3), (data, 4)):
        part = cipher.decrypted(changed, index)
        part.read()
        with pytest.raises(Corrupt, match="cannot be decrypted"):
            part.finish()
    part = cipher.decrypted(data, 3)
    part.read(5)
    with pytest.raises(Corrupt, match="does not match"):
        part.finish()
