"""Upload of bytes in one request, and of files in one request or in parts."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.aws.limits import METADATA_BYTES
from core.effects import states_effect
from core.errors import InvalidInput
from core.layout.key_checks import check_key
from core.model.objects import Written
from core.model.upload_options import DEFAULT_OPTIONS, UploadOptions
from core.objects.bucket import Bucket
from core.objects.completion import prepare_only_new
from core.objects.compressing import compressed
from core.objects.conditions import PUT
from core.objects.hashing import SHA256, HashingAhead, Stamp, changed, unreadable
from core.objects.options import COMPRESSED_TYPES, check_header, check_options, parameters_of
from core.objects.part_sizes import SINGLE_BYTES
from core.objects.parts import HashedFile, PartLoop
from core.objects.probes import refuse_existing_key
from core.objects.single import SinglePut
from core.objects.tags import set_tags
from core.units import format_counted
from core.work import CancelToken, Progress, Work, default_work


@states_effect("written")
def put(  # noqa: PLR0913 - one write; all but the first three by name
    bucket: Bucket,
    key: str,
    data: bytes,
    *,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    only_new: bool = False,
    work: Work | None = None,
) -> Written:
    """Store bytes under a key in one request, and verify the stored object.

    Args:
        bucket: the bucket.
        key: at most 1,024 bytes.
        data: the content.
        metadata: user metadata, stored exactly as given; at most 2 KB together.
        content_type: derived from the extension of the key if None.
        only_new: never overwrite an object.
        work: cancel token.

    Raises:
        AlreadyExists: `only_new`, and another object has the key.
        InvalidInput: the key or the metadata is not valid.
        Corrupt: the stored bytes differ from those that were sent, even after several attempts.
        StorageError: the write was denied or failed.
    """
    work = default_work(work)
    work.check()
    arguments = _arguments(bucket, key, metadata, content_type)
    return SinglePut(bucket, arguments, data, work, only_new=only_new).run()


@states_effect("written", ("PutObject", "CompleteMultipartUpload"))
def upload(  # noqa: PLR0913 - one write; all but the first three by name
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    content_type: str | None = None,
    only_new: bool = False,
    options: UploadOptions = DEFAULT_OPTIONS,
    ahead: HashingAhead | None = None,
    work: Work | None = None,
) -> Written:
    """Upload a file to a key, with its SHA-256 as metadata, and verify the stored object.

    If the file changes while it is uploaded, nothing is stored. With `only_new` no object is
    overwritten, not even one that appears during the upload. With a compression, the compressed
    bytes are stored under the same key (see `UploadOptions.key_for`), and `content_type` is that
    of the compression. `ahead` has hashes of the file, which are used if it has not changed since.

    Raises:
        AlreadyExists: `only_new`, and another object has the key.
        SourceChanged: the file changed while it was read.
        LocalIOError: the file cannot be read.
        InvalidInput: the key or the metadata is not valid, or the file is too large.
        Corrupt: the stored bytes differ from those that were sent, even after several attempts.
        StorageError: the upload was denied or failed; nothing was stored.
    """
    work = default_work(work)
    check_options(options)
    if options.compresses(path.name):
        return _upload_compressed(
            bucket, key, path, metadata or {}, only_new=only_new, options=options, work=work
        )
    # Taken before the bytes are read, so that any change from here on is detected.
    stamp = Stamp.of(path)
    every = {**(metadata or {}), **dict(options.metadata)}
    arguments = {**_arguments(bucket, key, every, content_type), **parameters_of(options)}
    file = _FileUpload(bucket, path, stamp, arguments, only_new, options, ahead)
    if stamp.size > SINGLE_BYTES:
        return file.in_parts(work)  # which reports its progress
    written = file.single(work)
    work.report(Progress(stamp.size, stamp.size, "bytes", key))
    return written


def _upload_compressed(  # noqa: PLR0913 - the arguments of `upload`
    bucket: Bucket,
    key: str,
    path: Path,
    metadata: Mapping[str, str],
    *,
    only_new: bool,
    options: UploadOptions,
    work: Work,
) -> Written:
    if only_new:
        # Before the file is compressed, which may take minutes.
        refuse_existing_key(bucket, key, PUT, work)
    with compressed(path, options.compression, work) as copy:
        return upload(
            bucket,
            key,
            copy.path,
            metadata={**metadata, **copy.metadata},
            content_type=COMPRESSED_TYPES[options.compression],
            only_new=only_new,
            options=options.uncompressed(),
            work=work,
        )


@dataclass(frozen=True, slots=True)
class _FileUpload:
    """The upload of a file.

    Attributes:
        bucket: the bucket of the object.
        path: the file.
        stamp: the state of the file when the upload began.
        arguments: botocore's parameters of the object, without its hash.
        only_new: whether an existing object is never replaced.
        options: the checksum and the tags.
        ahead: hashes that are being computed, if any.
    """

    bucket: Bucket
    path: Path
    stamp: Stamp
    arguments: dict[str, Any]
    only_new: bool
    options: UploadOptions
    ahead: HashingAhead | None = None

    def single(self, work: Work) -> Written:
        """Send the file in one request."""
        data = self._read()
        arguments = _with_digest(self.arguments, hashlib.sha256(data).hexdigest())
        put = SinglePut(
            self.bucket,
            arguments,
            data,
            work,
            only_new=self.only_new,
            checksum=self.options.checksum,
        )
        return put.run()

    def _read(self) -> bytes:
        try:
            # One byte more, which a file has that grew since.
            with self.path.open("rb") as file:
                data = file.read(self.stamp.size + 1)
        except OSError as error:
            raise unreadable(self.path, error) from error
        self.stamp.check(self.path)
        if len(data) != self.stamp.size:
            raise changed(self.path)
        return data

    def in_parts(self, work: Work) -> Written:
        """Hash the file and send it in parts."""
        file = self._hashed(work)
        work.check()
        self.stamp.check(self.path)
        loop = PartLoop(
            self.bucket,
            file,
            _with_digest(self.arguments, file.hashes.sha256),
            work,
            only_new=self.only_new,
            checksum=self.options.checksum,
        )
        written = loop.run()
        # Ceph RGW ignores the tags of an upload in parts; AWS does not.
        if self.options.tags and self.bucket.clients.endpoint_url is not None:
            # Servers without versions return "null", which not all of them accept in a request.
            version = None if written.version_id == "null" else written.version_id
            set_tags(self.bucket, written.key, version, self.options.tags, work)
        return written

    def _hashed(self, work: Work) -> HashedFile:
        """Hash the file; the server is prepared at the same time."""
        stop = CancelToken()
        with work.token.on_cancel(stop.cancel), ThreadPoolExecutor(1, "hash-file") as pool:
            hashing = pool.submit(self._hash, Work(stop))
            try:
                # Before the parts are sent: afterwards the only test would be the completion
                # itself.
                if self.only_new:
                    prepare_only_new(self.bucket, self.arguments["Key"], work)
                else:  # a bucket that does not exist is reported before the file is hashed
                    self.bucket.clients.bucket_region(self.bucket.name, work=work)
                return hashing.result()
            finally:
                # An existing key ends the hashing, which may take minutes.
                stop.cancel()

    def _hash(self, work: Work) -> HashedFile:
        found = self.ahead and self.ahead.take(self.path, self.stamp, work)
        if found:
            return HashedFile(self.path, self.stamp, found)
        return HashedFile.of(self.path, self.stamp, work)


def _with_digest(arguments: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return the parameters of an object with its hexadecimal SHA-256 as metadata."""
    return {**arguments, "Metadata": check_metadata({**arguments["Metadata"], SHA256: digest})}


