"""Access keys in the operating system's keyring, with an allow-list of safe backends.

keyring falls back silently: a null backend takes a password and forgets it, `keyrings.alt` writes
it to a file in base64. So only backends that are known to be safe are used, and each is made to
prove itself; otherwise keys stay in memory (`SessionVault`).
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from importlib import import_module
from typing import Any, Protocol, TypeVar

from core.errors import KeyringError
from core.model.connection import AccessKeys
from core.redaction import Secret

_T = TypeVar("_T")

SERVICE = "strongroom"
#: Another service name than that of the keys, so that a probe cannot touch them.
_PROBE = "strongroom-probe"

_SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105 - the name of a class

#: Backends that keep passwords encrypted for the user; everything else is refused.
ALLOWED = frozenset(
    {
        _SECRET_SERVICE,
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)

_MACOS_LIBRARY = "keyring.backends.macOS.api"

#: keyring and the D-Bus libraries below it are not thread-safe.
_LOCK = threading.RLock()


class _Collection(Enum):
    """The state of the collection in which a backend stores passwords."""

    OPEN = auto()
    LOCKED = auto()
    ABSENT = auto()


@dataclass(frozen=True, slots=True)
class VaultState:
    """Whether keys can be stored and in which backend, or the reason and the remedy."""

    usable: bool
    backend: str
    reason: str = ""


class KeyVault(Protocol):
    """Storage of the keys of profiles."""

    def probe(self) -> VaultState:
        """Return whether keys can be stored."""

    def store(self, profile_name: str, keys: AccessKeys) -> None:
        """Store the keys of a profile."""

    def load(self, profile_name: str) -> AccessKeys | None:
        """Return the keys of a profile, or None."""

    def delete(self, profile_name: str) -> None:
        """Delete the keys of a profile."""


class Vault:
    """The system keyring. Calls may block while the user answers its prompt."""

    def __init__(self, backend: Any = None) -> None:
        self._given = backend

    def probe(self) -> VaultState:
        """Write a random value, read it back, remove it; never raises.

        Nothing is written to a keyring that would prompt for its password: that it can be used is
        only known when keys are stored.
        """
        with _LOCK:
            try:
                backend = self._backend()
            except KeyringError as error:
                return VaultState(
                    usable=False, backend=_chosen_name(self._given), reason=error.cause
                )
            try:
                if _call_keyring(backend, lambda: _collection_of(backend)) is _Collection.OPEN:
                    self._prove(backend)
            except KeyringError as error:
                return VaultState(
                    usable=False, backend=name_of(backend), reason=f"{error.summary}. {error.cause}"
                )
            return VaultState(usable=True, backend=name_of(backend))

    def store(self, profile_name: str, keys: AccessKeys) -> None:
        """Store the keys and read them back.

        Raises:
            KeyringError: the keyring is missing, locked, dismissed, or not safe to use.
        """
        with _LOCK:
            backend = self._backend()
            _call_keyring(
                backend, lambda: backend.set_password(SERVICE, profile_name, _packed(keys))
            )
            # A backend may accept a password and lose it.
            if self.load(profile_name) != keys:
                raise _forgetful(backend)

    def load(self, profile_name: str) -> AccessKeys | None:
        """Return the keys of a profile, or None when the keyring has none.

        Raises:
            KeyringError: the keyring is missing, locked, dismissed, or not safe to use; a
                dismissed prompt is never taken for "no keys".
        """
        with _LOCK:
            text = _text_of(self._backend(), profile_name)
        return None if text is None else _unpacked(text, profile_name)

    def delete(self, profile_name: str) -> None:
        """Delete the keys of a profile; it is no error if there are none.

        Raises:
            KeyringError: the keyring cannot be used.
        """
        with _LOCK:
            backend = self._backend()
            if _text_of(backend, profile_name) is not None:
                _call_keyring(backend, lambda: backend.delete_password(SERVICE, profile_name))

    def _backend(self) -> Any:
        chosen = self._given or _chosen()
        for backend in _inside(chosen):
            if name_of(backend) in ALLOWED:
                return backend
        raise KeyringError(
            "The system keyring cannot be used",
            cause=_refusal(name_of(chosen)),
            remedy="Install and unlock a keyring (GNOME Keyring, KWallet, macOS Keychain, Windows "
            "Credential Manager), or keep the keys for this session only.",
            subject=name_of(chosen),
        )

    def _prove(self, backend: Any) -> None:
        name, value = f"probe-{secrets.token_hex(8)}", secrets.token_urlsafe(24)
        _call_keyring(backend, lambda: backend.set_password(_PROBE, name, value))
        found = _call_keyring(backend, lambda: backend.get_password(_PROBE, name))
        if found != value:
            raise _forgetful(backend)
        _call_keyring(backend, lambda: backend.delete_password(_PROBE, name))


class SessionVault:
    """Keys in the memory of this process only; they are lost when it ends."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKeys] = {}
        self._lock = threading.Lock()

    def probe(self) -> VaultState:
        """Return that keys can be stored: memory is always available."""
        return VaultState(
            usable=True, backend="memory", reason="Keys are stored until the program ends."
        )

    def store(self, profile_name: str, keys: AccessKeys) -> None:
        """Store the keys of a profile."""
        with self._lock:
            self._keys[profile_name] = keys

    def load(self, profile_name: str) -> AccessKeys | None:
        """Return the keys of a profile, or None."""
        with self._lock:
            return self._keys.get(profile_name)

    def delete(self, profile_name: str) -> None:
        """Delete the keys of a profile."""
        with self._lock:
            self._keys.pop(profile_name, None)


