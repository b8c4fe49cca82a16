"""The two sides of a synchronization, a folder and a prefix, and how their files are compared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from core.errors import Cancelled, ErrorKind, LocalIOError, NotFound
from core.hints import Hint
from core.local.partial_files import is_partial
from core.model.name_filter import NameFilter
from core.objects.bucket import Bucket
from core.objects.comparing import compare_file
from core.objects.level import modified_of
from core.objects.listing import list_pages
from core.transfer.attempts import Attempts
from core.transfer.plan import RefusedFile
from core.transfer.sync_values import (
    SyncAction,
    SyncCompare,
    SyncDirection,
    SyncItem,
    SyncReason,
)
from core.work import Progress, Work

_THREADS = 8


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A listed object; `modified` is the server's text."""

    size: int
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A local file; `modified_ns` in nanoseconds since 1970."""

    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A file of the source and, if it exists, the file of the target with the same name."""

    key: str
    path: str
    file: LocalFile | None
    object: ListedObject | None

    def newer(self, direction: SyncDirection) -> bool:
        """Return whether the source was modified after the target; both exist."""
        assert self.file is not None
        assert self.object is not None
        stored = modified_of(self.object.modified).timestamp()
        modified = self.file.modified_ns / 1e9
        return modified > stored if direction is SyncDirection.UPLOAD else stored > modified


_Outcome = SyncReason | LocalIOError | None


@dataclass(frozen=True, slots=True)
class Compared:
    """The actions of a comparison, the number of equal files, and files that cannot be read."""

    items: list[SyncItem]
    unchanged: int
    refused: list[RefusedFile]


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a synchronization, and how they are compared."""

    bucket: Bucket
    prefix: str
    folder: Path
    compare: SyncCompare
    names: NameFilter
    work: Work

    def objects(self) -> dict[str, ListedObject]:
        """Return the objects below the prefix by name, without folder markers."""
        found: dict[str, ListedObject] = {}
        for page in list_pages(self.bucket, self.prefix, work=self.work):
            rows = zip(page.keys, page.sizes, page.etags, page.modified, strict=True)
            for key, size, etag, modified in rows:
                name = key[len(self.prefix) :]
                # A marker of an empty folder is no file: it is neither transferred nor deleted.
                if name and (size or name[-1] != "/") and self.names.matches(name):
                    found[name] = ListedObject(size, etag.strip('"'), modified)
        return found

    def files(self) -> dict[str, LocalFile]:
        """Return the regular files below the folder by name, without following links.

        Files behind a link are not part of the folder, and a deletion must not reach them.

        Raises:
            LocalIOError: a folder cannot be read, so that its files would seem to be missing.
        """
        found: dict[str, LocalFile] = {}
        for parent, _folders, names in os.walk(self.folder, onerror=raise_unreadable):
            self.work.check()
            for name in names:
                path = Path(parent, name)
                relative = path.relative_to(self.folder).as_posix()
                if not is_partial(name) and self.names.matches(relative) and _is_regular(path):
                    stat = path.stat()
                    found[relative] = LocalFile(stat.st_size, stat.st_mtime_ns)
        return found

    def compared(self, pairs: Sequence[Pair], direction: SyncDirection) -> Compared:
        """Compare the files of both sides."""
        reasons: dict[str, _Outcome] = {
            pair.key: self._listed_difference(pair, direction) for pair in pairs
        }
        if self.compare is SyncCompare.HASH:
            equal = [pair for pair in pairs if reasons[pair.key] is None]
            reasons.update(self._differences(equal))
        items: list[SyncItem] = []
        refused: list[RefusedFile] = []
        for pair in pairs:
            reason = reasons[pair.key]
            if isinstance(reason, LocalIOError):
                why = (reason.cause or reason.summary).rstrip(".")
                refused.append(RefusedFile(pair.path, pair.key, ErrorKind.LOCAL_IO, why))
            elif reason is not None:
                items.append(_transferred(pair, reason, direction))
        return Compared(items, len(pairs) - len(items) - len(refused), refused)

    def _listed_difference(self, pair: Pair, direction: SyncDirection) -> SyncReason | None:
        """Return the difference that the listings show."""
        if pair.file is None or pair.object is None:
            return SyncReason.MISSING
        if pair.file.size != pair.object.size:
            return SyncReason.SIZE
        newer = self.compare is SyncCompare.TIME and pair.newer(direction)
        return SyncReason.NEWER if newer else None

    def _differences(self, pairs: Sequence[Pair]) -> dict[str, _Outcome]:
        """Return the differences of contents, by key; an error for a file that cannot be read."""
        attempts = Attempts(self.work)
        found: dict[str, _Outcome] = {}
        with ThreadPoolExecutor(_THREADS, "compare") as pool:
            # `map` raises the first exception of a thread here.
            reasons = pool.map(partial(self._difference, attempts), pairs)
            for pair, reason in zip(pairs, reasons, strict=True):
                self.work.check()
                found[pair.key] = reason
                self.work.report(Progress(len(found), len(pairs), "files"))
        return found

    def _difference(self, attempts: Attempts, pair: Pair) -> _Outcome:
        assert pair.object is not None
        etag = pair.object.etag
        work = attempts.work_for(0, lambda _progress: None)
        path = Path(pair.path)
        try:
            found = attempts.attempted(
                lambda: compare_file(self.bucket, pair.key, path, etag=etag, work=work)
            )
        except Cancelled:
            raise
        except LocalIOError as error:
            return error
        except NotFound as error:
            if type(error) is not NotFound:  # the bucket does not exist
                raise
            return SyncReason.MISSING
        if found.same:
            return None
        return SyncReason.CONTENT if found.proven else SyncReason.UNKNOWN


def _transferred(pair: Pair, reason: SyncReason, direction: SyncDirection) -> SyncItem:
    source, target = (
        (pair.file, pair.object) if direction is SyncDirection.UPLOAD else (pair.object, pair.file)
    )
    assert source is not None
    action = SyncAction.ADD if target is None else SyncAction.REPLACE
    etag = pair.object.etag if pair.object is not None else ""
    return SyncItem(action, reason, pair.key, pair.path, source.size, etag)


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def raise_unreadable(error: OSError) -> NoReturn:
    """Raise the error for a folder that cannot be read."""
    raise LocalIOError(
        f"The folder {error.filename} cannot be read",
        cause=f"{error.strerror or error}.",
        remedy="Correct its permissions, or exclude it by a pattern.",
        hints=Hint.EXCLUDE,
        subject=str(error.filename),
    ) from error
