"""Creation of presigned links for many objects, recorded in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.links.existence import NEED_OBJECT, object_exists
from core.links.ledger import Entry, Ledger
from core.links.options import LinkOptions
from core.objects.bucket import Bucket
from core.objects.link_signer import presign_many
from core.objects.post_form import SignedForm, UploadLimits, sign_form
from core.objects.presign import Lifetime, Presigned, checked_seconds, lifetime_of, presign
from core.redaction import Secret
from core.units import format_moment, utc_now
from core.work import Progress, Work, default_work

#: The methods of links. POST is a form for uploads, which `make_forms` creates.
METHODS: tuple[str, ...] = ("GET", "PUT", "HEAD", "DELETE")
FORM = "POST"
#: Maximum number of objects whose existence is checked.
_HEADS = 200
_MISSING = "there is no object with this key at present: the link works once it exists"
_MISSING_VERSION = "the object does not have this version: the link does not work"


@dataclass(frozen=True, slots=True)
class Link:
    """A link. Anyone with `url` can use it until it expires, so it is a secret.

    Attributes:
        key: the object's key.
        method: one of `METHODS`, or `FORM`.
        url: the link itself; of a form, the address to which it is sent.
        requested_seconds: the requested validity.
        expires: its end, or the latest possible end if `expiry_known` is False.
        expiry_known: False if the expiry of the credentials that sign it is unknown.
        limited_by: the reason why it may end earlier than requested, or empty.
        exists: whether the object exists; None if it is unknown or irrelevant.
        warnings: reasons why the link may not work, one sentence each.
        form: the signed fields of a form, otherwise None.
        version_id: the version of the object; empty for the latest one.
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
    form: SignedForm | None = None
    version_id: str = ""

    @property
    def expiry_text(self) -> str:
        """When it expires, as text."""
        return expiry_text(self.expires, known=self.expiry_known)


def expiry_text(expires: datetime, *, known: bool = True) -> str:
    """Return when a link expires or has expired, for the column “Expires” and for messages.

    Args:
        expires: its end, or the latest possible end.
        known: False if the credentials that sign it may expire earlier.
    """
    when = format_moment(expires)
    if expires <= utc_now():
        return f"expired {when}"
    return when if known else f"{when} at the latest"


def make_links(  # noqa: PLR0913 - a link is this record; all but the first two have names
    bucket: Bucket,
    keys: Sequence[str],
    *,
    method: str = "GET",
    seconds: int = 3600,
    options: LinkOptions | None = None,
    key_ends: datetime | None = None,
    made_by: str = "",
    ledger: Ledger | None = None,
    work: Work | None = None,
) -> tuple[Link, ...]:
    """Create one link for each key, with a warning if its object does not exist.

    Args:
        bucket: the bucket of the objects, or of the upload (method PUT).
        keys: the objects' keys; they need not exist.
        method: one of `METHODS`.
        seconds: the requested validity, at most 7 days; the actual one may be shorter.
        options: name, type and version of a download, or type of an upload.
        key_ends: when a planned rotation deactivates the access key; see `Workspace.key_ends`.
        made_by: the author, for the ledger.
        ledger: the ledger that records them without signatures.
        work: cancel token and progress.

    Raises:
        InvalidInput: a key, the method, the validity or an option is not valid; then no link is
            created.
        CredentialsExpired: the credentials have expired.
        StorageError: the credentials cannot be obtained.
    """
    work, options = default_work(work), options or LinkOptions()
    options.check(method, len(keys))
    links = []
    signatures = _signed(bucket, keys, method, seconds, options, key_ends, work)
    for number, (key, signed) in enumerate(zip(keys, signatures, strict=True)):
        # Links are signed locally; a HEAD request for each of many keys would take too long.
        checked = number < _HEADS and signed.method in NEED_OBJECT
        version = options.version_id
        exists = object_exists(bucket, key, work, version_id=version) if checked else None
        links.append(_link(key, signed, exists=exists, version_id=version))
        work.report(Progress(number + 1, len(keys), "links"))
    _record(bucket, links, made_by, ledger)
    return tuple(links)


def make_forms(  # noqa: PLR0913 - a link is this record; all but the first two have names
    bucket: Bucket,
    keys: Sequence[str],
    *,
    seconds: int = 3600,
    limits: UploadLimits | None = None,
    key_ends: datetime | None = None,
    made_by: str = "",
    ledger: Ledger | None = None,
    work: Work | None = None,
) -> tuple[Link, ...]:
    """Create one form for each key, with which a browser uploads a file.

    Args:
        bucket: the bucket.
        keys: the keys, or prefixes that end with a slash, below which the sender's file name is
            used.
        seconds: see `make_links`.
        limits: sizes and content type of the files that are accepted.
        key_ends: see `make_links`.
        made_by: see `make_links`.
        ledger: see `make_links`.
        work: cancel token and progress.

    Raises:
        InvalidInput: a key, the validity or a limit is not valid; then no form is created.
        ReadOnlyProfile: the profile is read-only.
        StorageError: the credentials cannot be obtained.
    """
    work = default_work(work)
    life = lifetime_of(bucket, checked_seconds(seconds), utc_now(), key_ends)
    links = []
    for number, key in enumerate(keys):
        form = sign_form(bucket, key, life, limits, work=work)
        links.append(
            Link(
                key,
                FORM,
                Secret(form.url, remembered=False),
                seconds,
                life.expires_at,
                life.limited_by,
                life.known,
                form=form,
            )
        )
        work.report(Progress(number + 1, len(keys), "links"))
    _record(bucket, links, made_by, ledger)
    return tuple(links)


def _signed(  # noqa: PLR0913, PLR0917 - the arguments of `make_links`
    bucket: Bucket,
    keys: Sequence[str],
    method: str,
    seconds: int,
    options: LinkOptions,
    key_ends: datetime | None,
    work: Work,
) -> Iterator[Presigned]:
    if not options.differs_by_key:
        yield from presign_many(
            bucket, keys,
            method=method, expires=seconds, key_ends=key_ends, work=work,
            parameters=options.parameters(method, keys[0] if keys else ""),
        )  # fmt: skip
        return
    for key in keys:
        yield presign(
            bucket, key,
            method=method, expires=seconds, key_ends=key_ends, work=work,
            parameters=options.parameters(method, key),
        )  # fmt: skip


def _record(bucket: Bucket, links: Sequence[Link], made_by: str, ledger: Ledger | None) -> None:
    """Record links when all of them exist: a cancelled call returns none."""
    if ledger is not None:
        # Identifies the key whose deletion ends the links.
        access_key_id = bucket.clients.frozen_keys().access_key_id
        ledger.append([_entry(link, bucket.name, made_by, access_key_id) for link in links])


def actual_lifetime(
    bucket: Bucket, seconds: int, *, key_ends: datetime | None = None, work: Work | None = None
) -> Lifetime:
    """Return the actual validity of a link that is requested for `seconds` now.

    Args:
        bucket: the bucket.
        seconds: the requested validity.
        key_ends: see `make_links`.
        work: cancel token.

    Raises:
        InvalidInput: S3 does not allow `seconds`.
        CredentialsExpired: the credentials have expired.
        StorageError: the credentials cannot be obtained.
    """
    default_work(work).check()
    return lifetime_of(bucket, checked_seconds(seconds), utc_now(), key_ends)


def _link(key: str, signed: Presigned, *, exists: bool | None, version_id: str) -> Link:
    missing = (_MISSING_VERSION if version_id else _MISSING) if exists is False else ""
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
        version_id=version_id,
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
        version_id=link.version_id,
    )
