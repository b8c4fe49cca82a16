"""Test objects, which test keys or permissions and are recorded before they are stored.

If the process is killed or the server cannot be reached, the object is removed when the next test
or transfer begins.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.aws.faults import translated
from core.errors import AccessDenied, Cancelled, NoSuchBucket, NotFound, NotSupported, StorageError
from core.local.pending_uploads import note, of_dead_processes
from core.objects.bucket import Bucket
from core.objects.deleting import delete
from core.objects.reading import head
from core.work import Work

_log = logging.getLogger(__name__)

#: Where test objects are stored.
CHECK_PREFIX = "strongroom-check/"
CHECK_BYTES = b"Strongroom wrote this to test keys or permissions; it may be deleted.\n"
#: Names of tests and of rotations, so that a clean-up can never delete another object.
_NAME = re.compile(
    rf"{re.escape(CHECK_PREFIX)}(?:[0-9a-f]{{32}}|rotation-[0-9a-f]{{8}}-[0-9]+)\.txt\Z"
)


@dataclass(slots=True)
class CheckRecord:
    """State of a test object; the code that stores it sets both fields."""

    stored: bool = False
    removed: bool = False


@contextmanager
def recorded(bucket: Bucket, key: str, work: Work) -> Iterator[CheckRecord]:
    """Record a test object that is stored inside the block.

    The record is deleted at the end of the block if the object no longer exists or its write was
    refused. Otherwise, and after a kill, the next clean-up removes the object. Test objects that an
    earlier test has left in this bucket are removed first.
    """
    remove_left_check_objects(bucket, work)
    pending = note(bucket.clients.endpoint_url or "", bucket.name, key, probe=True)
    record = CheckRecord()
    try:
        yield record
    except BaseException as error:
        if not (record.stored or record.removed):
            pending.failed(error)
        raise
    finally:
        # An object that may exist stays recorded, and the next clean-up removes it.
        (pending.forget if record.removed else pending.abandon)()


def remove_left_check_objects(bucket: Bucket, work: Work) -> None:
    """Remove the test objects that killed processes of this machine have left in a bucket.

    A failed clean-up is logged and does not raise; it is tried again next time.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    endpoint = bucket.clients.endpoint_url or ""
    for record in of_dead_processes():
        mine = (record.endpoint, record.bucket) == (endpoint, bucket.name)
        if not (record.probe and mine and is_check_object(record.key)):
            continue
        try:
            remove_check_object(bucket, record.key, work)
        except Cancelled:
            raise
        except NoSuchBucket:  # the removed or mistyped bucket of an earlier test
            record.forget()
        except StorageError as error:
            _log.warning("a test object could not be removed: %s", error.summary)
        else:
            record.forget()


def is_check_object(key: str) -> bool:
    """Return whether a key is that of a test object."""
    return _NAME.fullmatch(key) is not None


def remove_check_object(bucket: Bucket, key: str, work: Work) -> None:
    """Remove a test object with all of its versions that the caller is permitted to delete.

    An object with another size or without the key of a test object is not touched.

    Raises:
        StorageError: it could not be removed.
    """
    if not is_check_object(key):
        return
    try:
        # Versions first: deleting the key alone would only hide them behind a delete marker.
        for version in _versions(bucket, key, work):
            delete(bucket, key, version_id=version, work=work)
    except (AccessDenied, NotSupported) as error:
        _log.info("versions of a test object could not be removed: %s", error.summary)
    try:
        ours = head(bucket, key, work=work).size == len(CHECK_BYTES)
    except NotFound:
        return
    if ours:
        delete(bucket, key, work=work)


def _versions(bucket: Bucket, key: str, work: Work) -> list[str]:
    """Return the version ids of a test object and of its delete markers."""
    with translated("s3:ListObjectVersions", bucket.subject(key), work):
        found = bucket.client.list_object_versions(Bucket=bucket.name, Prefix=key)
    versions = [entry for entry in found.get("Versions", ()) if entry["Key"] == key]
    if any(entry["Size"] != len(CHECK_BYTES) for entry in versions):
        return []  # not a test object
    markers = [entry for entry in found.get("DeleteMarkers", ()) if entry["Key"] == key]
    ids = [str(entry["VersionId"]) for entry in (*versions, *markers)]
    return [version for version in ids if version != "null"]
