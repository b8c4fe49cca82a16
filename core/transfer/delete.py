"""The operations that delete many keys and bring them back, in requests of a thousand."""

from __future__ import annotations

from collections.abc import Sequence

from core.objects.deleting import DeleteReport, delete_many
from core.objects.trash import RestoreReport
from core.objects.trash import restore as restore_objects
from core.transfer.values import HasBucket
from core.work import Work, default_work


def delete(workspace: HasBucket, work: Work | None = None, *, keys: Sequence[str]) -> DeleteReport:
    """Delete objects; on a versioned bucket each gets a delete marker and can be brought back.

    Raises:
        StorageError: a whole request was denied or failed; earlier ones are done.
        Cancelled: the token of `work` was cancelled; earlier requests are done.
    """
    return delete_many(workspace.bucket, keys, work=default_work(work))


def restore(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    objects: Sequence[tuple[str, Sequence[str]]],
) -> RestoreReport:
    """Bring deleted objects back; `objects` has keys, each with its delete markers' version ids.

    Raises:
        StorageError: a whole request was denied or failed; earlier ones are done.
        Cancelled: the token of `work` was cancelled; earlier requests are done.
    """
    return restore_objects(workspace.bucket, objects, work=default_work(work))
