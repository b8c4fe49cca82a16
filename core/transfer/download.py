"""The operation `transfer.download`, which downloads many objects to a folder."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from core.errors import AlreadyExists, Cancelled, LocalIOError, StorageError
from core.local.atomic import translate_os_errors
from core.local.new_folders import NewFolders
from core.local.partial_files import free_path
from core.local.partial_records import stored_bytes
from core.model.objects import Verdict
from core.objects.bucket import Bucket, HasBucket
from core.objects.comparing import compare_file
from core.objects.level import modified_of
from core.objects.reading import Downloaded, head
from core.objects.reading import download as download_object
from core.objects.small_downloads import Received, SmallObject, download_many
from core.objects.small_loop import SMALL_BYTES
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.hash_list import check_hash_list, with_hash_list
from core.transfer.local_names import check_name, local_names, path_inside
from core.transfer.recorder import Completed, OutcomeRecorder
from core.transfer.running import order_of, run_journalled
from core.transfer.sweep import sweep_at_start
from core.transfer.target_folders import TargetFolders, folder_in_the_way
from core.transfer.values import (
    CONDITIONAL,
    EXISTS,
    NOT_OLDER,
    SAME,
    SAME_SIZE,
    IfExists,
    TransferReport,
)
from core.units import format_size
from core.work import Progress, Work, default_work

_THREADS = 12
#: Number of small objects for which the folders are checked once.
_CHECKED_TOGETHER = 128
#: Objects of at least this size report their progress separately.
_LARGE_BYTES = 4_000_000
MARKER = "a folder marker without content"


def download(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    keys: Sequence[str],
    sizes: Sequence[int],
    folder: str,
    etags: Sequence[str] = (),
    modified: Sequence[str] = (),
    names: Sequence[str] = (),
    below: str = "",
    if_exists: str | Sequence[str] = IfExists.SKIP.value,
    hash_list: str = "",
    journal: Mapping[str, Any] | None = None,
) -> TransferReport:
    """Download objects; a file only appears under its name when it is complete and verified.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, `Outcomes` as batches, and the retry budget of all files.
        keys: the objects.
        sizes: their listed sizes in bytes, with which the downloads are compared.
        folder: the target folder; names below it come from `core.transfer.local_names`.
        etags: their listed ETags, or empty.
        modified: their listed modification times (ISO 8601), which `IfExists.IF_NEWER` needs.
        names: their local names below the folder, or empty for those of
            `core.transfer.local_names`.
        below: the prefix that is omitted from the names, for example the displayed folder.
        if_exists: a value of `IfExists` for all objects, or one for each.
        hash_list: the path of the hash list to write, see `with_hash_list`; none if empty.
        journal: makes the transfer resumable, see `core.transfer.running.order_of`; optional.

    Raises:
        InvalidInput: one of `names` would be outside the folder.
        NotFound: the folder of the hash list does not exist.
        LocalIOError: the folder cannot be created, there is not enough space, or the journal cannot
            be written.
        TransferCancelled: the token of `work` was cancelled; completed files remain, and no file is
            incomplete.

    Unless all files arrive, the folders that are created and remain empty are removed.
    """
    work = work_with_budget(default_work(work))
    hash_list = check_hash_list(hash_list)
    root = Path(folder).absolute()
    arguments = {
        "keys": list(keys),
        "sizes": list(sizes),
        "etags": list(etags),
        "modified": list(modified),
        "names": list(names),
        "folder": str(root),
        "below": below,
        "if_exists": if_exists if isinstance(if_exists, str) else list(if_exists),
    }
    nothing = [""] * len(keys)
    objects = _Objects(keys, sizes, etags or nothing, modified or nothing, names, below)
    each = [if_exists] * len(keys) if isinstance(if_exists, str) else if_exists
    with NewFolders() as created:
        with translate_os_errors(root, "created"):
            created.create(root)
        # Before the check of free space, which partial files of killed downloads would reduce.
        sweep_at_start(workspace.bucket, work, [root])
        folders = TargetFolders(root, created)
        run = _Download(workspace.bucket, objects, work, folders, list(map(IfExists, each)))
        run.check_free_space()
        order = order_of("transfer.download", workspace, journal, arguments)
        body = with_hash_list(hash_list, keys, below, run.all)
        report = run_journalled(order, arguments, work, body)
        if not report.complete:
            created.remove_empty()
    return report


@dataclass(frozen=True, slots=True)
class _Objects:
    """The objects of one run as columns of equal length.

    Without `names` the local names are those of the keys without `below`.
    """

    keys: Sequence[str]
    sizes: Sequence[int]
    etags: Sequence[str]
    modified: Sequence[str]
    names: Sequence[str]
    below: str


class _Download:
    """One run of a download; every key ends as done, skipped or failed."""

    def __init__(
        self,
        bucket: Bucket,
        objects: _Objects,
        work: Work,
        folders: TargetFolders,
        decisions: list[IfExists],
    ) -> None:
        self._bucket, self._work, self._folders, self._root = bucket, work, folders, folders.root
        self._objects, self._decisions = objects, decisions
        self._keys, self._sizes, self._etags = objects.keys, objects.sizes, objects.etags
        self._names = [key.removeprefix(objects.below) for key in objects.keys]
        #: Their paths relative to the folder, with slashes; empty for folder markers.
        self._local = (
            [PurePath(check_name(name)).as_posix() for name in objects.names]
            if objects.names
            else local_names(self._root, self._names, objects.sizes)
        )
        self._base = os.path.join(self._root, "")  # noqa: PTH118 - texts, see `_text`
        self._attempts = Attempts(work)

    def check_free_space(self) -> None:
        """Check that the disk has enough space for the new files.

        Raises:
            LocalIOError: there is not enough space.
        """
        each = list(map(self._still_needed, range(len(self._keys))))
        needed, free = sum(each), shutil.disk_usage(self._root).free
        # The space of downloads that are continued is already theirs.
        if needed > free and needed > free + stored_bytes(
            self._root, [name for name, size in zip(self._local, each, strict=True) if size]
        ):
            raise LocalIOError(
                f"There is not enough space in {self._root.name or self._root} for "
                f"{format_size(needed)}",
                cause=f"{format_size(free)} are free.",
                remedy="Free some space, or choose another folder.",
                subject=str(self._root),
            )

    def all(self, recorder: OutcomeRecorder) -> None:
        """Download all objects: small ones with the fast download, then the others."""
        conditional = [n for n, each in enumerate(self._decisions) if each in CONDITIONAL]
        with ThreadPoolExecutor(_THREADS, "compare") as pool:
            for _ in pool.map(partial(self._decide, recorder), conditional):
                self._work.check()
        quick = [n for n in recorder.open_among(range(len(self._keys))) if self._is_quick(n)]
        # The fast download has one decision for all of its requests.
        for overwrite in (False, True):
            group = [n for n in quick if self._overwrites(n) is overwrite]
            if group:
                self._quick(group, recorder, overwrite=overwrite)
        rest = recorder.open_among(range(len(self._keys)))
        with ThreadPoolExecutor(_THREADS, "download") as pool:
            # `map` raises the first exception of a thread here, and the check raises a cancel.
            for _ in pool.map(partial(self._one, recorder), rest):
                self._work.check()

    def _overwrites(self, number: int) -> bool:
        return self._decisions[number] is IfExists.OVERWRITE

    def _decide(self, recorder: OutcomeRecorder, number: int) -> None:
        """Replace a condition by a decision to skip or to overwrite the file."""
        decision, path = self._decisions[number], self._path(number)
        # A file that appears later is not known to the user, so it is not replaced.
        self._decisions[number] = IfExists.SKIP
        if path is None or not path.is_file():
            return
        try:
            reason = self._reason_to_skip(number, path, decision)
        except Cancelled:
            raise
        except StorageError as error:
            recorder.failed(number, error)
            return
        if reason:
            recorder.skipped(number, reason)
        else:
            self._decisions[number] = IfExists.OVERWRITE

    def _reason_to_skip(self, number: int, path: Path, decision: IfExists) -> str:
        """Return why an existing file is not replaced, or an empty text."""
        with translate_os_errors(path, "read"):
            found = path.stat()
        same_size = found.st_size == self._sizes[number]
        if decision is IfExists.IF_SIZE_DIFFERS:
            return SAME_SIZE if same_size else ""
        if decision is IfExists.IF_NEWER:
            return NOT_OLDER if found.st_mtime >= self._modified(number).timestamp() else ""
        return SAME if same_size and self._is_same(number, path) else ""

    def _modified(self, number: int) -> datetime:
        if listed := self._objects.modified[number]:
            return modified_of(listed)
        work = self._attempts.work_for(number, lambda _progress: None)
        return self._attempts.attempted(
            lambda: head(self._bucket, self._keys[number], work=work)
        ).modified

    def _is_same(self, number: int, path: Path) -> bool:
        """Return whether a file of the same size has the content of the object, by a hash."""
        etag = self._etags[number].strip('"')
        work = self._attempts.work_for(number, lambda _progress: None)
        return self._attempts.attempted(
            lambda: compare_file(self._bucket, self._keys[number], path, etag=etag, work=work)
        ).same

    def _is_quick(self, number: int) -> bool:
        """Return whether the fast download may try an object; it cannot choose another name."""
        return (
            bool(self._local[number])
            and self._sizes[number] <= SMALL_BYTES
            and self._decisions[number] is not IfExists.KEEP_BOTH
        )

    def _quick(self, numbers: Sequence[int], recorder: OutcomeRecorder, *, overwrite: bool) -> None:
        """Download small objects; those that remain are downloaded in the regular way."""
        try:
            download_many(
                self._bucket,
                self._small_objects(numbers),
                received=partial(self._received, recorder),
                overwrite=overwrite,
                folders=self._folders.created,
                work=self._work,
            )
        except Cancelled:
            raise
        except StorageError as error:  # no credentials, or no bucket
            self._attempts.ended = error

    def _small_objects(self, numbers: Sequence[int]) -> Iterator[SmallObject]:
        for count, number in enumerate(numbers):
            # Links can be created at any time, so folders are checked again and again.
            if count % _CHECKED_TOGETHER == 0:
                self._folders.check_again()
            path = self._text(number)
            if self._may_be_written(number, path):
                etag = self._etags[number].strip('"')
                yield SmallObject(number, self._keys[number], path, self._sizes[number], etag)

    def _may_be_written(self, number: int, path: str) -> bool:
        """Return whether the fast download may write a file."""
        # In a new folder only another program can have created the file: then it is not replaced,
        # or only the file itself and not what it links to.
        free = self._folders.is_new(path) or not self._is_in_the_way(number, path)
        return free and self._folders.may_contain(path, self._keys[number])

    def _is_in_the_way(self, number: int, path: str) -> bool:
        """Return whether a file exists that the fast download must not replace."""
        try:
            existing = os.lstat(path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        # Existing files are skipped or reported by the regular download.
        return self._decisions[number] is IfExists.SKIP or stat.S_ISLNK(existing.st_mode)

    def _received(self, recorder: OutcomeRecorder, received: Sequence[Received]) -> None:
        self._attempts.arrived()
        recorder.done_all([self._completed(*each) for each in received])

    def _completed(self, one: SmallObject, sha256: str, verdict: Verdict) -> Completed:
        name = self._local[one.number]
        other = "" if name == self._names[one.number] else name
        return Completed(one.number, verdict, other, sha256)

    def _path(self, number: int) -> Path | None:
        """Return the path of an object; None for a folder marker."""
        return self._root / self._local[number] if self._local[number] else None

    def _text(self, number: int) -> str:
        """Return the path of an object as a text: thousands of `Path`s would take more time."""
        return self._base + self._local[number].replace("/", os.sep)

    def _still_needed(self, number: int) -> int:
        if not self._local[number]:
            return 0
        path = self._text(number)
        if self._folders.is_new(path):
            return self._sizes[number]
        try:
            existing = os.stat(path).st_size  # noqa: PTH116 - see `_text`
        except OSError:
            return self._sizes[number]
        # A file that exists is skipped and needs no space.
        if self._decisions[number] is IfExists.SKIP:
            return 0
        # The space of the old file is free only after the replacement.
        both = self._decisions[number] is IfExists.KEEP_BOTH
        return max(self._sizes[number] - (0 if both else existing), 0)

    def _one(self, recorder: OutcomeRecorder, number: int) -> None:
        """Download one object and count the outcome."""
        path = self._path(number)
        if path is None:
            recorder.skipped(number, MARKER)
            return
        try:
            got = self._attempts.attempted(partial(self._fetch, recorder, number, path))
        except Cancelled:
            raise
        except AlreadyExists as error:
            if path.is_dir():
                recorder.failed(number, folder_in_the_way(self._keys[number], path, error))
            else:
                recorder.skipped(number, EXISTS)
        except StorageError as error:
            recorder.failed(number, error)
        else:
            self._count(recorder, number, got)

    def _fetch(self, recorder: OutcomeRecorder, number: int, path: Path) -> Downloaded:
        # Checked for each file just before it is written, since links can be created at any time.
        path = path_inside(self._root, path, self._keys[number])
        large = self._sizes[number] >= _LARGE_BYTES

        def report(now: Progress) -> None:
            if large:
                recorder.moving(number, now)

        work = self._attempts.work_for(number, report)
        if self._decisions[number] is not IfExists.KEEP_BOTH:
            return self._fetch_to(number, path, work)
        while True:
            try:
                return self._fetch_to(number, free_path(path), work)
            except AlreadyExists:  # another program has just created this file
                work.check()

    def _fetch_to(self, number: int, path: Path, work: Work) -> Downloaded:
        return download_object(
            self._bucket,
            self._keys[number],
            path,
            overwrite=self._overwrites(number),
            expected_size=self._sizes[number],
            expected_etag=self._etags[number] or None,
            folders=self._folders.created,
            resumable=True,
            work=work,
        )

    def _count(self, recorder: OutcomeRecorder, number: int, got: Downloaded) -> None:
        name = got.path.relative_to(self._root).as_posix()  # with `KEEP_BOTH` not the planned one
        other = "" if name == self._names[number] else name
        recorder.done(number, got.verdict, name=other, sha256=got.sha256)
