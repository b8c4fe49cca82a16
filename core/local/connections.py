"""Connections: profiles with their keys, which are stored and changed together."""

from __future__ import annotations

from dataclasses import replace

from core.effects import Attempts, stating_effect
from core.errors import CredentialsMissing
from core.local.profiles import ProfileStore
from core.local.vault import KeyVault, SessionVault, Vault
from core.model.connection import AccessKeys, Connection, KeySource, Profile


class Connections:
    """The stored profiles with their vaults; one per program."""

    def __init__(
        self,
        profiles: ProfileStore | None = None,
        vault: KeyVault | None = None,
        session: SessionVault | None = None,
    ) -> None:
        self.profiles = profiles or ProfileStore()
        self.vault: KeyVault = vault or Vault()
        self.session = session or SessionVault()

    def connect(self, name: str) -> Connection:
        """Return a stored profile with its keys; may block on the keyring's prompt.

        Raises:
            NotFound: no profile of that name is stored.
            CredentialsMissing: the stored keys no longer exist.
            KeyringError: the keyring cannot be used.
        """
        return self.with_keys(self.profiles.get(name))

    def with_keys(self, profile: Profile) -> Connection:
        """Return the connection of a profile, with its keys if they are in one of the vaults.

        Raises:
            CredentialsMissing: the stored keys no longer exist.
            KeyringError: the keyring cannot be used.
        """
        vault = self._vault_of(profile)
        if vault is None:
            return Connection(profile)
        keys = vault.load(profile.name)
        if keys is None:
            raise CredentialsMissing(
                f"The keys of profile {profile.name} are missing",
                cause="The keys were stored in the system keyring but no longer exist there."
                if vault is self.vault
                else "The keys were stored in memory but no longer exist there.",
                remedy="Edit the profile and enter its keys again.",
                subject=profile.name,
            )
        return Connection(profile, keys)

    def save(
        self, profile: Profile, keys: AccessKeys | None = None, *, replaces: str = ""
    ) -> Connection:
        """Store a profile and, if given, its keys: keys first, so that no profile lacks them.

        Raises:
            InvalidInput: a field of the profile is not valid.
            KeyringError: the keys could not be stored; the profile is not stored either.
            CredentialsMissing: the source requires stored keys, but there are none.
        """
        with stating_effect("saved") as attempts:
            return self._save(profile, keys, replaces, attempts)

    def _save(
        self, profile: Profile, keys: AccessKeys | None, replaces: str, attempts: Attempts
    ) -> Connection:
        vault = self._vault_of(profile)
        stored = {each.name: each for each in self.profiles.list()}
        old = stored.get(replaces or profile.name)
        if vault is not None and keys is None and old is not None:
            # Renamed, or moved between keyring and session: the user need not enter the keys again.
            keys = self._keys_of(old)
        if vault is not None and keys is not None:
            vault.store(profile.name, keys)
            attempts.made = True
            # The id is public; it can be shown without the keyring, which may prompt.
            profile = replace(profile, access_key_id=keys.access_key_id)
        self.profiles.save(profile, replaces=replaces)
        attempts.made = True
        # Last: until the profile is saved, its former keys are still needed.
        self._forget_elsewhere(old, profile)
        return self.with_keys(profile)

    def delete(self, name: str) -> None:
        """Delete a profile and its keys.

        Raises:
            KeyringError: the keys could not be removed; the profile still exists.
        """
        profile = self.profiles.get(name)
        vault = self._vault_of(profile)
        with stating_effect("deleted") as attempts:
            if vault is not None:
                vault.delete(name)
                attempts.made = True
            # After the keys: without the profile, remaining keys could not be found again.
            self.profiles.delete(name)

    def _vault_of(self, profile: Profile) -> KeyVault | None:
        if profile.source is KeySource.KEYRING:
            return self.vault
        return self.session if profile.source is KeySource.SESSION else None

    def _keys_of(self, profile: Profile) -> AccessKeys | None:
        """Find the keys of a profile that is renamed or changes from one vault to the other."""
        vault = self._vault_of(profile)
        return vault.load(profile.name) if vault is not None else None

    def _forget_elsewhere(self, old: Profile | None, profile: Profile) -> None:
        """Remove keys from their former vault; the keyring is only used if necessary."""
        before = self._vault_of(old) if old is not None else None
        moved = old is not None and old.name != profile.name
        if old is not None and before is not None and (moved or before != self._vault_of(profile)):
            before.delete(old.name)


def stored_connection(name: str) -> Connection:
    """Return a stored profile with its keys, for scripts and the command line.

    Raises:
        NotFound: no profile of that name is stored.
        CredentialsMissing: the stored keys no longer exist.
        KeyringError: the keyring cannot be used.
    """
    return Connections().connect(name)
