"""Binary values of secrets: their size and kind, their first bytes, and files with them."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from core.aws.limits import SECRET_BYTES
from core.errors import InvalidInput, LocalIOError
from core.local.atomic import translate_os_errors, write_atomically
from core.model.secrets import SecretValue
from core.units import format_count

#: Bytes that are shown as hexadecimal numbers, and those in one line.
SHOWN_BYTES, _LINE_BYTES = 256, 8


@dataclass(frozen=True, slots=True)
class BinaryKind:
    """The kind of a binary value: its name for people, and the usual ending of such files."""

    title: str
    ending: str


_UNKNOWN = BinaryKind("Unknown, for example a symmetric key", "bin")
_TEXT = BinaryKind("Text in UTF-8", "txt")
#: The first bytes of each kind.
_KINDS = (
    # A PFX structure begins with its version, which is always 3 (RFC 7292).
    (rb"\x30(?:\x82..|\x81.|\x80|[\x01-\x7f])\x02\x01\x03", BinaryKind("PKCS #12 (keys)", "p12")),
    (rb"\xfe\xed\xfe\xed", BinaryKind("Java keystore", "jks")),
    (rb"\xce\xce\xce\xce", BinaryKind("Java keystore (JCEKS)", "jceks")),
    (rb"\x03\xd9\xa2\x9a", BinaryKind("KeePass database", "kdbx")),
    (rb"\x05\x02\x00\x00", BinaryKind("Kerberos keytab", "keytab")),
    (rb"\x1f\x8b", BinaryKind("gzip archive", "gz")),
    (rb"PK\x03\x04", BinaryKind("ZIP archive", "zip")),
    (rb"\x28\xb5\x2f\xfd", BinaryKind("Zstandard archive", "zst")),
    (rb"\x89PNG\r\n", BinaryKind("PNG picture", "png")),
    (rb"SQLite format 3\x00", BinaryKind("SQLite database", "sqlite")),
    (rb"\s*-----BEGIN ", BinaryKind("PEM (a key or certificates)", "pem")),
    (rb"\x30[\x81\x82]", BinaryKind("DER (a key or certificate)", "der")),
)


def content_of(value: SecretValue) -> bytes:
    """Return the bytes of a binary value."""
    return b64decode(value.text.reveal())


def kind_of(content: bytes) -> BinaryKind:
    """Return the kind of a binary value by its first bytes."""
    for pattern, kind in _KINDS:
        if re.match(pattern, content, re.DOTALL):
            return kind
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _UNKNOWN
    readable = all(char.isprintable() or char in "\t\r\n" for char in text)
    return _TEXT if readable else _UNKNOWN


def hex_dump(content: bytes) -> str:
    """Return the first bytes as lines with their position, hexadecimal numbers and characters."""
    shown = content[:SHOWN_BYTES]
    lines = []
    for start in range(0, len(shown), _LINE_BYTES):
        part = shown[start : start + _LINE_BYTES]
        characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:04x}  {part.hex(' '):<{3 * _LINE_BYTES - 1}}  {characters}")
    return "\n".join(lines)


def save_to_file(value: SecretValue, path: Path) -> int:
    """Write a binary value to a file that only the user can read (mode 0600), and return its size.

    An existing file is replaced, with its permissions.

    Raises:
        LocalIOError: the file could not be written; an existing one is untouched.
    """
    content = content_of(value)
    write_atomically(path, content)
    return len(content)


def read_from_file(path: Path) -> bytes:
    """Return the bytes of a file that is to become a binary value.

    Raises:
        InvalidInput: the file is empty, or larger than a secret may be.
        LocalIOError: it is no file, or could not be read.
    """
    if not path.is_file():  # a pipe would block
        raise LocalIOError(
            f"{path.name} is not a file",
            cause="It does not exist, or is a folder or a device.",
            remedy="Choose a file.",
            subject=path.name,
        )
    with translate_os_errors(path, "read"), path.open("rb") as file:
        content = file.read(SECRET_BYTES + 1)
    if not 0 < len(content) <= SECRET_BYTES:
        raise InvalidInput(
            f"{path.name} is too large for a secret" if content else f"{path.name} is empty",
            cause=f"A secret has 1 to {format_count(SECRET_BYTES)} bytes.",
            remedy="Choose another file.",
            subject=path.name,
        )
    return content
