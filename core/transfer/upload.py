"""The operation `transfer.upload`, which uploads many files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

from core.errors import AlreadyExists, Cancelled, ErrorKind, NotFound, StorageError
from core.model.objects import Written
from core.model.upload_options import UploadOptions
from core.objects.bucket import Bucket, HasBucket
from core.objects.comparing import Comparison, compare_file
from core.objects.options import check_options
from core.objects.part_sizes import SINGLE_BYTES
from core.objects.small import SmallFile, stored_upload, upload_many
from core.objects.small_loop import SMALL_BYTES
from core.objects.writing import upload as upload_file
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.hash_list import check_hash_list, common_folder, with_hash_list
from core.transfer.recorder import Completed, OutcomeRecorder
from core.transfer.running import QueueTurn, order_of, run_journalled
from core.transfer.sweep import sweep_at_start
from core.transfer.values import EXISTS, SAME, TransferReport
from core.work import Work, default_work

_THREADS = 8
#: Small files whose results are recorded together at most, and the seconds between two records.
_TOGETHER, _LATEST = 64, 0.05


def upload(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    paths: Sequence[str],
    keys: Sequence[str],
    sizes: Sequence[int],
    skip: Sequence[int] = (),
    skip_reasons: Sequence[str] = (),
    only_new: bool | Sequence[bool] = False,
    if_different: bool | Sequence[bool] = False,
    refused: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    hash_list: str = "",
    journal: Mapping[str, Any] | None = None,
) -> TransferReport:
    """Upload files to keys; the failure of a file does not stop the others.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, `Outcomes` as batches, and the retry budget of all files.
        paths: the files.
        keys: their keys.
        sizes: their planned sizes in bytes.
        skip: numbers of the files that are skipped because their keys exist.
        skip_reasons: the reasons of `skip`, or empty for the general one.
        only_new: never overwrite an object, and skip files whose keys have appeared since the plan;
            one value for all files or one for each.
        if_different: skip files whose object has the same content, by a stored hash; one value for
            all files or one for each.
        refused: reasons why files cannot be uploaded (see `UploadPlan.refused`), or empty.
        options: the values of `UploadOptions.as_dict`, for example the storage class; `keys` have
            the extensions of compressed files.
        hash_list: the path of the hash list to write, see `with_hash_list`; none if empty.
        journal: makes the transfer resumable, see `core.transfer.running.order_of`; optional.

    Raises:
        InvalidInput: an option is not valid; nothing was sent.
        NotFound: the folder of the hash list does not exist; nothing was sent.
        LocalIOError: the journal cannot be written; nothing was sent.
        TransferCancelled: the token of `work` was cancelled; uploaded objects remain, and none is
            incomplete.
    """
    work = work_with_budget(default_work(work))
    arguments = {
        "paths": list(paths),
        "keys": list(keys),
        "sizes": list(sizes),
        "skip": list(skip),
        "skip_reasons": list(skip_reasons),
        "only_new": only_new if isinstance(only_new, bool) else list(only_new),
        "if_different": if_different if isinstance(if_different, bool) else list(if_different),
        "refused": list(refused),
        "options": dict(options or {}),
    }
    hash_list = check_hash_list(hash_list)
    chosen = check_options(UploadOptions.from_dict(options or {}))
    order = order_of("transfer.upload", workspace, journal, arguments)
    work = replace(work, resumable=isinstance(order, QueueTurn))
    sweep_at_start(workspace.bucket, work)
    files = _Files(paths, keys, sizes, only_new, if_different)
    run = _Upload(workspace.bucket, files, work, chosen)
    given_up = {n: refusal_error(text, keys[n]) for n, text in enumerate(refused) if text}
    skipped = dict(zip(skip, skip_reasons or repeat(EXISTS), strict=False))

    def run_all(recorder: OutcomeRecorder) -> None:
        run.all(recorder, skipped, given_up)

    body = with_hash_list(hash_list, keys, common_folder(keys), run_all)
    return run_journalled(order, arguments, work, body)


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of one run as columns of equal length; a single value is that of all files."""

    paths: Sequence[str]
    keys: Sequence[str]
    sizes: Sequence[int]
    only_new: bool | Sequence[bool]
    if_different: bool | Sequence[bool]