def name_of(backend: Any) -> str:
    """Return a backend's class as `module.Class`, as in the allow-list."""
    return f"{type(backend).__module__}.{type(backend).__name__}"


def _chosen() -> Any:
    """Return the keyring that the system's configuration names.

    Raises:
        KeyringError: It cannot be loaded, or the configuration is wrong.
    """
    import keyring

    try:
        with _without_macos():
            return keyring.get_keyring()
    except Exception as error:  # noqa: BLE001 - a broken backend may raise anything on loading
        kind = type(error).__name__
    raise KeyringError(
        "The system keyring cannot be loaded",
        cause=f"Loading the backend that is configured failed ({kind}).",
        remedy="Correct keyring's configuration (`keyring diagnose` shows where it is), or keep "
        "the keys for this session only.",
    )


@contextmanager
def _without_macos() -> Iterator[None]:
    """Prevent the import of macOS's library in the block, on other systems.

    keyring imports all backends to choose one. Where this one does not exist, it starts a C
    compiler to find its libraries, which takes longer than all else.
    """
    if sys.platform != "darwin" and _MACOS_LIBRARY not in sys.modules:
        sys.modules[_MACOS_LIBRARY] = None  # type: ignore[assignment] # Python refuses to import it
        try:
            yield
        finally:
            del sys.modules[_MACOS_LIBRARY]
    else:
        yield


def _chosen_name(given: Any) -> str:
    try:
        return name_of(given or _chosen())
    except KeyringError:
        return ""


def _inside(backend: Any) -> tuple[Any, ...]:
    """Return the backends of keyring's chainer, which also tries unsafe ones, or `backend`."""
    if name_of(backend) == "keyring.backends.chainer.ChainerBackend":
        return tuple(backend.backends)
    return (backend,)


def _refusal(name: str) -> str:
    if name == "keyring.backends.fail.Keyring":
        return "No keyring service runs on this machine."
    if name == "keyring.backends.null.Keyring":
        return "keyring is switched off (null backend), so the keys would be lost."
    return f"The backend {name} is not known to store passwords encrypted."


def _call_keyring(backend: Any, call: Callable[[], _T]) -> _T:
    """Call the keyring, and translate all exceptions of its libraries to `KeyringError`."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - D-Bus libraries raise their own classes
        kind = type(error).__name__
        # InitError is raised for a dismissed prompt, and for a service that went away as well.
        locked = any(word in kind for word in ("Lock", "Dismiss")) or "dismiss" in str(error)
    if locked:
        raise KeyringError(
            "The system keyring is locked",
            cause=f"{name_of(backend)} refused ({kind}); its prompt may have been dismissed.",
            remedy="Unlock the keyring and try again, or keep the keys for this session only.",
            subject=name_of(backend),
        )
    raise KeyringError(
        "The system keyring does not answer",
        cause=f"{name_of(backend)} failed ({kind}).",
        remedy="Start the keyring and try again, or keep the keys for this session only.",
        subject=name_of(backend),
    )


def _text_of(backend: Any, profile_name: str) -> str | None:
    """Return the entry of a profile, or None if there is none."""
    if _call_keyring(backend, lambda: _collection_of(backend)) is _Collection.ABSENT:
        return None
    text: str | None = _call_keyring(backend, lambda: backend.get_password(SERVICE, profile_name))
    return text


def _collection_of(backend: Any) -> _Collection:
    """Return the state of a backend's collection, without a prompt.

    keyring creates the collection of a Secret Service on every access, also to read: the service
    then prompts for the password of a new keyring.
    """
    if name_of(backend) != _SECRET_SERVICE:
        return _Collection.OPEN
    service = import_module("keyring.backends.SecretService").secretstorage
    chosen = getattr(backend, "preferred_collection", None)
    with closing(service.dbus_init()) as connection:
        try:
            found = service.Collection(connection, *([chosen] if chosen else []))
        except service.ItemNotFoundException:
            return _Collection.ABSENT
        return _Collection.LOCKED if found.is_locked() else _Collection.OPEN


def _forgetful(backend: Any) -> KeyringError:
    return KeyringError(
        "The system keyring does not store passwords",
        cause=f"{name_of(backend)} did not return what was just stored.",
        remedy="Use another keyring, or keep the keys for this session only.",
        subject=name_of(backend),
    )


def _packed(keys: AccessKeys) -> str:
    token = keys.session_token.reveal() if keys.session_token else None
    values = {"id": keys.access_key_id, "secret": keys.secret_access_key.reveal(), "token": token}
    return json.dumps(values)


def _unpacked(text: str, profile_name: str) -> AccessKeys:
    try:
        values = json.loads(text)
        token = values.get("token")
        return AccessKeys(
            str(values["id"]), Secret(str(values["secret"])), Secret(token) if token else None
        )
    except (ValueError, KeyError, TypeError, AttributeError):  # their texts could hold the keys
        values = None
    raise KeyringError(
        "The keyring's entry cannot be read",
        cause="It was written by another program or an older version.",
        remedy="Edit the profile and enter its keys again.",
        subject=profile_name,
    )
