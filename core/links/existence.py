"""Existence of the objects of links: a download link without an object returns 404."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import (
    AccessDenied,
    Cancelled,
    CredentialsExpired,
    CredentialsInvalid,
    NotFound,
    StorageError,
)
from core.objects.bucket import Bucket
from core.objects.reading import head
from core.work import Progress, Work, default_work

#: Methods whose links only work while the object exists.
NEED_OBJECT = ("GET", "HEAD")
#: Number of answers that are reported together.
_BATCH = 10


def object_exists(bucket: Bucket, key: str, work: Work, *, version_id: str = "") -> bool | None:
    """Return whether an object, or one version of it, exists; None if it cannot be determined.

    Raises:
        CredentialsExpired: the credentials have expired.
        CredentialsInvalid: the credentials are refused.
        Cancelled: the token of `work` was cancelled.
    """
    try:
        head(bucket, key, version_id=version_id or None, work=work)
    except NotFound:
        return False
    except (Cancelled, CredentialsExpired, CredentialsInvalid):
        raise
    except StorageError:  # denied or unreachable: the link may work anyway
        return None
    return True


def existing_keys(
    bucket: Bucket, keys: Iterable[str], *, work: Work | None = None
) -> dict[str, bool | None]:
    """Return for each key whether the object exists, or None if it cannot be determined.

    Answers are also reported through `work.batch`. The first failure of the connection ends the
    check, and the remaining keys are not in the result.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    found: dict[str, bool | None] = {}
    fresh: dict[str, bool | None] = {}
    for key in dict.fromkeys(keys):
        work.check()
        try:
            head(bucket, key, work=work)
            fresh[key] = True
        except NotFound:
            fresh[key] = False
        except AccessDenied:
            fresh[key] = None
        except Cancelled:
            raise
        # Each further request would wait for the same time-out.
        except StorageError:
            break
        if len(fresh) >= _BATCH:
            work.batch(fresh)
            found |= fresh
            fresh = {}
        work.report(Progress(len(found) + len(fresh), None, "objects"))
    return found | fresh
