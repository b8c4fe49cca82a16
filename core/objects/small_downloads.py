"""Fast download of many small objects, each verified before its file appears."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from core.aws.http_connection import HttpAnswer
from core.aws.request_signer import RequestSigner
from core.local.new_folders import NewFolders
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.checksums import digest_of, expected_hashes
from core.objects.hashing import SHA256
from core.objects.small_files import FilePublisher, Published
from core.objects.small_loop import FEWEST, Exchange, SmallLoop
from core.work import Work, default_work

_METADATA = f"x-amz-meta-{SHA256}"
_SHA256 = re.compile("[0-9a-f]{64}")
#: S3 only returns checksums if they are requested.
HEADERS = {"x-amz-checksum-mode": "ENABLED"}
_CHECKSUMS = tuple(
    (f"Checksum{name}", f"x-amz-checksum-{name.lower()}")
    for name in ("SHA512", "SHA256", "SHA1", "CRC32", "MD5", "CRC64NVME", "CRC32C")
)


class SmallObject(NamedTuple):
    """One object to download; a named tuple, since there may be many thousands of them.

    Attributes:
        number: identifies it for the caller.
        key: the object.
        path: the absolute path of the file.
        size: its listed size in bytes.
        etag: its listed ETag without quotes, or an empty string.
    """

    number: int
    key: str
    path: str
    size: int
    etag: str = ""


class Received(NamedTuple):
    """A verified object: its hexadecimal SHA-256, and what its bytes were compared with."""

    object: SmallObject
    sha256: str
    verdict: Verdict


def download_many(
    bucket: Bucket,
    objects: Iterable[SmallObject],
    *,
    received: Callable[[Sequence[Received]], None],
    overwrite: bool = False,
    folders: NewFolders | None = None,
    work: Work | None = None,
) -> list[SmallObject]:
    """Download small objects, many at a time, and compare each with a hash.

    A file appears under its name when its bytes are verified and on the disk. Objects without a
    hash that can be compared are returned, like those that failed: the regular download decides.

    Args:
        bucket: the bucket.
        objects: of at most `SMALL_BYTES`.
        received: called in this thread with the files of each completed group.
        overwrite: whether existing files are replaced.
        folders: records the folders that are created.
        work: cancel.

    Returns:
        The objects that were not downloaded; none of them has left an incomplete file.

    Raises:
        Cancelled: the token of `work` was cancelled.
        StorageError: there are no credentials, or the bucket cannot be found.
    """
    work = default_work(work)
    work.check()
    rest = iter(objects)
    first = list(islice(rest, FEWEST))
    if len(first) < FEWEST:
        return first
    bucket.clients.note_use("s3", "GetObject")
    publisher = FilePublisher(overwrite=overwrite, folders=folders)
    return _Receiver(bucket, chain(first, rest), received, work, publisher).run()


class _Receiver(SmallLoop[SmallObject]):
    """Downloads of small objects."""

    def __init__(
        self,
        bucket: Bucket,
        objects: Iterator[SmallObject],
        received: Callable[[Sequence[Received]], None],
        work: Work,
        publisher: FilePublisher,
    ) -> None:
        super().__init__(bucket, objects, work)
        self._received = received
        self._publisher = publisher
        self._folders: dict[str, str] = {}
        #: Objects whose files have no names yet.
        self._unnamed: dict[int, Received] = {}

    def run(self) -> list[SmallObject]:
        """Download the objects; no temporary file remains."""
        try:
            return super().run()
        finally:
            # Also after a cancel: files that have their names are reported.
            self._report(self._publisher.close())

    def prepared(self, file: SmallObject, signer: RequestSigner) -> Exchange[SmallObject]:
        parent = file.path.rpartition(os.sep)[0]
        # The file is refused if its folder becomes a link to another place in the meantime.
        folder = self._folders.get(parent)
        if folder is None:
            folder = self._folders[parent] = os.path.realpath(parent)
        request = signer.signed("GET", file.key, HEADERS)
        return Exchange(file, request, file.size, folder)

    def accepted(self, exchange: Exchange[SmallObject], answer: HttpAnswer) -> bool:
        file, data = exchange.file, answer.body
        etag = (answer.header("etag") or "").strip('"')
        if len(data) != file.size or (file.etag and file.etag != etag):
            return False
        digest = hashlib.sha256(data).hexdigest()
        verdict = verdict_of(answer, digest, etag)
        if verdict is None:
            return False
        if self._publisher.add(file.number, file.path, exchange.state, data):
            self._unnamed[file.number] = Received(file, digest, verdict)
        else:  # the server is not the reason
            self._left.append(file)
        return True

    def progressed(self) -> None:
        self._report(self._publisher.published())

    def finished(self) -> None:
        self._report(self._publisher.finish())

    def _report(self, published: Published) -> None:
        if published.done:
            self._received([self._unnamed.pop(number) for number in published.done])
        for number in published.failed:
            self._left.append(self._unnamed.pop(number).object)


def verdict_of(answer: HttpAnswer, sha256: str, etag: str) -> Verdict | None:
    """Return the hash with which the bytes were compared; None if they differ or there is none."""
    recorded = (answer.header(_METADATA) or "").lower()
    if _SHA256.fullmatch(recorded):
        return Verdict.SHA256 if recorded == sha256 else None
    fields = {
        "ETag": etag,
        "ServerSideEncryption": answer.header("x-amz-server-side-encryption"),
        "SSECustomerAlgorithm": answer.header("x-amz-server-side-encryption-customer-algorithm"),
        **{field: answer.header(name) for field, name in _CHECKSUMS},
    }
    # Hashes of parts require the sizes of the parts, which the regular download determines.
    expected = next((each for each in expected_hashes(fields) if not each.parts), None)
    if expected is None or digest_of(expected.algorithm, answer.body) != expected.value:
        return None
    return expected.verdict
