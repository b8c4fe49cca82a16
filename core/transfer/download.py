"""The operation `transfer.download`: many objects into a folder, each verified or not there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from core.errors import Cancelled, LocalIOError, StorageError
from core.objects.bucket import Bucket
from core.objects.names import collisions, destination
from core.objects.reading import download as download_object
from core.transfer.carrying import carried, order_of
from core.transfer.retrying import HOPELESS, Backoff
from core.transfer.tally import Tally
from core.transfer.values import HasBucket, IfExists, TransferReport
from core.units import format_size
from core.work import Work, default_work

_THREADS = 12
#: From this size on, one object's own progress is told.
_LARGE_BYTES = 4_000_000
MARKER = "a folder marker, no file"


def download(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    keys: Sequence[str],
    sizes: Sequence[int],
    folder: str,
    below: str = "",
    if_exists: str = IfExists.SKIP.value,
    journal: dict[str, str] | None = None,
) -> TransferReport:
    """Download objects; each appears under its name only when it is whole and verified.

    Args:
        workspace: whose bucket it is.
        work: cancel, progress, and `Outcomes` as batches.
        keys: the objects.
        sizes: their sizes in bytes, as many.
        folder: where to; names below it are made safe by `core.objects.names`.
        below: the prefix that is left out of the names, for example the folder shown.
        if_exists: a value of `IfExists`.
        journal: `id`, `title` and `profile` to make it resumable; no journal without.

    Raises:
        LocalIOError: there is no room for the bytes, or the journal cannot be written.
        Cancelled: the token of `work` was cancelled; what is done stays, nothing is half there.
    """
    work = default_work(work)
    root = Path(folder).absolute()
    arguments = {
        "keys": list(keys),
        "sizes": list(sizes),
        "folder": str(root),
        "below": below,
        "if_exists": if_exists,
    }
    _check_room(root, sum(sizes))
    order = order_of("transfer.download", workspace, journal, arguments)
    names = [key.removeprefix(below) for key in keys]
    run = _Download(workspace.bucket, keys, names, sizes, work, root, if_exists=IfExists(if_exists))
    return carried(order, arguments, work, run.all)


class _Download:
    """One run; every key ends as done, skipped or failed."""

    def __init__(  # noqa: PLR0913 - the state of one run
        self,
        bucket: Bucket,
        keys: Sequence[str],
        names: Sequence[str],
        sizes: Sequence[int],
        work: Work,
        root: Path,
        *,
        if_exists: IfExists,
    ) -> None:
        self._bucket, self._keys, self._names, self._sizes = bucket, keys, names, sizes
        self._work, self._root, self._if_exists = work, root, if_exists
        self._backoff = Backoff(work)
        self._hopeless: StorageError | None = None
        self._clashes = _clashes(names)

    def all(self, tally: Tally) -> None:
        """Fetch all of them, a dozen at a time."""
        with ThreadPoolExecutor(_THREADS, "download") as pool:
            for _ in pool.map(partial(self._one, tally), range(len(self._keys))):
                self._work.check()

    def _one(self, tally: Tally, number: int) -> None:
        if reason := self._left_out(number):
            tally.skipped(number, reason)
            return
        if self._hopeless is not None:
            tally.failed(number, self._hopeless)
            return
        try:
            skipped = self._backoff.tried(partial(self._fetch, tally, number))
        except Cancelled:
            raise
        except StorageError as error:
            if error.kind in HOPELESS:
                self._hopeless = error
            tally.failed(number, error)
        else:
            if skipped:
                tally.skipped(number, skipped)
            else:
                tally.done(number)

    def _left_out(self, number: int) -> str:
        name = self._names[number]
        if name.endswith("/") or not name:
            return MARKER
        return self._clashes.get(name, "")

    def _fetch(self, tally: Tally, number: int) -> str:
        """Fetch one object; return why it was skipped, or an empty text."""
        path = destination(self._root, self._names[number])
        if path.exists() and self._if_exists is IfExists.SKIP:
            return "the file is there already"
        if self._if_exists is IfExists.KEEP_BOTH:
            path = _free(path)
        work = Work(self._work.token)
        if self._sizes[number] >= _LARGE_BYTES:
            work = Work(self._work.token, lambda now: tally.moving(number, now.done))
        overwrite = self._if_exists is IfExists.OVERWRITE
        download_object(self._bucket, self._keys[number], path, overwrite=overwrite, work=work)
        return ""


def _clashes(names: Sequence[str]) -> dict[str, str]:
    """Return, for names that some file systems take for one, with which others they clash.

    All but the first are left out; nothing is written over.
    """
    found: dict[str, str] = {}
    for sharing in collisions(names).values():
        for name in sharing[1:]:
            found[name] = f"{sharing[0]} takes the same name on this machine"
    return found


def _free(path: Path) -> Path:
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return free


def _check_room(root: Path, needed: int) -> None:
    """Refuse before the first byte what the disk has no room for."""
    there = next((folder for folder in (root, *root.parents) if folder.is_dir()), None)
    if there is None:
        return
    free = shutil.disk_usage(there).free
    if needed > free:
        raise LocalIOError(
            f"There is no room in {root.name or root} for {format_size(needed)}",
            cause=f"{format_size(free)} are free.",
            remedy="Free some space, or choose another folder.",
            subject=str(root),
        )
