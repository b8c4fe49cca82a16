"""Keys that a server lists otherwise than they are, so that what it reports about them is checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.errors import AccessDenied, NotFound
from core.objects.bucket import Bucket
from core.objects.deleting import FailedDelete, is_valid_xml_text
from core.objects.object_reader import inspect
from core.work import Work

#: What servers write for a character that XML does not allow.
_REPLACEMENT = "\ufffd"
_NOT_RESTORED = (
    "The server reported success, but the object does not exist: the server lists its key with another "
    "character. Restore it with a program that knows the exact key."
)


def absent_keys(bucket: Bucket, keys: Iterable[str], work: Work) -> Iterator[FailedDelete]:
    """Yield those keys that do not exist although the server reported that they were restored.

    SeaweedFS lists a control character as U+FFFD, and reports that it removed the delete marker of
    the key with that character, which does not exist. Only such keys are checked.

    Args:
        bucket: the bucket.
        keys: the keys whose delete markers were removed.
        work: cancel and retry budget.

    Raises:
        StorageError: a request failed.
    """
    for key in keys:
        if is_valid_xml_text(key) and _REPLACEMENT not in key:
            continue
        try:
            inspect(bucket, key, work)
        except NotFound:
            yield FailedDelete(key, "NotRestored", _NOT_RESTORED)
        except AccessDenied:
            continue  # it may be restored, and not be read
