"""Keys are stored only in safe keyring backends, and each failure of a backend is reported."""

import subprocess
import sys

import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.null
import pytest
from helpers.aws import CANARY
from helpers.keyrings import ForgetfulKeyring, MemoryKeyring, RefusingKeyring, allow
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked

from core.errors import KeyringError
from core.local.vault import SessionVault, Vault
from core.model.connection import AccessKeys
from core.redaction import Secret

KEYS = AccessKeys("AKIAEXAMPLE", Secret(CANARY), Secret("token-canary-0000"))


class PlaintextKeyring(MemoryKeyring):
    """Works, but is not on the allow-list, as `keyrings.alt` is not."""


@pytest.fixture(autouse=True)
def allowed(monkeypatch):
    allow(monkeypatch, MemoryKeyring, ForgetfulKeyring, RefusingKeyring)


@pytest.mark.parametrize("make", [lambda: Vault(MemoryKeyring()), SessionVault])
def test_keys_come_back_as_they_went_in(make):
    vault = make()
    assert vault.probe().usable
    assert vault.load("demo") is None
    vault.store("demo", KEYS)
    assert vault.load("demo") == KEYS
    vault.store("demo", AccessKeys("AKIA2", Secret("another-secret")))
    assert vault.load("demo").session_token is None
    vault.delete("demo")
    vault.delete("demo")
    assert vault.load("demo") is None


def test_the_probe_leaves_nothing_behind():
    backend = MemoryKeyring()
    state = Vault(backend).probe()
    assert state.usable
    assert state.backend.endswith("MemoryKeyring")
    assert backend.entries == {}


def chainer(*inside: KeyringBackend) -> KeyringBackend:
    class ChainerBackend(keyring.backends.chainer.ChainerBackend):
        backends = inside

    ChainerBackend.__module__ = "keyring.backends.chainer"
    return ChainerBackend()


@pytest.mark.parametrize(
    ("backend", "word"),
    [
        (keyring.backends.null.Keyring(), "would be lost"),
        (keyring.backends.fail.Keyring(), "No keyring service"),
        (PlaintextKeyring(), "PlaintextKeyring"),
        (chainer(PlaintextKeyring(), keyring.backends.null.Keyring()), "Chainer"),
    ],
)
def test_unsafe_and_missing_backends_are_refused_by_name(backend, word):
    vault = Vault(backend)
    state = vault.probe()
    assert not state.usable
    assert word in f"{state.reason} {state.backend}"
    for call in (lambda: vault.store("p", KEYS), lambda: vault.load("p")):
        with pytest.raises(KeyringError) as raised:
            call()
        assert "session" in raised.value.remedy
    assert not getattr(backend, "entries", {})


def test_a_chainer_is_searched_and_only_the_safe_one_is_used():
    unsafe, safe = PlaintextKeyring(), MemoryKeyring()
    Vault(chainer(unsafe, safe)).store("p", KEYS)
    assert safe.entries
    assert not unsafe.entries


def test_a_backend_that_forgets_is_found_out():
    vault = Vault(ForgetfulKeyring())
    assert not vault.probe().usable
    with pytest.raises(KeyringError, match="does not store"):
        vault.store("p", KEYS)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (KeyringLocked("Failed to unlock the collection!"), "locked"),
        (InitError("Failed to create the collection: Prompt dismissed.."), "locked"),
        (OSError("D-Bus is gone"), "does not answer"),
    ],
)
def test_a_lock_or_a_dismissed_prompt_is_never_no_keys(error, word):
    vault = Vault(RefusingKeyring(error))
    assert not vault.probe().usable
    for call in (lambda: vault.load("p"), lambda: vault.store("p", KEYS)):
        with pytest.raises(KeyringError) as raised:
            call()
        assert word in raised.value.summary
        assert raised.value.remedy


def test_a_foreign_entry_is_an_error_without_its_text():
    backend = MemoryKeyring()
    backend.set_password("strongroom", "p", '{"canary-in-a-foreign-entry"')
    with pytest.raises(KeyringError) as raised:
        Vault(backend).load("p")
    assert "canary" not in f"{raised.value} {raised.value.__context__}"


def test_a_backend_that_cannot_be_loaded_is_reported(monkeypatch):
    def broken():
        raise ValueError("keyringrc.cfg is wrong")

    monkeypatch.setattr("keyring.get_keyring", broken)
    state = Vault().probe()
    assert not state.usable
    assert "ValueError" in state.reason
    with pytest.raises(KeyringError, match="cannot be loaded"):
        Vault().load("any")


@pytest.mark.skipif(sys.platform == "darwin", reason="keyring loads the libraries of macOS there")
def test_no_program_is_started_to_choose_a_backend():
    """keyring searches the libraries of macOS on every system, on Linux with a C compiler."""
    code = (
        "import subprocess\n"
        "class Started(subprocess.Popen):\n"
        "    def __init__(self, command, *rest, **options):\n"
        "        print('started', command)\n"
        "        super().__init__(command, *rest, **options)\n"
        "subprocess.Popen = Started\n"
        "from core.local.vault import Vault\n"
        "Vault().probe()\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
