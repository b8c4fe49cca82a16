"""Options of an upload: storage class, tags, metadata, encryption, checksum and compression."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import PurePath
from typing import Any, Self

from core.errors import InvalidInput


class Encryption(Enum):
    """Encryption at rest; the values are those of `x-amz-server-side-encryption`."""

    #: The default encryption of the bucket.
    DEFAULT = ""
    S3 = "AES256"
    KMS = "aws:kms"


class Checksum(Enum):
    """Checksum that S3 verifies and stores with the object; the values are S3's names.

    CRC64NVME is missing: S3 only accepts it for a complete object, not for its parts.
    """

    #: CRC32 on AWS; other servers verify the MD5 of each request.
    DEFAULT = ""
    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    SHA1 = "SHA1"
    SHA256 = "SHA256"


class Compression(Enum):
    """Compression of a file before it is sent."""

    NONE = ""
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """The extension of the key, for example `.gz`; empty for `NONE`."""
        return {"gzip": ".gz", "zstd": ".zst"}.get(self.value, "")


#: Extensions of files that another compression would hardly make smaller.
_COMPRESSED = frozenset(
    [
        ".7z",
        ".br",
        ".bz2",
        ".gif",
        ".gz",
        ".jpeg",
        ".jpg",
        ".lz4",
        ".mp3",
        ".mp4",
        ".parquet",
        ".png",
        ".tgz",
        ".webp",
        ".xz",
        ".zip",
        ".zst",
    ]
)

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """Options of the objects of an upload; the default changes nothing.

    Attributes:
        storage_class: S3's name of a storage class, for example `STANDARD_IA`; empty for STANDARD.
        tags: up to 10 pairs of key and value.
        metadata: pairs of name and value, in addition to the SHA-256 that is always stored.
        encryption: the encryption at rest.
        kms_key: id, alias or ARN of a KMS key; empty for the default key of the account.
        checksum: the checksum that S3 verifies and stores.
        compression: how files are compressed; the extension is appended to their keys.
    """

    storage_class: str = ""
    tags: Pairs = ()
    metadata: Pairs = ()
    encryption: Encryption = Encryption.DEFAULT
    kms_key: str = ""
    checksum: Checksum = Checksum.DEFAULT
    compression: Compression = Compression.NONE

    @property
    def is_default(self) -> bool:
        """Whether no option is set."""
        return self == type(self)()

    def compresses(self, name: str) -> bool:
        """Return whether a file with this name is compressed: not if it already is."""
        known = PurePath(name).suffix.lower() in _COMPRESSED
        return self.compression is not Compression.NONE and not known

    def key_for(self, key: str, name: str) -> str:
        """Return the key of a file, with the extension of the compression if it is compressed."""
        return key + self.compression.suffix if self.compresses(name) else key

    def uncompressed(self) -> Self:
        """Return the options without compression."""
        return replace(self, compression=Compression.NONE)

    def as_dict(self) -> dict[str, Any]:
        """Return the options that are set, as values that JSON can represent."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        plain = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in values.items()
        }
        return {
            name: [list(pair) for pair in value] if isinstance(value, tuple) else value
            for name, value in plain.items()
            if value
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return options from the values of `as_dict`.

        Raises:
            InvalidInput: a name or a value is unknown.
        """
        try:
            return cls(
                storage_class=str(values.get("storage_class", "")),
                tags=_pairs(values.get("tags", ())),
                metadata=_pairs(values.get("metadata", ())),
                encryption=Encryption(values.get("encryption", "")),
                kms_key=str(values.get("kms_key", "")),
                checksum=Checksum(values.get("checksum", "")),
                compression=Compression(values.get("compression", "")),
                **_unknown(values, {each.name for each in fields(cls)}),
            )
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                "The options of the upload cannot be read",
                cause=f"A name or a value is unknown: {error}.",
                remedy="Start the upload again with the options that this version offers.",
            ) from None


#: Options that change nothing.
DEFAULT_OPTIONS = UploadOptions()


def _pairs(values: Iterable[Iterable[str]]) -> Pairs:
    return tuple((str(name), str(value)) for name, value in values)


def _unknown(values: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """Return the values with unknown names, which the constructor refuses.

    An option that is silently ignored would store objects that the user did not want.
    """
    return {name: value for name, value in values.items() if name not in known}
