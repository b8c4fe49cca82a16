"""Makes presigned links for many objects and writes each into the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.links.existence import NEED_OBJECT, object_exists
from core.links.ledger import Entry, Ledger
from core.objects.bucket import Bucket
from core.objects.presign import Lifetime, Presigned, checked_seconds, lifetime_of, presign
from core.redaction import Secret
from core.units import format_moment, utc_now
from core.work import Progress, Work, default_work

#: The methods a link can be made for, as people ask for them.
METHODS: tuple[str, ...] = ("GET", "PUT", "HEAD", "DELETE")
#: Objects that are asked for one by one; of more, it is not known whether they are there.
_HEADS = 200
_MISSING = "there is no object under this key now: the link works once there is one"


@dataclass(frozen=True, slots=True)
class Link:
    """One link: anyone with `url` can use it until it expires, so it is a secret.

    Attributes:
        key: the object's key.
        method: one of `METHODS`.
        url: the link itself.
        asked_seconds: the life that was asked for.
        expires: its end, or with `expiry_known` false the latest possible one.
        expiry_known: false when the credentials that sign it do not say when they end.
        limited_by: why it may end earlier than asked, or empty.
        exists: whether the object was there; None if that is not known or does not matter.
        warnings: why the link may not work, one sentence each.
    """

    key: str
    method: str
    url: Secret
    requested_seconds: int
    expires: datetime
    limited_by: str = ""
    expiry_known: bool = True
    exists: bool | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ends(self) -> str:
        """The end in words, never more than is known."""
        when = format_moment(self.expires)
        return f"until {when}" if self.expiry_known else f"end unknown: at most until {when}"


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
    """Return one link a key, with a warning where its object is not there.

    Args:
        bucket: where the objects are, or where somebody shall upload to (method PUT).
        keys: the objects' keys; they need not exist.
        method: one of `METHODS`.
        seconds: the life asked for, at most 7 days; the real one may be shorter.
        made_by: who makes them, for the ledger.
        ledger: where they are remembered, without their signatures.
        work: cancel and progress.

    Raises:
        InvalidInput: a key, method or life that cannot be signed; no link is made then.
        CredentialsExpired: the credentials have ended.
        StorageError: the credentials cannot be had.
    """
    work = default_work(work)
    links = []
    for number, key in enumerate(keys):
        work.check()
        signed = presign(bucket, key, method=method, expires=seconds, work=work)
        checked = number < _HEADS and signed.method in NEED_OBJECT
        exists = object_exists(bucket, key, work) if checked else None
        links.append(_link(key, signed, exists=exists))
        work.report(Progress(number + 1, len(keys), "links"))
    if ledger is not None:
        access_key_id = bucket.clients.frozen_keys().access_key_id
        ledger.append([_entry(link, bucket.name, made_by, access_key_id) for link in links])
    return tuple(links)


def actual_lifetime(bucket: Bucket, seconds: int, *, work: Work | None = None) -> Lifetime:
    """Return how long a link would live that is asked for `seconds` now.

    Raises:
        InvalidInput: `seconds` is not a life that S3 allows.
        CredentialsExpired: the credentials have ended.
        StorageError: the credentials cannot be had.
    """
    default_work(work).check()
    return lifetime_of(bucket, checked_seconds(seconds), utc_now())


def _link(key: str, signed: Presigned, *, exists: bool | None) -> Link:
    missing = _MISSING if exists is False else ""
    return Link(
        key,
        signed.method,
        signed.url,
        signed.requested_seconds,
        signed.life.expires_at,
        signed.life.limited_by,
        signed.life.known,
        exists,
        tuple(warning for warning in (missing, signed.warning) if warning),
    )


def _entry(link: Link, bucket: str, made_by: str, access_key_id: str) -> Entry:
    return Entry(
        bucket=bucket,
        key=link.key,
        method=link.method,
        made=utc_now(),
        expires=link.expires,
        made_by=made_by,
        access_key_id=access_key_id,
        expiry_known=link.expiry_known,
    )