class _Upload:
    """One run of an upload: first small files with the fast upload, then all others."""

    def __init__(self, bucket: Bucket, files: _Files, work: Work, options: UploadOptions) -> None:
        self._bucket, self._files, self._work, self._options = bucket, files, work, options
        self._paths, self._keys, self._sizes = files.paths, files.keys, files.sizes
        self._attempts = Attempts(work)

    def all(
        self, recorder: OutcomeRecorder, skip: dict[int, str], refused: dict[int, StorageError]
    ) -> None:
        """Upload the files that are neither skipped nor refused."""
        for number, error in refused.items():
            recorder.failed(number, error)
        for number in sorted({*skip} - {*refused}):
            recorder.skipped(number, skip[number])
        left_out = {*skip, *refused}
        wanted = [number for number in range(len(self._keys)) if number not in left_out]
        self._skip_same(wanted, recorder)
        wanted = recorder.open_among(wanted)
        # The fast upload has no options: it is for many equal requests.
        plain = self._options.is_default
        quick = [n for n in wanted if plain and self._sizes[n] <= SMALL_BYTES]
        left = self._quick(quick, recorder)
        others = sorted({*wanted} - {*quick})
        small = left + [n for n in others if self._sizes[n] <= SINGLE_BYTES]
        with ThreadPoolExecutor(_THREADS, "upload") as pool:
            for _ in pool.map(partial(self._one, recorder), small):
                self._work.check()
        # One after another: each large file is sent in several parts at the same time.
        for number in others:
            if self._sizes[number] > SINGLE_BYTES:
                self._one(recorder, number)

    def _skip_same(self, numbers: Sequence[int], recorder: OutcomeRecorder) -> None:
        """Compare the files of `if_different` with their objects, and skip those that are equal."""
        compared = [n for n in numbers if _value(self._files.if_different, n)]
        with ThreadPoolExecutor(_THREADS, "compare") as pool:
            for _ in pool.map(partial(self._compare, recorder), compared):
                self._work.check()

    def _compare(self, recorder: OutcomeRecorder, number: int) -> None:
        work = self._attempts.work_for(number, lambda _progress: None)
        try:
            same = self._attempts.attempted(lambda: self._comparison(number, work)).same
        except Cancelled:
            raise
        except StorageError as error:
            # An object that was deleted since the plan is sent again; a subclass of the error
            # states that the bucket is missing.
            if type(error) is not NotFound:
                recorder.failed(number, error)
        else:
            if same:
                recorder.skipped(number, SAME)

    def _comparison(self, number: int, work: Work) -> Comparison:
        """Return whether the object of a file has its content, which may be compressed."""
        path, key = Path(self._paths[number]), self._keys[number]
        compressed = self._options.compresses(path.name)
        return compare_file(self._bucket, key, path, compressed=compressed, work=work)

    def _only_new(self, number: int) -> bool:
        """Return whether a file must not overwrite an object."""
        return _value(self._files.only_new, number)

    def _quick(self, numbers: Sequence[int], recorder: OutcomeRecorder) -> list[int]:
        """Send small files with the fast upload, and return the files that remain."""
        left: list[int] = []
        # The fast upload has one condition for all of its requests.
        for only_new in (True, False):
            group = [number for number in numbers if self._only_new(number) is only_new]
            left += self._quick_group(group, recorder, only_new=only_new) if group else []
        return sorted(left)

    def _quick_group(
        self, numbers: Sequence[int], recorder: OutcomeRecorder, *, only_new: bool
    ) -> list[int]:
        files = (SmallFile(n, self._paths[n], self._keys[n], self._sizes[n]) for n in numbers)
        sent = _Group(recorder)
        try:
            left = upload_many(
                self._bucket,
                files,
                sent=partial(self._sent, sent),
                only_new=only_new,
                work=self._work,
            )
        except Cancelled:
            raise
        except StorageError as error:  # no credentials, or no bucket
            self._attempts.ended = error
            sent.record()
            return recorder.open_among(numbers)
        finally:
            sent.record()
        return [file.number for file in left]

    def _sent(self, group: _Group, file: SmallFile, written: Written) -> None:
        self._attempts.arrived()
        group.add(file.number, written)

    def _one(self, recorder: OutcomeRecorder, number: int) -> None:
        """Send one file with the regular upload and count the outcome."""
        try:
            written = self._attempts.attempted(partial(self._send, recorder, number))
        except Cancelled:
            raise
        except AlreadyExists:
            self._count_existing(recorder, number)
        except StorageError as error:
            recorder.failed(number, error)
        else:
            self._count(recorder, number, written)

    def _count_existing(self, recorder: OutcomeRecorder, number: int) -> None:
        """Count a file whose key has appeared since the plan.

        An object that this program has sent in one request, with exactly this content, was stored
        by a request whose answer was lost, or just before an interruption: then the file is done.
        """
        path, key, reason = Path(self._paths[number]), self._keys[number], EXISTS
        with suppress(StorageError, OSError):
            if self._options.is_default and self._sizes[number] <= SMALL_BYTES:
                written = stored_upload(self._bucket, key, path, self._work)
                if written is not None:
                    self._count(recorder, number, written)
                    return
            reason = SAME if self._comparison(number, self._work).same else EXISTS
        self._work.check()
        recorder.skipped(number, reason)

    def _count(self, recorder: OutcomeRecorder, number: int, written: Written) -> None:
        # The object of a compressed file is smaller than the file, of which the progress consists.
        compressed = self._options.compresses(Path(self._paths[number]).name)
        recorder.done(
            number, written.verdict, race_free=written.race_free, sha256=written.sha256,
            size=None if compressed else written.size,
        )  # fmt: skip

    def _send(self, recorder: OutcomeRecorder, number: int) -> Written:
        path, key = Path(self._paths[number]), self._keys[number]
        work = self._attempts.work_for(number, lambda now: recorder.moving(number, now))
        only_new = self._only_new(number)
        return upload_file(
            self._bucket, key, path, only_new=only_new, options=self._options, work=work
        )


