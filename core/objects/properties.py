"""Everything that S3 stores about one object besides its bytes, and changes of it.

S3 cannot change headers, metadata or the storage class of an object: they are set by a copy of the
object onto itself (S3 API reference, CopyObject). In a bucket with versioning the copy is a new
version, and removing it restores the former state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from core.aws.faults import translated
from core.effects import states_effect
from core.errors import AccessDenied, Conflict, InvalidInput, NotFound, NotSupported, ServiceError
from core.model.upload_options import Pairs, UploadOptions
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.hashing import SHA256
from core.objects.in_place import copy_onto
from core.objects.multipart_copy import CopyRequest
from core.objects.object_reader import inspect
from core.objects.options import check_header, check_options
from core.objects.tags import get_tags, set_tags
from core.objects.versions import versioned
from core.objects.writing import check_metadata
from core.units import as_utc
from core.work import Work, default_work

#: Names of the headers that can be changed, and botocore's names of them.
HEADERS = {
    "Content-Type": "ContentType",
    "Cache-Control": "CacheControl",
    "Content-Disposition": "ContentDisposition",
    "Content-Encoding": "ContentEncoding",
    "Content-Language": "ContentLanguage",
    "Website redirect": "WebsiteRedirectLocation",
}
#: Metadata that states hashes of the content; only a change of the content changes it.
PROTECTED = frozenset({SHA256, "original-sha256", "original-size"})
_CHECKSUMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


@dataclass(frozen=True, slots=True)
class ObjectProperties:
    """The properties of one version of an object.

    Attributes:
        key: the object.
        size: its bytes.
        modified: when this version was stored, aware, in UTC.
        etag: the ETag, without quotes.
        storage_class: for example `STANDARD`.
        version_id: the version; empty in a bucket without versions.
        headers: the values of `HEADERS` that are set.
        metadata: the user metadata.
        tags: pairs of key and value; None if they cannot be read.
        encryption: `AES256`, `aws:kms`, or empty if the server reports none.
        kms_key: the ARN of the KMS key; empty for none.
        checksums: algorithm and stored value of each checksum.
        locked_until: until when the object cannot be deleted; None for no retention.
        legal_hold: whether a legal hold prevents its deletion.
        expires: when a lifecycle rule deletes it, as S3 reports it.
    """

    key: str
    size: int
    modified: datetime
    etag: str
    storage_class: str
    version_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Pairs | None = ()
    encryption: str = ""
    kms_key: str = ""
    checksums: Pairs = ()
    locked_until: datetime | None = None
    legal_hold: bool = False
    expires: str = ""

    @property
    def editable(self) -> PropertyValues:
        """The values that can be changed."""
        return PropertyValues(
            self.storage_class, tuple(self.headers.items()), tuple(self.metadata.items())
        )


@dataclass(frozen=True, slots=True)
class PropertyValues:
    """The values that a copy onto itself can change: class, headers of `HEADERS`, metadata."""

    storage_class: str
    headers: Pairs = ()
    metadata: Pairs = ()

    def flat(self) -> dict[str, str]:
        """Return all values by the names that the window shows."""
        named = {f"metadata {name}": value for name, value in self.metadata}
        return {"Storage class": self.storage_class, **dict(self.headers), **named}


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One changed value; an empty text stands for a value that is not set."""

    name: str
    before: str
    after: str


