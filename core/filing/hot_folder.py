"""A watched folder whose files are stored by the data contract, and then moved aside.

A file is complete when its size and time have not changed for a while and no program has it open
for writing. It is stored under the key of its kind, verified, and moved to `filed`; a file that
cannot be stored is moved to `refused`, with the reason in a text file beside it.

The upload precedes the move, so a killed process loses nothing. The key depends on the content
only: when the file is found again, the object is compared with it and not sent again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import (
    AlreadyExists,
    Cancelled,
    Conflict,
    ErrorKind,
    InvalidInput,
    LocalIOError,
    NotFound,
    SourceChanged,
    StorageError,
)
from core.filing.contents import inspect_file
from core.filing.hot_files import (
    HotFile,
    HotReport,
    HotState,
    filing_of,
    is_temporary,
    move_aside,
    names_of,
    sentences_of,
)
from core.filing.storing import Filing, store, verdict_if_stored
from core.local.atomic import translate_os_errors, write_atomically
from core.local.locking import try_lock
from core.local.open_files import has_writer
from core.local.partial_files import free_path
from core.model.objects import Verdict
from core.objects.bucket import HasBucket
from core.objects.hashing import Stamp
from core.paths import data_dir
from core.units import iso_utc, utc_now
from core.work import Progress, Work, default_work

FILED, REFUSED = "filed", "refused"
REASON_SUFFIX = ".reason.txt"
#: Seconds without a change after which a file counts as complete, and between two scans.
SETTLE_SECONDS, SCAN_SECONDS = 5.0, 2.0
#: Seconds until a file whose upload failed is tried again.
_RETRY_SECONDS = 30.0
#: Failures that concern all files: they end the watch.
_FATAL = frozenset(
    {
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
        ErrorKind.NO_SUCH_BUCKET,
        ErrorKind.READ_ONLY,
    }
)


def watch(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    folder: str,
    once: bool = False,
    settle_seconds: float = SETTLE_SECONDS,
    scan_seconds: float = SCAN_SECONDS,
    use_file_time: bool = False,
) -> HotReport:
    """Store the files of a folder by the data contract (operation `transfer.watch`).

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, and each `HotFile` as a batch.
        folder: the watched folder; `filed` and `refused` in it get the files.
        once: end after the files that are complete, instead of watching until a cancel.
        settle_seconds: how long a file must be unchanged to be complete.
        scan_seconds: the time between two scans of the folder.
        use_file_time: use the modification time of a file whose content has no time.

    Raises:
        InvalidInput: the path is not a folder.
        NotFound: the folder does not exist.
        Conflict: another process watches the folder.
        StorageError: the credentials, the bucket or the clock do not allow any upload.
        Cancelled: the token of `work` was cancelled; no file is lost.
    """
    work = default_work(work)
    root = Path(folder).absolute()
    if root.exists() and not root.is_dir():
        raise InvalidInput(
            f"{root} is not a folder",
            remedy="Name a folder. A single file can be uploaded by itself.",
            subject=str(root),
        )
    if not root.is_dir():
        raise NotFound(
            f"The folder {root} does not exist",
            remedy="Correct the path. A drive that is not mounted also looks like this.",
            subject=str(root),
        )
    with _watched_alone(root):
        hot = _HotFolder(workspace, root, work, settle_seconds, use_file_time=use_file_time)
        hot.scan()
        if once:
            # The second scan detects which files have not changed since the first one.
            work.token.wait(settle_seconds)
            hot.scan()
            return hot.report()
        while True:
            work.token.wait(scan_seconds)
            hot.scan()


@contextmanager
def _watched_alone(root: Path) -> Iterator[None]:
    """Prevent another process of this machine from watching the same folder.

    Raises:
        Conflict: another process watches it.
    """
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]
    path = data_dir() / f"watch-{name}.lock"
    with translate_os_errors(path, "created"):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with translate_os_errors(path, "locked"):
            alone = try_lock(handle)
        if not alone:
            raise Conflict(
                f"Another process already watches {root}",
                cause="Two processes would store and move the same files.",
                remedy="End the other process, or watch another folder.",
                subject=str(root),
            )
        yield
    finally:
        os.close(handle)


@dataclass(slots=True)
class _Seen:
    """A file that is not complete yet: its state, since when, and when it may be tried."""

    stamp: Stamp
    since: float
    after: float = 0.0
    tried: bool = False


@dataclass(slots=True)
class _HotFolder:
    """The state of one watched folder between its scans."""

    workspace: HasBucket
    root: Path
    work: Work
    settle_seconds: float
    use_file_time: bool
    _seen: dict[Path, _Seen] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)
    _counts: Counter[HotState] = field(default_factory=Counter)
    _failed: dict[str, HotFile] = field(default_factory=dict)

    def report(self) -> HotReport:
        """Return the outcome so far; files that are not complete count as postponed."""
        for path, seen in self._seen.items():
            if not seen.tried:
                self._take(
                    HotFile(
                        self._name(path),
                        HotState.POSTPONED,
                        size=seen.stamp.size,
                        reason="A program is still writing the file.",
                        kind=ErrorKind.SOURCE_CHANGED,
                    )
                )
        return HotReport(
            tuple(self._keys), tuple(self._counts.items()), tuple(self._failed.values())
        )

    def scan(self) -> None:
        """Store the files that have become complete since the last scan."""
        found = self._files()
        self._seen = {path: seen for path, seen in self._seen.items() if path in found}
        for path, stamp in found.items():
            self.work.check()
            now = time.monotonic()
            seen = self._seen.get(path)
            if seen is None or seen.stamp != stamp:
                self._seen[path] = _Seen(stamp, now)
            elif now >= max(seen.since + self.settle_seconds, seen.after) and not has_writer(path):
                self._process(path, seen)

    def _files(self) -> dict[Path, Stamp]:
        """Return the regular files below the folder, oldest first, without temporary ones."""
        found: dict[Path, Stamp] = {}
        for parent, folders, names in os.walk(self.root):
            if Path(parent) == self.root:
                folders[:] = [name for name in folders if name not in {FILED, REFUSED}]
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(parent, name)
                if not is_temporary(name) and not path.is_symlink() and path.is_file():
                    try:
                        found[path] = Stamp.of(path)
                    except LocalIOError:  # it has just been moved or deleted
                        continue
        return dict(sorted(found.items(), key=lambda item: (item[1].modified_ns, item[0])))

    def _process(self, path: Path, seen: _Seen) -> None:
        """Store one file, move it, and report the outcome."""
        try:
            outcome = self._outcome(path, seen.stamp)
        except Cancelled:
            raise
        except SourceChanged:  # a program writes it again
            self._seen.pop(path, None)
            return
        except StorageError as error:
            if error.kind in _FATAL:
                raise
            outcome = self._postponed(path, seen, error)
        else:
            self._seen.pop(path, None)
        if outcome is not None:
            self._take(outcome)

    def _postponed(self, path: Path, seen: _Seen, error: StorageError) -> HotFile | None:
        """Return the outcome of a failed upload, only once for the same state of the file."""
        seen.after = time.monotonic() + _RETRY_SECONDS
        reported, seen.tried = seen.tried, True
        if reported:
            return None
        return HotFile(
            self._name(path),
            HotState.POSTPONED,
            size=seen.stamp.size,
            reason=sentences_of(error),
            kind=error.kind,
        )

    def _take(self, outcome: HotFile) -> None:
        self._counts[outcome.state] += 1
        if outcome.state in {HotState.FILED, HotState.ALREADY_STORED}:
            self._keys.append(outcome.key)
            self._failed.pop(outcome.name, None)
        else:
            self._failed[outcome.name] = outcome
        self.work.batch(outcome)
        self.work.report(Progress(len(self._keys), note=outcome.name, unit="files"))

    def _outcome(self, path: Path, stamp: Stamp) -> HotFile | None:
        try:
            contents = inspect_file(self.workspace, self.work, path=str(path))
            filing, moment = filing_of(contents, use_file_time=self.use_file_time)
        except InvalidInput as error:
            return self._refuse(path, stamp, error)
        stamp.check(path)
        state = HotState.ALREADY_STORED
        try:
            verdict = self._existing(filing)
            if verdict is None:
                state = HotState.FILED
                verdict = store(
                    self.workspace,
                    self.work,
                    path=str(path),
                    kind_id=contents.kind,
                    names=names_of(contents),
                    moment=iso_utc(moment),
                ).verdict
        except (AlreadyExists, InvalidInput) as error:
            return self._refuse(path, stamp, error, filing.key)
        moved = move_aside(path, self.root / FILED / path.relative_to(self.root), stamp)
        return HotFile(self._name(path), state, filing.key, stamp.size, verdict, self._name(moved))

    def _existing(self, filing: Filing) -> Verdict | None:
        """Return by what the existing object was compared; None if the key is free.

        A process that was killed before it moved the file has stored it; it is not sent again.

        Raises:
            AlreadyExists: the key has another object.
        """
        try:
            equal = verdict_if_stored(self.workspace, filing, self.work)
        except NotFound as error:
            if type(error) is not NotFound:  # the bucket does not exist
                raise
            return None
        if equal is None:
            raise AlreadyExists(
                f"{filing.key} already exists, with another content",
                cause="An existing object is never replaced by a watched folder.",
                remedy="Compare both. Correct the time or the names in the file, or replace the "
                "object yourself.",
                subject=self.workspace.bucket.subject(filing.key),
            )
        return equal

    def _refuse(self, path: Path, stamp: Stamp, error: StorageError, key: str = "") -> HotFile:
        """Move a file to `refused`, with the reason in a text file beside it."""
        target = free_path(self.root / REFUSED / path.relative_to(self.root))
        text = (
            f"{self._name(path)} was not stored at {iso_utc(utc_now())}.\n\n{sentences_of(error)}\n"
        )
        # The reason is written first: a killed process leaves no refused file without a reason.
        write_atomically(target.with_name(target.name + REASON_SUFFIX), text.encode())
        moved = move_aside(path, target, stamp)
        return HotFile(
            self._name(path),
            HotState.REFUSED,
            key,
            stamp.size,
            moved=self._name(moved),
            reason=sentences_of(error),
            kind=error.kind,
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()
