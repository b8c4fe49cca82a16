"""Checks of the options of an upload, and their parameters in S3's requests."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

from core.aws.limits import OBJECT_TAGS, TAG_KEY_CHARS, TAG_VALUE_CHARS
from core.errors import InvalidInput
from core.model.upload_options import Compression, Encryption, UploadOptions
from core.objects.hashing import SHA256

#: Metadata of a compressed object: the hexadecimal SHA-256 and the size of the original file.
ORIGINAL_SHA256, ORIGINAL_SIZE = "original-sha256", "original-size"
#: Content types of compressed objects (data contract; RFC 8878, section 7.1).
COMPRESSED_TYPES = {Compression.GZIP: "application/gzip", Compression.ZSTD: "application/zstd"}
_RESERVED = frozenset({SHA256, ORIGINAL_SHA256, ORIGINAL_SIZE})
_CLASS = re.compile(r"[A-Z][A-Z0-9_-]*")
#: Characters of tags (S3 user guide, "Categorizing your objects using tags").
_TAG = re.compile(r"[\w\s+\-=.:/@]*")


def check_options(options: UploadOptions) -> UploadOptions:
    """Check options for what S3 refuses in any case, and return them.

    Raises:
        InvalidInput: an option is not valid; metadata is checked with the other metadata.
    """
    if options.storage_class and not _CLASS.fullmatch(options.storage_class):
        raise InvalidInput(
            f"“{options.storage_class}” is not a storage class",
            cause="Names of storage classes have capital letters, digits and underscores.",
            remedy="Use a name such as STANDARD_IA, INTELLIGENT_TIERING or DEEP_ARCHIVE.",
        )
    if options.kms_key and options.encryption is not Encryption.KMS:
        raise InvalidInput(
            "The KMS key would not be used",
            cause="A KMS key only has an effect on objects that are encrypted with SSE-KMS.",
            remedy="Choose the encryption aws:kms, or leave the key empty.",
        )
    check_header("The KMS key", options.kms_key)
    _check_tags(options)
    reserved = sorted(_RESERVED & {name.lower() for name, _ in options.metadata})
    if reserved:
        raise InvalidInput(
            f"The metadata {reserved[0]} cannot be set",
            cause="Strongroom stores hashes of the content under this name.",
            remedy="Use another name.",
            subject=reserved[0],
        )
    return options


def check_header(name: str, value: str) -> None:
    """Check a value that is sent as a header of a request.

    S3 computes another signature from other characters, and refuses the keys.

    Raises:
        InvalidInput: it has characters that no header may contain.
    """
    if not value.isprintable() or not value.isascii():
        raise InvalidInput(
            f"{name} cannot be stored",
            cause="Values of headers consist of printable ASCII characters.",
            remedy="Change the value.",
        )


def _check_tags(options: UploadOptions) -> None:
    names = [name for name, _ in options.tags]
    if len(names) > OBJECT_TAGS or len({*names}) < len(names):
        raise InvalidInput(
            "The tags cannot be stored",
            cause=f"S3 allows {OBJECT_TAGS} tags for an object, each with a different key.",
            remedy="Remove some tags.",
        )
    for name, value in options.tags:
        long = len(name) > TAG_KEY_CHARS or len(value) > TAG_VALUE_CHARS
        if not name or long or not _TAG.fullmatch(name + value) or name.startswith("aws:"):
            raise InvalidInput(
                f"The tag {name!r} cannot be stored",
                cause=f"A key has 1 to {TAG_KEY_CHARS} characters and does not begin with “aws:”, "
                f"a value has up to {TAG_VALUE_CHARS}; letters, digits, spaces and + - = . _ : / @ "
                "are allowed.",
                remedy="Change the tag.",
                subject=name,
            )


def parameters_of(options: UploadOptions) -> dict[str, Any]:
    """Return botocore's parameters for PutObject and CreateMultipartUpload.

    Metadata and checksums are not among them: both depend on the content.
    """
    wanted = {
        "StorageClass": options.storage_class,
        # Ceph RGW does not read “+” as a space.
        "Tagging": urlencode(options.tags, quote_via=quote),
        "ServerSideEncryption": options.encryption.value,
        "SSEKMSKeyId": options.kms_key,
    }
    return {name: value for name, value in wanted.items() if value}
