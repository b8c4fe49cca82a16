"""Replacement of a rotated key in the profiles of this machine, and its undo.

The old keys remain in the keyring under a separate name until the rotation ends, so that the step
can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.errors import KeyringError
from core.local.connections import Connections
from core.model.connection import AccessKeys, KeySource


class LocalKeys:
    """Replacement of keys in stored profiles; calls may block on the keyring's prompt."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def using(self, key_id: str) -> tuple[str, ...]:
        """Return the names of the stored profiles with this access key."""
        return tuple(
            profile.name
            for profile in self._connections.profiles.list()
            if profile.source is KeySource.KEYRING and profile.access_key_id == key_id
        )

    def switch(self, old_key_id: str, new: AccessKeys, rotation_id: str) -> tuple[str, ...]:
        """Store the new keys in every profile that uses the old one, and return their names.

        Raises:
            KeyringError: the keyring failed; a repeated call continues where it stopped.
            LocalIOError: the profiles could not be stored.
        """
        names = self.using(old_key_id)
        vault = self._connections.vault
        for name in names:
            old = vault.load(name)
            # After an interruption the profile may already have the new key: do not save it as old.
            if old is not None and old.access_key_id == old_key_id:
                vault.store(_former_name(name, rotation_id), old)
            self._store_and_check(name, new)
        return names

    def switch_back(self, names: Sequence[str], rotation_id: str) -> None:
        """Restore the former keys of the profiles, if they are still stored.

        Raises:
            KeyringError: the keyring failed; a repeated call is safe.
        """
        for name in names:
            old = self._connections.vault.load(_former_name(name, rotation_id))
            # A profile that was deleted in the meantime is not created again.
            if old is not None and any(p.name == name for p in self._connections.profiles.list()):
                self._store_and_check(name, old)
        self.forget(names, rotation_id)

    def forget(self, names: Sequence[str], rotation_id: str) -> None:
        """Remove the former keys, which are no longer needed, from the keyring."""
        for name in names:
            self._connections.vault.delete(_former_name(name, rotation_id))

    def _store_and_check(self, name: str, keys: AccessKeys) -> None:
        """Store the keys, read them back, and then update the profile."""
        self._connections.vault.store(name, keys)
        # The profile refers to the key in the keyring, so it is only changed when that can be read.
        if self._connections.vault.load(name) != keys:
            raise KeyringError(
                f"The keyring did not store the new key of profile {name}",
                cause="What was read back differs from what was stored.",
                remedy="Unlock the keyring and resume the rotation.",
                subject=name,
            )
        profile = self._connections.profiles.get(name)
        self._connections.profiles.save(replace(profile, access_key_id=keys.access_key_id))


def _former_name(name: str, rotation_id: str) -> str:
    return f"{name}~before-{rotation_id[:8]}"
