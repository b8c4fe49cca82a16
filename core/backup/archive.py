"""Writing of one backup: compressed parts with hashes, then the manifest that commits them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from threading import Lock
from types import TracebackType
from typing import Self

from core.backup.databases.base import Rows
from core.backup.keys import MANIFEST
from core.backup.manifest import entry, to_bytes
from core.backup.packing import PartsForm, Tally, packed
from core.backup.prefetch import Prefetch
from core.backup.store import Store
from core.backup.unfinished import UnfinishedBackup
from core.backup.unsent import may_end
from core.errors import StorageError
from core.model.backup import Backup, Manifest, Part
from core.model.objects import Verdict
from core.version import __version__
from core.work import Work

TOOL = f"strongroom {__version__}"

_UPLOADS = 4
#: A part larger than this, which has a longer row than usual, is in memory alone while it is sent.
_LARGE_BYTES = 32 << 20


def write_parts(
    store: Store,
    unfinished: UnfinishedBackup,
    rows: Prefetch[Rows],
    form: PartsForm,
    work: Work,
    *,
    outage: StorageError | None = None,
) -> Tally:
    """Compress rows and upload them as parts below the folder of `unfinished`.

    Reading, compression and upload overlap. Parts that are not sent yet are stored on this
    computer, so that a slow upload does not prolong the snapshot, and an outage does not end it.

    Args:
        store: The store.
        unfinished: The record of the backup.
        rows: The rows in pieces, which are closed at the end.
        form: The format of the parts.
        work: Cancel token and progress (rows).
        outage: The error of an outage that was noticed before: nothing is sent then.

    Raises:
        StorageError: A part could not be sent, for a reason that does not end by itself.
    """
    tally = Tally(outage=outage)
    # After a failure the reading thread must end before the database is closed or rolled back.
    with (
        closing(rows),
        _Sender(store, unfinished, form, tally, work) as sender,
    ):
        for part, pieces in packed(rows, tally, form, work):
            sender.add(part, pieces)
        sender.finish()
    return tally


class _Sender:
    """Uploads parts in several threads, from the files on this computer."""

    def __init__(
        self,
        store: Store,
        unfinished: UnfinishedBackup,
        form: PartsForm,
        tally: Tally,
        work: Work,
    ) -> None:
        self._store, self._unfinished, self._form = store, unfinished, form
        self._tally, self._work = tally, work
        self._pool = ThreadPoolExecutor(_UPLOADS, "backup")
        if tally.outage is None:
            # The first write repeats it if it fails, and reports that.
            self._pool.submit(store.prepare)
        self._running: deque[Future[Verdict]] = deque()
        self._all_saved = True
        self._large = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._pool.shutdown(cancel_futures=True)

    def add(self, part: Part, pieces: list[bytes]) -> None:
        """Store a part on this computer and send it; without room there, wait until it is sent.

        Args:
            part: The part.
            pieces: Its bytes; the list is emptied, so that they are not in memory any more.
        """
        self._tally.parts.append(part)
        saved = self._unfinished.files.save(self._form.name(part.index), pieces)
        data = None if saved else b"".join(pieces)
        pieces.clear()
        self._all_saved &= saved
        if self._tally.outage is not None:
            if not saved:
                raise self._tally.outage
            return
        self._running.append(self._pool.submit(self._send, part, data))
        while self._running and self._running[0].done():
            self._take()
        large = part.size > _LARGE_BYTES  # the next one is packed when this one is not in memory
        while self._running and (large or (not saved and len(self._running) >= _UPLOADS)):
            self._take()

    def finish(self) -> None:
        """Wait until all parts are sent, or an outage is noticed."""
        while self._running:
            self._take()

    def _take(self) -> None:
        try:
            verdict = self._running.popleft().result()
        except StorageError as error:
            if not (self._all_saved and may_end(error)):
                raise
            self._begin_outage(error)
        else:
            self._tally.verdict = weakest_verdict((self._tally.verdict, verdict))

    def _begin_outage(self, error: StorageError) -> None:
        """Send nothing more; uploads that have begun share the retry budget, and end with it."""
        self._tally.outage = error
        begun = [future for future in self._running if not future.cancel()]
        self._running.clear()
        for future in begun:
            problem = future.exception()
            if problem is not None and not (isinstance(problem, StorageError) and may_end(problem)):
                raise problem

    def _send(self, part: Part, data: bytes | None) -> Verdict:
        with self._large if part.size > _LARGE_BYTES else nullcontext():
            return self._sent(part, data)

    def _sent(self, part: Part, data: bytes | None) -> Verdict:
        self._work.check()
        name, files = self._form.name(part.index), self._unfinished.files
        key = self._unfinished.folder + name
        self._unfinished.sent.append(key)
        about = part_metadata(self._form.backup_id, part)
        verdict = self._store.put(
            key, files.load(name) if data is None else data, about, work=self._work
        )
        self._unfinished.stored.append(key)
        files.delete(name)
        return verdict


def part_metadata(backup_id: str, part: Part) -> dict[str, str]:
    """Return the metadata of the object of a part."""
    return {
        "backup-id": backup_id,
        "data_type": "database_backup_part",
        "part-index": str(part.index),
        "record_count": str(part.rows),
    }


def weakest_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the weakest verdict; `Verdict` lists the strongest first."""
    return max(verdicts, key=tuple(Verdict).index, default=Verdict.SIZE_ONLY)


def write_manifest(
    store: Store, unfinished: UnfinishedBackup, manifest: Manifest, work: Work
) -> tuple[Backup, Verdict]:
    """Write the manifest, which completes the backup; return its entry and the verdict."""
    key, data = unfinished.folder + MANIFEST, to_bytes(manifest)
    work.check()
    unfinished.committing = True
    verdict = store.put(key, data, manifest_metadata(manifest), work=work)
    return entry(manifest, key, data), verdict


def manifest_metadata(manifest: Manifest) -> dict[str, str]:
    """Return the metadata of the object of a manifest."""
    return {
        "backup-id": manifest.id,
        "table_name": manifest.table.encode("ascii", "backslashreplace").decode()[:500],
        "data_type": "database_backup_manifest",
        "record_count": str(manifest.rows),
    }
