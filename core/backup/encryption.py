"""Encryption of backups with AES-256-GCM, under a random data key for each backup.

The named key of the operator encrypts only that data key, so that it never encrypts rows itself and
a backup needs no other secret. Three keys are derived from the data key: for the parts, for the
hidden fields of the manifest, and for the MAC of the complete manifest. The MAC covers the hashes
of the stored parts, therefore no byte of a modified backup reaches the decompressor.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.backup.encryption_keys import KEY_BYTES, BackupKey
from core.backup.manifest import (
    canonical,
    check_schema,
    hidden_fields,
    manifest_body,
    with_hidden_fields,
)
from core.errors import NOTHING_CHANGED, Corrupt, NotSupported
from core.hints import Hint
from core.model.backup import Encryption, Manifest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext

ALGORITHM = "AES-256-GCM"
TAG_BYTES = 16
_NONCE_BYTES = 12


class BackupCipher:
    """The data key of one backup: encrypts its parts and manifest, or decrypts them.

    `backup_id` and `table` are part of the associated data, so that nothing that was encrypted for
    another backup or another place in it can be decrypted.
    """

    def __init__(self, data_key: bytes, backup_id: str, table: str) -> None:
        self._parts = _derived(data_key, "strongroom parts 1")
        self._hidden = _derived(data_key, "strongroom manifest 1")
        self._mac = _derived(data_key, "strongroom mac 1")
        self._id, self._table = backup_id, table
        self._encrypted: set[int] = set()

    def encryptor(self, index: int) -> PartEncryptor:
        """Return the encryptor of one part, once for each index.

        The nonce is the index: it is unique because the key is new for each backup.
        """
        if index in self._encrypted:
            message = f"part {index} was encrypted before: the nonce would be used twice"
            raise RuntimeError(message)
        self._encrypted.add(index)
        return PartEncryptor(self._parts, _nonce(index), self._part_context(index))

    def decrypted(self, data: bytes, index: int) -> DecryptedPart:
        """Return a reader of the decrypted bytes of a stored part."""
        return DecryptedPart(self._parts, data, index, self._part_context(index))

    def _part_context(self, index: int) -> bytes:
        return f"strongroom part 1\n{self._id}\n{index}\n{self._table}".encode()

    def hide(self, fields: dict[str, Any]) -> str:
        """Return fields of the manifest as encrypted text (base64)."""
        text = json.dumps(fields, ensure_ascii=False).encode()
        return _encrypted(self._hidden, text, _context("manifest", self._id, self._table))

    def revealed(self, text: str) -> dict[str, Any]:
        """Return the hidden fields of the manifest.

        Raises:
            Corrupt: The text was encrypted for another backup, or is damaged.
        """
        data = _decrypted(self._hidden, text, _context("manifest", self._id, self._table))
        if data is None:
            raise Corrupt("The encrypted fields of the manifest are damaged or of another backup")
        found = json.loads(data)
        return found if isinstance(found, dict) else {}

    def mac(self, body: dict[str, Any]) -> str:
        """Return the MAC of a manifest, over everything except the MAC and the manifest's hash."""
        rest = {name: value for name, value in body.items() if name != "sha256"}
        rest["encryption"] = {**rest["encryption"], "mac": ""}
        return hmac.new(self._mac, canonical(rest), hashlib.sha256).hexdigest()


class PartEncryptor:
    """Encrypts one part piece by piece, so that its bytes are in memory only once."""

    def __init__(self, key: bytes, nonce: bytes, context: bytes) -> None:
        # Imported here: it takes 30 ms, and most commands need no encryption.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._context = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
        self._context.authenticate_additional_data(context)

    def update(self, data: bytes) -> bytes:
        """Return the next encrypted bytes."""
        return self._context.update(data)

    def finish(self) -> bytes:
        """Return the last bytes: the tag that authenticates the part."""
        return self._context.finalize() + self._context.tag


