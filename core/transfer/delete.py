"""The operation `objects.delete_many`: many keys, in requests of a thousand."""

from __future__ import annotations

from collections.abc import Sequence

from core.objects.deleting import DeleteReport, delete_many
from core.transfer.values import HasBucket
from core.work import Work, default_work


def delete(workspace: HasBucket, work: Work | None = None, *, keys: Sequence[str]) -> DeleteReport:
    """Delete objects; on a versioned bucket each gets a delete marker and can be brought back.

    Raises:
        StorageError: a whole request was denied or failed; earlier ones are done.
        Cancelled: the token of `work` was cancelled; earlier requests are done.
    """
    return delete_many(workspace.bucket, keys, work=default_work(work))
