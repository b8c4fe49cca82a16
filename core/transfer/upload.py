"""The operation `transfer.upload`, which uploads many files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from core.errors import AlreadyExists, Cancelled, ErrorKind, StorageError
from core.model.objects import Written
from core.objects.bucket import Bucket, HasBucket
from core.objects.conditions import refuse_existing
from core.objects.hashing import Stamp, sha256_of
from core.objects.parts import SINGLE_BYTES
from core.objects.reading import head
from core.objects.small import SmallFile, upload_many
from core.objects.small_batch import SMALL_BYTES, addressable
from core.objects.writing import upload as upload_file
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.recorder import OutcomeRecorder
from core.transfer.running import order_of, run_journalled
from core.transfer.sweep import sweep_at_start
from core.transfer.values import EXISTS, SAME, TransferReport
from core.work import Work, default_work

_THREADS = 8


def upload(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    paths: Sequence[str],
    keys: Sequence[str],
    sizes: Sequence[int],
    skip: Sequence[int] = (),
    only_new: bool | Sequence[bool] = False,
    refused: Sequence[str] = (),
    journal: dict[str, str] | None = None,
) -> TransferReport:
    """Upload files to keys; the failure of a file does not stop the others.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, `Outcomes` as batches, and the retry budget of all files.
        paths: the files.
        keys: their keys.
        sizes: their planned sizes in bytes.
        skip: numbers of the files that are skipped because their keys exist.
        only_new: never overwrite an object, and skip files whose keys have appeared since the plan;
            one value for all files or one for each.
        refused: reasons why files cannot be uploaded (see `UploadPlan.refused`), or empty.
        journal: `id`, `title` and `profile`, which make the transfer resumable; optional.

    Raises:
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
        "only_new": only_new if isinstance(only_new, bool) else list(only_new),
        "refused": list(refused),
    }
    order = order_of("transfer.upload", workspace, journal, arguments)
    sweep_at_start(workspace.bucket, work)
    run = _Upload(workspace.bucket, paths, keys, sizes, work, only_new=only_new)
    given_up = {n: refusal_error(text, keys[n]) for n, text in enumerate(refused) if text}
    return run_journalled(
        order, arguments, work, lambda recorder: run.all(recorder, frozenset(skip), given_up)
    )


class _Upload:
    """One run of an upload: first small files with the fast upload, then all others."""

    def __init__(
        self,
        bucket: Bucket,
        paths: Sequence[str],
        keys: Sequence[str],
        sizes: Sequence[int],
        work: Work,
        *,
        only_new: bool | Sequence[bool],
    ) -> None:
        self._bucket, self._paths, self._keys, self._sizes = bucket, paths, keys, sizes
        self._work, self._new_only = work, only_new
        self._attempts = Attempts(work)

    def all(
        self, recorder: OutcomeRecorder, skip: frozenset[int], refused: dict[int, StorageError]
    ) -> None:
        """Upload the files that are neither skipped nor refused."""
        for number, error in refused.items():
            recorder.failed(number, error)
        for number in sorted(skip - {*refused}):
            recorder.skipped(number, EXISTS)
        left_out = skip | {*refused}
        wanted = [number for number in range(len(self._keys)) if number not in left_out]
        quick = [n for n in wanted if self._sizes[n] <= SMALL_BYTES and addressable(self._keys[n])]
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

    def _only_new(self, number: int) -> bool:
        """Return whether a file must not overwrite an object."""
        return self._new_only if isinstance(self._new_only, bool) else self._new_only[number]

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
        files = (SmallFile(n, self._paths[n], self._keys[n]) for n in numbers)
        try:
            left = upload_many(
                self._bucket,
                files,
                sent=partial(self._sent, recorder),
                only_new=only_new,
                work=self._work,
            )
        except Cancelled:
            raise
        except StorageError as error:  # no credentials, or no bucket
            self._attempts.ended = error
            return recorder.open_among(numbers)
        return [file.number for file in left]

    def _sent(self, recorder: OutcomeRecorder, file: SmallFile, written: Written) -> None:
        self._attempts.arrived()
        recorder.done(file.number, written.verdict, race_free=written.race_free)

    def _one(self, recorder: OutcomeRecorder, number: int) -> None:
        """Send one file with the regular upload and count the outcome."""
        try:
            written = self._attempts.attempted(partial(self._send, recorder, number))
        except Cancelled:
            raise
        except AlreadyExists:
            recorder.skipped(number, self._existing(number))
        except StorageError as error:
            recorder.failed(number, error)
        else:
            recorder.done(number, written.verdict, race_free=written.race_free)

    def _existing(self, number: int) -> str:
        """Return the reason to skip a file whose key has appeared since the plan.

        After an interruption the object is often the file itself.
        """
        with suppress(StorageError):
            existing = head(self._bucket, self._keys[number], work=self._work)
            path = Path(self._paths[number])
            if existing.size == Stamp.of(path).size and existing.sha256 == sha256_of(
                path, self._work
            ):
                return SAME
        self._work.check()
        return EXISTS

    def _send(self, recorder: OutcomeRecorder, number: int) -> Written:
        path, key = Path(self._paths[number]), self._keys[number]
        work = self._attempts.work_for(number, lambda now: recorder.moving(number, now.done))
        only_new = self._only_new(number)
        if only_new and Stamp.of(path).size > SINGLE_BYTES:
            # Before the file is hashed and sent, which may take minutes.
            refuse_existing(self._bucket, key, work)
        return upload_file(self._bucket, key, path, only_new=only_new, work=work)


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
