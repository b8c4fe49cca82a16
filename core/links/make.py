"""Makes presigned links for many objects and writes each into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.links.ledger import Entry, Ledger
from core.objects.bucket import Bucket
from core.objects.presign import presign
from core.redaction import Secret
from core.units import utc_now
from core.work import Progress, Work, default_work

#: The methods a link can be made for, as people ask for them.
METHODS: tuple[str, ...] = ("GET", "PUT", "HEAD", "DELETE")


@dataclass(frozen=True, slots=True)
class Link:
    """One link. Whoever holds `url` holds the right, so it is a secret until `expires`.

    `asked_seconds` is the life asked for; `limited_by` says in words why `expires` is earlier, or
    is empty.
    """

    key: str
    method: str
    url: Secret
    asked_seconds: int
    expires: datetime
    limited_by: str


def make_links(  # noqa: PLR0913 - a link is this record; all but the first two have names
    bucket: Bucket,
    keys: Sequence[str],
    *,
    method: str = "GET",
    seconds: int = 3600,
    made_by: str = "",
    ledger: Ledger | None = None,
    work: Work | None = None,
) -> tuple[Link, ...]:
    """Return one link a key; signing is local, nothing is asked of S3 but the bucket's region.

    Args:
        bucket: where the objects are, or where somebody shall upload to (method PUT).
        keys: the objects' keys; they need not exist.
        method: one of `METHODS`.
        seconds: the life asked for; the real one may be shorter (see `Link.limited_by`).
        made_by: who makes them, for the ledger.
        ledger: where they are remembered, without their signatures.
        work: cancel and progress.

    Raises:
        InvalidInput: a key, method or life that cannot be signed; no link is made then.
        StorageError: the credentials cannot be had.
    """
    work = default_work(work)
    links = []
    for number, key in enumerate(keys):
        work.check()
        signed = presign(bucket, key, method=method, expires=seconds)
        links.append(Link(key, method, signed.url, seconds, signed.expires_at, signed.limited_by))
        work.report(Progress(number + 1, len(keys), "links"))
    if ledger is not None:
        access_key_id = bucket.clients.frozen_keys().access_key_id
        ledger.append([_entry(link, bucket.name, made_by, access_key_id) for link in links])
    return tuple(links)


def real_life(bucket: Bucket, seconds: int, *, work: Work | None = None) -> tuple[datetime, str]:
    """Return when a link asked for `seconds` would really end, and why if that is earlier.

    Raises:
        InvalidInput: `seconds` is not positive.
        StorageError: the credentials cannot be had.
    """
    default_work(work).check()
    signed = presign(bucket, "any", expires=seconds)
    return signed.expires_at, signed.limited_by


def _entry(link: Link, bucket: str, made_by: str, access_key_id: str) -> Entry:
    return Entry(
        bucket=bucket,
        key=link.key,
        method=link.method,
        made=utc_now(),
        expires=link.expires,
        made_by=made_by,
        access_key_id=access_key_id,
    )
