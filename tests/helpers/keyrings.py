"""Keyring backends for tests: one that works, and several that fail."""

from collections.abc import Iterator
from typing import Any

import pytest
from keyring.backend import KeyringBackend

from core.local import vault


class MemoryKeyring(KeyringBackend):
    """Keeps passwords in memory; tests that use it have the allow-list know it."""

    priority = 0.1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class ForgetfulKeyring(MemoryKeyring):
    """Takes a password and forgets it, as keyring's null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class RefusingKeyring(MemoryKeyring):
    """Fails each call with the error it was given: a lock, a dismissed prompt, no D-Bus."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def _refuse(self, *_args: Any) -> Any:
        raise self.error

    get_password = set_password = delete_password = _refuse


def allow(monkeypatch: pytest.MonkeyPatch, *backends: type[KeyringBackend]) -> None:
    """Put test backends on the vault's allow-list."""
    names = {f"{cls.__module__}.{cls.__name__}" for cls in backends}
    monkeypatch.setattr(vault, "ALLOWED", vault.ALLOWED | names)


def memory_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    """Use as the body of a fixture: the system's keyring is a fresh one in memory."""
    import keyring

    before = keyring.get_keyring()
    allow(monkeypatch, MemoryKeyring)
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)