def property_changes(before: PropertyValues, after: PropertyValues) -> tuple[PropertyChange, ...]:
    """Return what differs between two states, in the order of the names of both."""
    old, new = before.flat(), after.flat()
    return tuple(
        PropertyChange(name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys([*old, *new])
        if old.get(name, "") != new.get(name, "")
    )


def read_properties(
    bucket: Bucket, key: str, *, version_id: str = "", work: Work | None = None
) -> ObjectProperties:
    """Return the properties of an object (HeadObject and GetObjectTagging).

    Args:
        bucket: the bucket.
        key: the object.
        version_id: the version; empty for the newest.
        work: cancel and retry budget.

    Raises:
        NotFound: the object does not exist.
        StorageError: the request was denied or failed.
    """
    work = default_work(work)
    work.check()
    answer = inspect(bucket, key, work, **versioned(version_id))
    try:
        tags: Pairs | None = get_tags(bucket, key, version_id, work)
    except (AccessDenied, NotSupported):  # the other properties can be shown all the same
        tags = None
    return replace(_properties(key, answer), tags=tags)


def _properties(key: str, answer: Mapping[str, Any]) -> ObjectProperties:
    version = answer.get("VersionId") or ""
    until = answer.get("ObjectLockRetainUntilDate")
    return ObjectProperties(
        key,
        int(answer["ContentLength"]),
        answer["LastModified"],
        etag_of(answer),
        answer.get("StorageClass", "STANDARD"),
        version_id="" if version == "null" else version,
        headers={name: answer[own] for name, own in HEADERS.items() if answer.get(own)},
        metadata=dict(answer.get("Metadata", {})),
        encryption=answer.get("ServerSideEncryption", ""),
        kms_key=answer.get("SSEKMSKeyId", ""),
        checksums=tuple(
            (name, answer[f"Checksum{name}"])
            for name in _CHECKSUMS
            if answer.get(f"Checksum{name}")
        ),
        locked_until=as_utc(until) if until else None,
        legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        expires=answer.get("Expiration", ""),
    )


@states_effect("changed", ("CopyObject", "CompleteMultipartUpload"))
def change_properties(
    bucket: Bucket,
    key: str,
    before: ObjectProperties,
    after: PropertyValues,
    *,
    work: Work | None = None,
) -> ObjectProperties:
    """Change headers, metadata and storage class; tags, encryption and content stay the same.

    Args:
        bucket: the bucket.
        key: the object.
        before: the properties that the user saw; the object must still have them.
        after: the new values, complete: what is missing is removed.
        work: cancel token and progress.

    Returns:
        The properties of the object now, in a bucket with versioning those of its new version.

    Raises:
        Conflict: another client has changed the object in the meantime.
        InvalidInput: a value is not valid.
        Archived: the object is in an archive class, so that it cannot be copied.
        StorageError: the copy was denied or failed.
    """
    work = default_work(work)
    checked = _checked(before, after)
    answer = inspect(bucket, key, work)
    _refuse_changed(bucket, before, answer)
    request = CopyRequest(
        bucket, key, _edited(answer, checked), bucket, key, edited=True, version=before.version_id
    )
    copy_onto(request, work)
    found = read_properties(bucket, key, work=work)
    if property_changes(found.editable, checked):
        raise ServiceError(
            f"The server has not stored the properties of {key} as requested",
            cause="It ignores a part of the request.",
            remedy="Compare the properties of the object with the wanted ones.",
            subject=bucket.subject(key),
        )
    return found


def _checked(before: ObjectProperties, after: PropertyValues) -> PropertyValues:
    """Return values that S3 accepts, in the form in which it stores them.

    Raises:
        InvalidInput: a value is not valid.
    """
    names = [name.lower() for name, _ in after.metadata]
    if len({*names}) < len(names):
        raise InvalidInput(
            "Two entries of the metadata have the same name",
            cause="S3 does not distinguish capital letters in names of metadata.",
            remedy="Use a different name for each value.",
        )
    protected = {n: v for n, v in before.metadata.items() if n in PROTECTED}
    given = {n: v for n, v in after.metadata if n.lower() in PROTECTED}
    if given != protected:
        raise InvalidInput(
            "The hashes of the content cannot be changed",
            cause=f"{', '.join(sorted(PROTECTED))} state what the content is compared with.",
            remedy="Leave these entries of the metadata as they are.",
        )
    check_options(UploadOptions(storage_class=after.storage_class))
    metadata = check_metadata({name.lower(): value for name, value in after.metadata})
    headers = tuple((name, value.strip()) for name, value in after.headers if value.strip())
    for name, value in headers:
        check_header(name, value)
    return PropertyValues(after.storage_class, headers, tuple(metadata.items()))


def _refuse_changed(bucket: Bucket, before: ObjectProperties, answer: Mapping[str, Any]) -> None:
    # A change of metadata leaves the ETag: the version and the time are compared as well.
    now = _properties(before.key, answer)
    if (now.etag, now.version_id, now.modified) != (
        before.etag,
        before.version_id,
        before.modified,
    ):
        raise Conflict(
            f"{before.key} was changed by another client",
            cause="It is no longer the version whose properties were shown.",
            remedy="Read the properties again, and repeat the change.",
            subject=bucket.subject(before.key),
        )


def _edited(answer: dict[str, Any], after: PropertyValues) -> dict[str, Any]:
    """Return HeadObject's answer as it would be after the change."""
    others = {name: value for name, value in answer.items() if name not in HEADERS.values()}
    headers = {HEADERS[name]: value for name, value in after.headers}
    return {
        **others,
        **headers,
        "Metadata": dict(after.metadata),
        "StorageClass": after.storage_class,
    }


@states_effect("changed")
def change_tags(
    bucket: Bucket, key: str, before: Pairs, after: Pairs, *, work: Work | None = None
) -> Pairs:
    """Replace the tags of the newest version of an object.

    Args:
        bucket: the bucket.
        key: the object.
        before: the tags that the user saw; S3 has no condition for tags, so that they are compared
            just before.
        after: the new tags.
        work: cancel and retry budget.

    Raises:
        Conflict: another client has changed the tags in the meantime.
        InvalidInput: a tag is not valid.
        StorageError: a request was denied or failed.
    """
    work = default_work(work)
    check_options(UploadOptions(tags=after))
    if sorted(get_tags(bucket, key, "", work)) != sorted(before):
        raise Conflict(
            f"The tags of {key} were changed by another client",
            remedy="Read the properties again, and repeat the change.",
            subject=bucket.subject(key),
        )
    # On AWS a version would need another permission; RGW deletes no tags without one.
    version = inspect(bucket, key, work).get("VersionId") if bucket.clients.endpoint_url else None
    set_tags(bucket, key, version, after, work)
    return get_tags(bucket, key, "", work)


@states_effect("restored")
def undo_change(
    bucket: Bucket, key: str, changed: ObjectProperties, *, work: Work | None = None
) -> None:
    """Remove the version that a change of properties has made, so that the former one is current.

    Args:
        bucket: a bucket with versioning.
        key: the object.
        changed: the result of the change.
        work: cancel and retry budget.

    Raises:
        Conflict: there is a newer version, or the bucket has no versions.
        StorageError: the request was denied (`s3:DeleteObjectVersion`) or failed.
    """
    remove_change(bucket, key, changed.version_id, default_work(work))


def remove_change(bucket: Bucket, key: str, version_id: str, work: Work) -> None:
    """Remove the version of a change if it is still the current one; see `undo_change`."""
    try:
        now = inspect(bucket, key, work)
    except NotFound:
        now = {}
    if not version_id or now.get("VersionId") != version_id:
        raise Conflict(
            f"The change of {key} cannot be undone",
            cause="There is a newer version of the object, or no former version.",
            remedy="Choose the version to be restored in the list of versions.",
            subject=bucket.subject(key),
        )
    with translated("s3:DeleteObjectVersion", bucket.subject(key), work):
        bucket.client.delete_object(Bucket=bucket.name, Key=key, VersionId=version_id)
