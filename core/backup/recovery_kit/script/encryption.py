"""Decryption of encrypted backups, with AES of the OpenSSL library that Python itself uses."""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from core.backup.recovery_kit.script.failures import (
    NOT_FOUND,
    NOT_SUPPORTED,
    KitError,
    checked_record,
    corrupt,
)

ENCRYPTED = "zstd+aes-256-gcm"
#: The file with keys that the kit contains on request.
KEY_FILE = "keys.json"
_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16
_RECORD: dict[str, Any] = {
    "algorithm": "", "key": "", "key_check": "", "wrapped_key": "", "hidden": "", "mac": "",
}  # fmt: skip
#: Messages contain commands with the name: no character has a meaning for a shell.
_NAME = re.compile(r"(secret|keyring):[A-Za-z0-9/_+=.@:-]{1,512}")
#: Fields of a manifest that are never encrypted.
_VISIBLE = frozenset(
    (
        "format", "version", "encoding", "compression", "sha256", "id", "table", "taken", "seconds",
        "snapshot", "tool", "source", "rows", "parts", "note", "host", "path", "parts_format",
        "encryption",
    )
)  # fmt: skip
#: EVP_CTRL_AEAD_SET_TAG of OpenSSL's evp.h.
_SET_TAG = 0x11
#: Bytes that are decrypted at a time.
_PIECE_BYTES = 1 << 20


class Keys:
    """The keys of backups that are available, by name; one without a name fits any backup."""

    def __init__(self, found: dict[str, bytes], place: str = "") -> None:
        self._found, self._place = found, place

    def of(self, name: str, check: str) -> bytes:
        """Return the key with a name.

        Raises:
            KitError: There is none, or it is not the one that encrypted the backup.
        """
        if not _NAME.fullmatch(name):
            raise corrupt("The name of the key in the manifest is not valid.")
        # By its check value: it may have another name here, or its name may be that of a later key.
        for key in self._found.values():
            found = _derived(key, "strongroom key check 1")[:8].hex()
            if hmac.compare_digest(found.encode(), check.encode()):
                return key
        if not self._found:
            raise KitError(NOT_FOUND, f"The backup is encrypted with {name}.", _how_to_get(name))
        remedy = f"The check value of the key {name} must be {check[:40]!a}."
        if not self._found.keys() & {name, ""}:
            remedy = f"{remedy} {_how_to_get(name)}"
        text = f"{self._place} does not contain the key {name} that encrypted the backup."
        raise KitError(NOT_FOUND, text, remedy)


def _how_to_get(name: str) -> str:
    file = "Name the file with the key with --key-file."
    if not name.startswith("secret:"):
        return f"{file} `strongroom backup-key show {name} --reveal` prints it on its machine."
    return (
        f"{file} This command writes it: aws secretsmanager get-secret-value --secret-id "
        f"{name[len('secret:') :]} --query SecretString --output text > key.json"
    )


def keys_from(file: str, folder: Path) -> Keys:
    """Return the keys in a file, by default those of the kit.

    Args:
        file: A file with one key as base64, with the value of a secret, or with several keys by
            name; empty for that in the folder of the kit, if there is one.
        folder: The folder of the kit.

    Raises:
        KitError: The file contains no key.
        OSError: It cannot be read.
    """
    path = Path(file) if file else folder / KEY_FILE
    if not file and not path.is_file():
        return Keys({})
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    if isinstance(body, dict) and "backup_key" in body:
        body = body["backup_key"]
    named = body if isinstance(body, dict) else {"": body}
    try:
        found = {name: base64.b64decode(value, validate=True) for name, value in named.items()}
    except (ValueError, TypeError):
        found = {}
    if not found or any(len(key) != _KEY_BYTES for key in found.values()):
        raise KitError(
            NOT_FOUND,
            f"{path} does not contain a key.",
            "A key is the base64 of 32 bytes, alone or as the field backup_key of a JSON object.",
        )
    return Keys(found, str(path))


