"""Fast reading of many small objects into memory, each verified before it is delivered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from core.aws.http_connection import HttpAnswer
from core.aws.request_signer import RequestSigner
from core.objects.bucket import Bucket
from core.objects.small_downloads import HEADERS, verdict_of
from core.objects.small_loop import FEWEST, Exchange, SmallLoop
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One object of a listing; `number` identifies it for the caller.

    Attributes:
        size: its listed size in bytes.
        etag: its listed ETag without quotes.
    """

    number: int
    key: str
    size: int
    etag: str


def read_many(
    bucket: Bucket,
    objects: Iterable[ListedObject],
    *,
    received: Callable[[ListedObject, bytes], None],
    work: Work | None = None,
) -> list[ListedObject]:
    """Read small objects, many at a time, and compare each with a hash.

    Args:
        bucket: the bucket.
        objects: of at most `core.objects.small_loop.SMALL_BYTES`.
        received: called in this thread for each object, in the order of the answers.
        work: cancel token and the bandwidth limit.

    Returns:
        The objects that were not read: those that were changed since the listing, those without a
        hash that can be compared, and failures. The regular download decides about them.

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
    return _Reader(bucket, chain(first, rest), received, work).run()


class _Reader(SmallLoop[ListedObject]):
    """Requests for the contents of small objects."""

    def __init__(
        self,
        bucket: Bucket,
        objects: Iterator[ListedObject],
        received: Callable[[ListedObject, bytes], None],
        work: Work,
    ) -> None:
        super().__init__(bucket, objects, work)
        self._received = received

    def prepared(self, file: ListedObject, signer: RequestSigner) -> Exchange[ListedObject]:
        return Exchange(file, signer.signed("GET", file.key, HEADERS), file.size)

    def accepted(self, exchange: Exchange[ListedObject], answer: HttpAnswer) -> bool:
        file, data = exchange.file, answer.body
        etag = (answer.header("etag") or "").strip('"')
        if len(data) != file.size or etag != file.etag:
            return False
        if verdict_of(answer, hashlib.sha256(data).hexdigest(), etag) is None:
            return False
        self._received(file, data)
        return True