class DecryptedPart:
    """A file object with the decrypted bytes of one part; they are never all in memory.

    The bytes are authentic only after `finish`; see `core.backup.package`.
    """

    def __init__(self, key: bytes, data: bytes, index: int, context: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._index = index
        self._rest = memoryview(data)[:-TAG_BYTES]
        self._tag = data[-TAG_BYTES:]
        self._context: AEADDecryptionContext = Cipher(
            algorithms.AES(key), modes.GCM(_nonce(index))
        ).decryptor()
        self._context.authenticate_additional_data(context)

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes; fewer at the end."""
        size = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:size], self._rest[size:]
        return self._context.update(piece)

    def finish(self) -> None:
        """Check that everything was read and is authentic.

        Raises:
            Corrupt: The part was modified, or belongs to another place or another backup.
        """
        unread = len(self._rest)
        self._context.update(self._rest)
        if not self._is_authentic():
            raise Corrupt(
                f"Part {self._index} cannot be decrypted",
                cause="It was modified, or it belongs to another place or another backup.",
                remedy="Choose another backup.",
                effect=NOTHING_CHANGED,
                hints=Hint.CHOOSE_BACKUP,
            )
        if unread:
            raise Corrupt(
                f"Part {self._index} does not match the manifest",
                cause="There are more bytes after the end of the rows.",
                remedy="Choose another backup of the table.",
            )

    def _is_authentic(self) -> bool:
        from cryptography.exceptions import InvalidTag

        try:
            self._context.finalize_with_tag(self._tag)
        except (InvalidTag, ValueError):  # ValueError: the part is shorter than a tag
            return False
        return True


def new_cipher(backup_id: str, table: str, key: BackupKey) -> tuple[BackupCipher, Encryption]:
    """Return a cipher with a new data key, and its record for the manifest.

    Args:
        backup_id: The id of the new backup.
        table: The table.
        key: The key that encrypts the data key.
    """
    data_key = secrets.token_bytes(KEY_BYTES)
    wrapped = _encrypted(key.wrapping_key(), data_key, _context("key", backup_id, table))
    record = Encryption(ALGORITHM, key.name, key.check, wrapped)
    return BackupCipher(data_key, backup_id, table), record


def encrypted_manifest(manifest: Manifest, cipher: BackupCipher, record: Encryption) -> Manifest:
    """Return a manifest whose schema, hashes of rows and definitions are encrypted, with its MAC.

    A plain hash or default value would reveal what the rows contain to those who can guess it.
    """
    hidden, rest = hidden_fields(manifest)
    record = replace(record, hidden=cipher.hide(hidden))
    blank = replace(rest, encryption=record)
    mac = cipher.mac(manifest_body(blank))
    return replace(blank, encryption=replace(record, mac=mac))


def opened_manifest(
    data: bytes, manifest: Manifest, key: BackupKey
) -> tuple[Manifest, BackupCipher]:
    """Check and decrypt the manifest of an encrypted backup.

    Args:
        data: The stored bytes of the manifest.
        manifest: The manifest that was read from them.
        key: The key that the manifest names; see `read_key_of_backup`.

    Returns:
        The complete manifest, and the cipher of the parts.

    Raises:
        Corrupt: The manifest or its data key was modified, or is of another backup.
    """
    record = manifest.encryption
    assert record is not None
    cipher = _cipher_of(manifest, record, key)
    if not hmac.compare_digest(cipher.mac(json.loads(data)).encode(), record.mac.encode()):
        raise Corrupt(
            f"The manifest of the backup {manifest.id} was modified",
            cause="It was not written with the key of the backup (its MAC differs).",
            remedy="Choose another backup.",
            effect=NOTHING_CHANGED,
            hints=Hint.CHOOSE_BACKUP,
        )
    complete = with_hidden_fields(manifest, cipher.revealed(record.hidden))
    check_schema(complete)
    return complete, cipher


def _cipher_of(manifest: Manifest, record: Encryption, key: BackupKey) -> BackupCipher:
    if record.algorithm != ALGORITHM:
        raise NotSupported(
            "This version does not support the encryption of the backup",
            cause=f"The algorithm is {record.algorithm!r:.40}.",
            remedy="Use a newer version of Strongroom.",
        )
    place = _context("key", manifest.id, manifest.table)
    data_key = _decrypted(key.wrapping_key(), record.wrapped_key, place)
    if data_key is None or len(data_key) != KEY_BYTES:
        raise Corrupt(
            f"The data key of the backup {manifest.id} cannot be decrypted",
            cause=f"{record.key} is the correct key, but the encrypted data key in the manifest was "
            "modified, or is that of another backup.",
            remedy="Choose another backup; in a versioned bucket an older version of the manifest may "
            "be intact.",
            effect=NOTHING_CHANGED,
            hints=Hint.CHOOSE_BACKUP,
        )
    return BackupCipher(data_key, manifest.id, manifest.table)


def _derived(key: bytes, label: str) -> bytes:
    """Return a key for one purpose; the input is random, so that one HMAC is enough."""
    return hmac.new(key, label.encode(), hashlib.sha256).digest()


def _nonce(index: int) -> bytes:
    return index.to_bytes(_NONCE_BYTES, "big")


def _context(purpose: str, backup_id: str, table: str) -> bytes:
    # The table is last: it may contain line breaks, the other two cannot.
    return f"strongroom {purpose} 1\n{backup_id}\n{table}".encode()


def _encrypted(key: bytes, data: bytes, context: bytes) -> str:
    """Return nonce, ciphertext and tag as base64."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, data, context)).decode()


def _decrypted(key: bytes, text: str, context: bytes) -> bytes | None:
    """Return the data of `_encrypted`; None if key, text or context are not the right ones."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context)
    except (ValueError, InvalidTag):
        return None