class Decryption:
    """The keys of one encrypted backup."""

    def __init__(self, manifest: dict[str, Any], keys: Keys) -> None:
        record = checked_record(manifest.get("encryption"), _RECORD, "encryption")
        if record["algorithm"] != "AES-256-GCM":
            raise KitError(
                NOT_SUPPORTED, f"This kit does not support {record['algorithm'][:40]!a}."
            )
        self._id, self._table = manifest["id"], manifest["table"]
        key = keys.of(record["key"], record["key_check"])
        wrapping = _derived(key, "strongroom wrapping key 1")
        data_key = _opened(wrapping, record["wrapped_key"], self._context("key"))
        if data_key is None or len(data_key) != _KEY_BYTES:
            raise corrupt("The encrypted key in the manifest was modified.")
        self._parts = _derived(data_key, "strongroom parts 1")
        self._hidden = _derived(data_key, "strongroom manifest 1")
        self._check_mac(manifest, record, _derived(data_key, "strongroom mac 1"))

    def _context(self, purpose: str) -> bytes:
        return f"strongroom {purpose} 1\n{self._id}\n{self._table}".encode()

    def _check_mac(self, manifest: dict[str, Any], record: dict[str, Any], key: bytes) -> None:
        rest = {name: value for name, value in manifest.items() if name != "sha256"}
        rest["encryption"] = {**manifest["encryption"], "mac": ""}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        mac = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mac.encode(), record["mac"].encode()):
            raise corrupt("The manifest was not written with the key of the backup.")

    def complete(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return a manifest with its encrypted fields."""
        data = _opened(self._hidden, manifest["encryption"]["hidden"], self._context("manifest"))
        hidden = json.loads(data) if data else None
        if not isinstance(hidden, dict) or _VISIBLE & set(hidden):
            raise corrupt("The encrypted fields of the manifest were modified.")
        return {**manifest, **hidden}

    def part(self, file: IO[bytes], size: int, index: int) -> DecryptedPart:
        """Return the decrypted bytes of a part, the file of which has `size` bytes."""
        nonce = index.to_bytes(_NONCE_BYTES, "big")
        context = f"strongroom part 1\n{self._id}\n{index}\n{self._table}".encode()
        return DecryptedPart(file, size, Decryptor(self._parts, nonce, context), index)


class DecryptedPart:
    """A part that is decrypted while it is read; only `finish` proves that it was not modified."""

    def __init__(self, file: IO[bytes], size: int, decryptor: Decryptor, index: int) -> None:
        self._file, self._decryptor, self._index = file, decryptor, index
        self._left = size - _TAG_BYTES
        if self._left >= 0:
            file.seek(self._left)
        self._tag = file.read(_TAG_BYTES)
        file.seek(0)

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` decrypted bytes, and none at the end."""
        size = _PIECE_BYTES if size < 0 else min(size, _PIECE_BYTES)
        data = self._file.read(max(0, min(size, self._left)))
        self._left -= len(data)
        return self._decryptor.update(data)

    def finish(self) -> None:
        """Read the rest.

        Raises:
            KitError: The part was modified, or belongs to another place or another backup.
        """
        while self.read():
            pass
        if self._left or not self._decryptor.finish(self._tag):
            raise corrupt(f"Part {self._index} cannot be decrypted: it was modified.")


def _derived(key: bytes, label: str) -> bytes:
    return hmac.new(key, label.encode(), hashlib.sha256).digest()


def _opened(key: bytes, text: str, context: bytes) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return decrypted(key, data[:_NONCE_BYTES], data[_NONCE_BYTES:], context)


def decrypted(key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes | None:
    """Return the decrypted bytes of AES-256-GCM; None if key, data or context are not the right ones.

    Args:
        key: The key of 32 bytes.
        nonce: The nonce of 12 bytes.
        data: The encrypted bytes, followed by the tag.
        context: The associated data.

    Raises:
        KitError: OpenSSL was not found, or fails.
    """
    if len(data) < _TAG_BYTES or len(nonce) != _NONCE_BYTES:
        return None
    decryptor = Decryptor(key, nonce, context)
    found = decryptor.update(data[:-_TAG_BYTES])
    return found if decryptor.finish(data[-_TAG_BYTES:]) else None


class Decryptor:
    """AES-256-GCM of OpenSSL, piece by piece."""

    def __init__(self, key: bytes, nonce: bytes, context: bytes) -> None:
        self._state = None
        self._crypto = _openssl()
        self._state = self._crypto.EVP_CIPHER_CTX_new()
        cipher = self._crypto.EVP_aes_256_gcm()
        self._require(self._crypto.EVP_DecryptInit_ex(self._state, cipher, None, key, nonce))
        self._update(None, context)

    def __del__(self) -> None:
        """Free the state of OpenSSL."""
        if self._state:
            self._crypto.EVP_CIPHER_CTX_free(self._state)

    def update(self, data: bytes) -> bytes:
        """Return the decrypted bytes of a piece."""
        output = ctypes.create_string_buffer(len(data) + 1)  # ctypes refuses an empty one
        self._update(output, data)
        return output.raw[: len(data)]

    def finish(self, tag: bytes) -> bool:
        """Return whether nothing was modified: only this call proves it."""
        if len(tag) != _TAG_BYTES:
            return False
        crypto, end, count = self._crypto, ctypes.create_string_buffer(_TAG_BYTES), ctypes.c_int()
        self._require(crypto.EVP_CIPHER_CTX_ctrl(self._state, _SET_TAG, _TAG_BYTES, tag))
        return bool(crypto.EVP_DecryptFinal_ex(self._state, end, ctypes.byref(count)) == 1)

    def _update(self, output: Any, data: bytes) -> None:
        count = ctypes.byref(ctypes.c_int())
        self._require(self._crypto.EVP_DecryptUpdate(self._state, output, count, data, len(data)))

    @staticmethod
    def _require(done: int) -> None:
        if done != 1:
            raise KitError(NOT_SUPPORTED, "The OpenSSL library does not support AES-256-GCM.")


def _openssl() -> Any:
    for place in _places():
        try:
            found = ctypes.CDLL(place)
            return _declared(found)
        except (OSError, AttributeError):  # it does not exist, or does not contain OpenSSL
            continue
    raise KitError(
        NOT_SUPPORTED,
        "The OpenSSL library (libcrypto), which decrypts the backup, was not found.",
        "Install OpenSSL (apt install libssl3, dnf install openssl-libs, brew install openssl@3), "
        "or set the variable LIBCRYPTO to the path of the library.",
    )


def _places() -> Iterator[str | None]:
    """Yield paths of libraries that may contain OpenSSL's functions, the best first."""
    if "LIBCRYPTO" in os.environ:
        yield os.environ["LIBCRYPTO"]
    try:
        import _ssl
    except ImportError:
        pass
    else:
        # The symbols of a library are also those of the libraries that it was linked with. Without
        # a file the module is a part of the program.
        yield getattr(_ssl, "__file__", None)
    if sys.platform == "darwin":
        # The system's own libcrypto ends every process that loads it.
        for folder in ("/opt/homebrew/opt/openssl@3/lib", "/usr/local/opt/openssl@3/lib"):
            yield f"{folder}/libcrypto.dylib"
    else:
        for path in sorted((Path(sys.base_prefix) / "DLLs").glob("libcrypto-*.dll")):
            yield str(path)
        yield "libcrypto.so.3"
        if name := ctypes.util.find_library("crypto"):
            yield name


def _declared(crypto: Any) -> Any:
    """Return the library with the types of the functions that are used."""
    pointer, integer, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("EVP_CIPHER_CTX_new", pointer, ()),
        ("EVP_CIPHER_CTX_free", None, (pointer,)),
        ("EVP_aes_256_gcm", pointer, ()),
        ("EVP_DecryptInit_ex", integer, (pointer, pointer, pointer, text, text)),
        ("EVP_DecryptUpdate", integer, (pointer, pointer, pointer, text, integer)),
        ("EVP_CIPHER_CTX_ctrl", integer, (pointer, integer, integer, text)),
        ("EVP_DecryptFinal_ex", integer, (pointer, pointer, pointer)),
    ):
        function = getattr(crypto, name)
        function.restype, function.argtypes = result, arguments
    return crypto