def _arguments(
    bucket: Bucket, key: str, metadata: Mapping[str, str] | None, content_type: str | None
) -> dict[str, Any]:
    check_header("The content type", content_type or "")
    return {
        "Bucket": bucket.name,
        "Key": check_key(key),
        "Metadata": check_metadata(metadata or {}),
        "ContentType": content_type or guess_type(key),
    }


def guess_type(key: str) -> str:
    """Return the content type for the extension of a key; gzip as in the data contract."""
    # `mimetypes` would return the type of the decompressed content.
    if key.endswith(".gz"):
        return "application/gzip"
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


#: A name of a header (RFC 9110, section 5.6.2).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Check metadata for the limits of S3's headers, and return it.

    Raises:
        InvalidInput: names or values are not printable ASCII, names are not those of headers or
            equal except for upper and lower case, or all are more than 2 KB together.
    """
    plain = {str(name): str(value) for name, value in metadata.items()}
    for name, value in plain.items():
        if name.isascii() and name.isprintable() and not _TOKEN.fullmatch(name):
            raise InvalidInput(
                f"The metadata {name!r} cannot be stored",
                cause="S3 transmits metadata in headers, whose names have neither spaces nor any of "
                '( ) , / : ; < = > ? @ [ \\ ] { } ".',
                remedy="Use letters, digits, hyphens and underscores in the name.",
                subject=name,
            )
        if not (name + value).isascii() or not (name + value).isprintable():
            raise InvalidInput(
                f"The metadata {name!r} cannot be stored",
                cause="S3 transmits metadata in headers, which must be printable ASCII.",
                remedy="Use ASCII characters only, or store the text in the object.",
                subject=name,
            )
    again = [name for name, count in Counter(map(str.lower, plain)).items() if count > 1]
    if again:
        raise InvalidInput(
            f"The metadata {again[0]!r} cannot be stored twice",
            cause="S3 transmits metadata in headers, in whose names upper and lower case are the same.",
            remedy="Use different names.",
            subject=again[0],
        )
    size = sum(len(name) + len(value) for name, value in plain.items())
    if size > METADATA_BYTES:
        raise InvalidInput(
            "The metadata is too large",
            cause=f"It has {format_counted(size, 'byte')}; S3 allows {METADATA_BYTES}.",
            remedy="Shorten it, or store the text in the object.",
        )
    return plain
