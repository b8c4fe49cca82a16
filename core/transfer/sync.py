"""The operation `transfer.sync`, which carries out the plan of a synchronization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.aws.limits import DELETE_KEYS
from core.errors import Cancelled, InvalidInput, LocalIOError, StorageError
from core.hints import Hint
from core.local.atomic import translate_os_errors
from core.objects.bucket import Bucket, HasBucket
from core.objects.deleting import FailedDelete, delete_many
from core.objects.listing import list_pages
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.download import download
from core.transfer.local_names import path_inside
from core.transfer.sync_values import (
    SyncAction,
    SyncCancelled,
    SyncDirection,
    SyncReport,
)
from core.transfer.upload import refusal_error, upload
from core.transfer.values import Failure, IfExists, TransferCancelled, TransferReport
from core.units import format_counted
from core.work import Work, default_work

#: Without an explicit limit, more deletions than this must not exceed half of the target.
FREE_DELETIONS = 10
_INCOMPLETE = "files of the source were not transferred"
_CHANGED = "it was changed after the plan"


def sync(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    direction: str,
    prefix: str,
    folder: str,
    actions: Sequence[str],
    keys: Sequence[str],
    paths: Sequence[str],
    sizes: Sequence[int],
    etags: Sequence[str],
    modified_ns: Sequence[int],
    refused: Sequence[Sequence[str]] = (),
    source_files: int = 0,
    target_files: int = 0,
    max_delete: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> SyncReport:
    """Carry out a plan: `SyncPlan.arguments` returns the arguments up to `target_files`.

    Files are deleted last, and only if every file was transferred. A file or object that was
    changed after the plan is not deleted. After an interruption a new plan contains the rest.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, `Outcomes` as batches, and the retry budget of all files.
        direction: a value of `SyncDirection`.
        prefix: the prefix, empty or with a final slash.
        folder: the local folder.
        actions: a value of `SyncAction` for each file; the following columns have the same length.
        keys: the objects.
        paths: the local files.
        sizes: their planned sizes in bytes.
        etags: the listed ETags of the objects, or empty texts.
        modified_ns: the modification times of local files that are deleted, in nanoseconds.
        refused: path, key and reason of files that cannot be transferred.
        source_files: the number of files of the source.
        target_files: the number of files of the target.
        max_delete: the maximum number of deletions; see `check_deletions` for the default.
        options: the values of `UploadOptions.as_dict` of uploads, without a compression, since the
            names on both sides would differ.

    Raises:
        InvalidInput: too many files would be deleted; nothing was changed.
        LocalIOError: the folder cannot be created, or there is not enough space.
        SyncCancelled: the token of `work` was cancelled; the error has the report.
    """
    work = work_with_budget(default_work(work))
    columns = (actions, keys, paths, sizes, etags, modified_ns)
    rows = [_Row(SyncAction(row[0]), *row[1:]) for row in zip(*columns, strict=True)]
    deleted = [row for row in rows if row.action is SyncAction.DELETE]
    check_deletions(len(deleted), source_files, target_files, max_delete)
    run = _Run(workspace, Path(folder), prefix, work, options)
    sent = [row for row in rows if row.action is not SyncAction.DELETE]
    failures = tuple(
        Failure.of(number, key, refusal_error(reason, path))
        for number, (path, key, reason) in enumerate(refused)
    )
    return run.all(SyncDirection(direction), sent, deleted, failures)


def check_deletions(
    count: int, source_files: int, target_files: int, max_delete: int | None = None
) -> None:
    """Refuse deletions that look like a mistake, for example because a drive is not mounted.

    Without a limit, an empty source deletes nothing, and more than `FREE_DELETIONS` deletions must
    not exceed half of the target.

    Args:
        count: the number of planned deletions.
        source_files: the number of files of the source.
        target_files: the number of files of the target.
        max_delete: the maximum number of deletions, which replaces the rule.

    Raises:
        InvalidInput: there are too many deletions.
    """
    if max_delete is not None:
        allowed, why = max_delete, f"At most {format_counted(max_delete, 'file')} may be deleted."
    elif not source_files:
        allowed, why = (
            0,
            (
                "The source has no files. So does a drive that is not mounted, or a prefix that is "
                "spelled differently."
            ),
        )
    else:
        allowed = max(FREE_DELETIONS, target_files // 2)
        why = (
            "This is more than half of the target. The source may be incomplete, or the wrong one."
        )
    if count > allowed:
        raise InvalidInput(
            f"{format_counted(count, 'file')} of {target_files:,} would be deleted",
            cause=why,
            remedy="Check the source and the target. If the plan is right, allow "
            f"{format_counted(count, 'deletion')}.",
            hints=Hint.ALLOW_DELETIONS,
            hint_value=str(count),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """One planned action; see `SyncItem`."""

    action: SyncAction
    key: str
    path: str
    size: int
    etag: str
    modified_ns: int


class _Run:
    """One run of a synchronization; every planned action has an outcome in its report."""

    def __init__(
        self,
        workspace: HasBucket,
        folder: Path,
        prefix: str,
        work: Work,
        options: Mapping[str, Any] | None,
    ) -> None:
        self._workspace, self._folder, self._prefix = workspace, folder, prefix
        self._work, self._options = work, options
        self._deleted: list[str] = []
        self._failed: list[FailedDelete] = []
        self._left: dict[str, str] = {}

    def all(
        self,
        direction: SyncDirection,
        sent: list[_Row],
        deleted: list[_Row],
        refused: tuple[Failure, ...],
    ) -> SyncReport:
        up = direction is SyncDirection.UPLOAD
        transfer = TransferReport(0, (), (), (), 0, 0.0)

        def report() -> SyncReport:
            return SyncReport(
                transfer,
                tuple(row.key for row in sent),
                refused,
                tuple(self._deleted),
                tuple(self._failed),
                tuple(self._left.items()),
            )

        self._left = {row.key: _INCOMPLETE for row in deleted}
        try:
            if sent:
                transfer = self._upload(sent) if up else self._download(sent)
            if deleted and transfer.complete and not refused:
                self._delete(self._delete_objects if up else self._delete_files, deleted)
        except TransferCancelled as error:
            transfer = error.report
            raise SyncCancelled(error.summary, report()) from None
        except Cancelled as error:
            raise SyncCancelled(error.summary, report()) from None
        return report()

    def _delete(self, delete: Callable[[list[_Row]], None], rows: list[_Row]) -> None:
        """Delete files of the target; an error is the outcome of those that remain."""
        self._left = {row.key: _CHANGED for row in rows}
        try:
            delete(rows)
        except Cancelled:
            raise
        except StorageError as error:
            self._fail(list(self._left), error)

    def _upload(self, rows: list[_Row]) -> TransferReport:
        return upload(
            self._workspace,
            self._work,
            paths=[row.path for row in rows],
            keys=[row.key for row in rows],
            sizes=[row.size for row in rows],
            # An object that appeared after the plan is not replaced.
            only_new=[row.action is SyncAction.ADD for row in rows],
            options=self._options,
        )

    def _download(self, rows: list[_Row]) -> TransferReport:
        choices = {SyncAction.ADD: IfExists.SKIP, SyncAction.REPLACE: IfExists.OVERWRITE}
        return download(
            self._workspace,
            self._work,
            keys=[row.key for row in rows],
            sizes=[row.size for row in rows],
            etags=[row.etag for row in rows],
            names=[Path(row.path).relative_to(self._folder).as_posix() for row in rows],
            folder=str(self._folder),
            below=self._prefix,
            if_exists=[choices[row.action].value for row in rows],
        )

    def _delete_objects(self, rows: list[_Row]) -> None:
        """Delete objects that are still those of the plan.

        Raises:
            StorageError: the listing or a request was denied or failed.
        """
        bucket, attempts = self._workspace.bucket, Attempts(self._work)
        work = attempts.work_for(0, self._work.report)
        keys = attempts.attempted(lambda: self._unchanged(bucket, rows))
        for start in range(0, len(keys), DELETE_KEYS):
            batch = keys[start : start + DELETE_KEYS]
            done = attempts.attempted(partial(delete_many, bucket, batch, work=work))
            self._deleted += [each.key for each in done.deleted]
            self._failed += done.failed
            for key in batch:
                self._left.pop(key, None)

    def _unchanged(self, bucket: Bucket, rows: list[_Row]) -> list[str]:
        """Return the keys whose objects have the planned size and ETag.

        The listing is repeated, because the transfer before may have taken hours, and a deletion is
        permanent in a bucket without versioning.
        """
        planned = {row.key: (row.size, row.etag) for row in rows}
        unchanged: list[str] = []
        changed: list[str] = []
        for page in list_pages(bucket, self._prefix, work=self._work):
            for key, size, etag in zip(page.keys, page.sizes, page.etags, strict=True):
                if key in planned:
                    same = planned[key] == (size, etag.strip('"'))
                    (unchanged if same else changed).append(key)
        # Another program has deleted the others.
        for key in planned.keys() - {*unchanged, *changed}:
            self._deleted.append(key)
            self._left.pop(key)
        return unchanged

    def _delete_files(self, rows: list[_Row]) -> None:
        """Delete local files that are still those of the plan."""
        for row in rows:
            self._work.check()
            path = Path(row.path)
            try:
                self._delete_file(row, path)
            except StorageError as error:
                self._fail([row.key], error)

    def _delete_file(self, row: _Row, path: Path) -> None:
        # Checked just before, since a folder can be replaced by a link at any time.
        path_inside(self._folder, path, row.key)
        try:
            with translate_os_errors(path, "deleted"):
                found = path.stat()
                if (found.st_size, found.st_mtime_ns) != (row.size, row.modified_ns):
                    return
                path.unlink()
        except LocalIOError:
            if path.exists():
                raise
        self._deleted.append(row.key)
        self._left.pop(row.key)

    def _fail(self, keys: Sequence[str], error: StorageError) -> None:
        for key in keys:
            self._failed.append(FailedDelete(key, error.kind.name, error.cause or error.summary))
            self._left.pop(key, None)