class _Group:
    """Confirmed files that are recorded together: a transaction for each would take longer.

    After a kill at most these are sent again, like those that were on their way.
    """

    def __init__(self, recorder: OutcomeRecorder) -> None:
        self._recorder = recorder
        self._files: list[Completed] = []
        self._recorded_at = 0.0

    def add(self, number: int, written: Written) -> None:
        """Add a file, and record the group if it is large, or the former one some time ago."""
        self._files.append(
            Completed(
                number, written.verdict, "", written.sha256 or "", written.race_free, written.size
            )
        )
        # On a slow network each file is recorded at once.
        late = time.monotonic() - self._recorded_at > _LATEST
        if late or len(self._files) >= _TOGETHER:
            self.record()

    def record(self) -> None:
        """Record the files of the group."""
        files, self._files = self._files, []
        self._recorded_at = time.monotonic()
        if files:
            self._recorder.done_all(files)


def _value(column: bool | Sequence[bool], number: int) -> bool:
    """Return the value of one file; a single value is that of all files."""
    return column if isinstance(column, bool) else column[number]


def refusal_error(text: str, name: str) -> StorageError:
    """Return the error for a file that the plan has refused (`KIND: reason`)."""
    kind, _, reason = text.partition(": ")
    return StorageError(
        f"{name} cannot be uploaded",
        cause=f"{reason[:1].upper()}{reason[1:]}.",
        remedy="Correct the cause and upload the file again.",
        subject=name,
        kind=ErrorKind[kind],
    )
