"""Plan of an upload: the key of each file, existing keys, and refused files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from types import MappingProxyType
from typing import Any

from core.errors import ErrorKind, InvalidInput, NotFound
from core.layout.key_checks import check_key
from core.model.name_filter import NameFilter
from core.model.upload_options import UploadOptions
from core.objects.bucket import Bucket, HasBucket
from core.objects.level import modified_of
from core.objects.listing import list_pages
from core.objects.reading import head
from core.transfer.sources import Sources, find_sources
from core.transfer.values import CONDITIONAL, EXISTS, NOT_OLDER, SAME_SIZE, IfExists, Refusal
from core.work import CancelToken, Work, default_work

#: Decisions for single files, by their numbers in the plan.
Decisions = Mapping[int, IfExists]
_NONE: Decisions = MappingProxyType({})
#: Maximum number of files whose keys are checked one by one: a listing could be very long.
_FEW = 16


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that cannot be uploaded, and its intended key."""

    path: str
    key: str
    kind: ErrorKind
    reason: str


@dataclass(frozen=True, slots=True)
class ExistingObject:
    """An object that has the key of a planned file; `size` in bytes."""

    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """Files and their keys as columns of equal length, before the upload.

    `existing` states which keys already exist, and `spare` has a free key for each of those (else
    ""). `objects` has the existing objects, and `modified` the modification times of the files in
    seconds since 1970; both may be empty if the conditions of `IfExists` are not used. `refused`
    has the files that cannot be uploaded, which the operation reports as failures.
    """

    bucket: str
    prefix: str
    paths: tuple[str, ...]
    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    existing: tuple[bool, ...]
    spare: tuple[str, ...]
    refused: tuple[RefusedFile, ...]
    objects: tuple[ExistingObject | None, ...] = ()
    modified: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """The total size of all files in bytes."""
        return sum(self.sizes)

    @property
    def conflicts(self) -> int:
        """The number of keys that already exist."""
        return sum(self.existing)

    def decision(self, number: int, choice: IfExists, single: Decisions = _NONE) -> IfExists:
        """Return the decision for a file whose key exists; `single` overrides it for single files."""
        return single.get(number, choice)

    def key_when(self, number: int, choice: IfExists, single: Decisions = _NONE) -> str:
        """Return the key of a file, which depends on the decision for existing keys."""
        keeps_both = self.decision(number, choice, single) is IfExists.KEEP_BOTH
        return (self.spare[number] if keeps_both else "") or self.keys[number]

    def keys_when(self, choice: IfExists, single: Decisions = _NONE) -> tuple[str, ...]:
        """Return the keys of all files, which depend on the decision for existing keys."""
        if choice is not IfExists.KEEP_BOTH and not single:
            return self.keys
        keys = [*self.keys]
        for number in self._taken():
            keys[number] = self.key_when(number, choice, single)
        return tuple(keys)

    def skipped_when(self, choice: IfExists, single: Decisions = _NONE) -> list[int]:
        """Return the numbers of the files that are skipped because their keys exist."""
        return [number for number in self._taken() if self.skip_reason(number, choice, single)]

    def _taken(self) -> list[int]:
        """Return the numbers of the files whose keys exist."""
        # Most plans have few of them: the window must not examine 50,000 files one by one.
        return list(compress(range(len(self.keys)), self.existing))

    def skip_reason(self, number: int, choice: IfExists, single: Decisions = _NONE) -> str:
        """Return why a file is skipped, or an empty text if it is sent or compared by its hash."""
        decision = self.decision(number, choice, single)
        if not self.existing[number]:
            return ""
        if decision is IfExists.SKIP:
            return EXISTS
        found = self.objects[number] if self.objects else None
        if found is None:
            return ""
        if decision is IfExists.IF_NEWER:
            # An object that was stored after the last change of the file contains that change.
            return NOT_OLDER if found.modified.timestamp() >= self.modified[number] else ""
        same_size = decision is IfExists.IF_SIZE_DIFFERS and found.size == self.sizes[number]
        return SAME_SIZE if same_size else ""

    def compared_when(self, choice: IfExists, single: Decisions = _NONE) -> list[int]:
        """Return the numbers of the files whose hash decides, when they are about to be sent."""
        return [
            number
            for number in self._taken()
            if self.decision(number, choice, single) is IfExists.IF_DIFFERENT
        ]

    def arguments(self, choice: IfExists, single: Decisions = _NONE) -> dict[str, Any]:
        """Return the arguments of the operation `transfer.upload`; refused files come last.

        Args:
            choice: the decision for files whose keys exist.
            single: different decisions for single files, by number.
        """
        reasons = [f"{each.kind.name}: {each.reason}" for each in self.refused]
        skip = self.skipped_when(choice, single)
        compared = [False] * len(self.keys)
        for number in self.compared_when(choice, single):
            compared[number] = True
        return {
            "paths": [*self.paths, *(each.path for each in self.refused)],
            "keys": [*self.keys_when(choice, single), *(each.key for each in self.refused)],
            "sizes": [*self.sizes, *(0 for _ in self.refused)],
            "skip": skip,
            "skip_reasons": [self.skip_reason(number, choice, single) for number in skip],
            "only_new": self._only_new(choice, single),
            "if_different": self._column(compared),
            "refused": [*("" for _ in self.keys), *reasons] if reasons else [],
        }

    def _only_new(self, choice: IfExists, single: Decisions) -> bool | list[bool]:
        """Return which files must not overwrite an object; one value if it is the same for all."""
        if not single and choice is IfExists.OVERWRITE:
            return False
        columns = [choice is not IfExists.OVERWRITE] * len(self.keys)
        # Without a decision for the file itself, only existing keys can differ from the others.
        for number in {*self._taken(), *single}:
            decision = self.decision(number, choice, single)
            # A condition only refers to the object of the plan: one that appears later is not
            # known to the user.
            replaces = decision in CONDITIONAL and self.existing[number]
            columns[number] = not (decision is IfExists.OVERWRITE or replaces)
        return self._column(columns, default=True)

    def _column(self, values: list[bool], *, default: bool = False) -> bool | list[bool]:
        """Return a column of all files, or the default if all values are equal to it."""
        if values.count(default) == len(values):
            return default
        # Refused files are at the end of all columns, which must have equal lengths.
        return values + [default] * len(self.refused)


def plan_upload(  # noqa: PLR0913 - all but the first two by name
    workspace: HasBucket,
    work: Work | None = None,
    *,
    paths: Sequence[str],
    prefix: str = "",
    exact: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    name: str = "",
    options: Mapping[str, Any] | None = None,
) -> UploadPlan:
    """Return the plan for uploading files and folders below a prefix (operation `transfer.plan`).

    Args:
        workspace: the workspace with the bucket.
        work: cancel token and progress.
        paths: files and folders; the name of a folder is part of the keys.
        prefix: the folder in the bucket, with or without a final slash.
        exact: whether blanks and slashes around the prefix are a part of it, since it is that of a
            folder in a list.
        include: patterns of `NameFilter`, of which a file has to match one.
        exclude: patterns of which a file must match none.
        name: the name of the only file in its key, if it differs from that of the file.
        options: those of the upload; a compression appends its extension to the keys, unless
            there is a `name`.

    Raises:
        InvalidInput: the prefix is not valid in a key.
        StorageError: the existing keys could not be determined.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    prefix = folder_prefix(prefix) if exact else clean_prefix(prefix)
    with _connecting(workspace.bucket, work) as connected:
        chosen = NameFilter(tuple(include), tuple(exclude))
        sources = find_sources(paths, work=work).matching(chosen)
        if name:
            sources = sources.renamed(name)
        elif options:
            sources = sources.compressed(UploadOptions.from_dict(options))
        columns, refused = _with_keys(sources, prefix)
        keys = [key for _, key, _ in columns]
        if keys:
            connected()
    known, used = existing_objects(workspace.bucket, keys, work)
    times = dict(zip(sources.paths, sources.modified, strict=True))
    # After a listing all keys are known; after single checks the numbered names are not.
    free = _Free(workspace.bucket, {*keys, *used}, complete=len(keys) > _FEW, work=work)
    return UploadPlan(
        bucket=workspace.bucket.name,
        prefix=prefix,
        paths=tuple(path for path, _, _ in columns),
        keys=tuple(keys),
        sizes=tuple(size for _, _, size in columns),
        objects=tuple(known.get(key) for key in keys),
        modified=tuple(times[path] for path, _, _ in columns),
        existing=tuple(key in known for key in keys),
        spare=tuple(free.beside(key) if key in known else "" for key in keys),
        refused=(
            *(_refused(path, prefix + name, why) for path, name, why in sources.refused),
            *refused,
        ),
    )


@contextmanager
def _connecting(bucket: Bucket, work: Work) -> Iterator[Callable[[], object]]:
    """Connect to a bucket during the block, which searches for files.

    Yields:
        A function that waits until the region of the bucket is known, and raises its error. Without
        a call of it, the connection is abandoned.
    """
    stop = CancelToken()
    with work.token.on_cancel(stop.cancel), ThreadPoolExecutor(1, "connect") as pool:
        region = pool.submit(bucket.clients.bucket_region, bucket.name, work=Work(stop))
        try:
            yield region.result
        finally:
            stop.cancel()


def clean_prefix(prefix: str) -> str:
    """Return a typed prefix without a leading slash and with a final one; empty is the complete bucket.

    Raises:
        InvalidInput: the prefix is not valid in a key.
    """
    # A leading slash would create a folder without a name, which users who type a path do not mean.
    return folder_prefix(prefix.strip().lstrip("/"))


def folder_prefix(prefix: str) -> str:
    """Return a prefix with a final slash and otherwise as it is; empty is the complete bucket.

    Raises:
        InvalidInput: the prefix is not valid in a key.
    """
    return check_key(prefix if prefix.endswith("/") else f"{prefix}/") if prefix else ""


_Column = tuple[str, str, int]


def _with_keys(sources: Sources, prefix: str) -> tuple[list[_Column], list[RefusedFile]]:
    """Return path, key and size of the files that can be uploaded, and the refused ones."""
    columns: list[_Column] = []
    refused: list[RefusedFile] = []
    used: set[str] = set()
    for path, name, size in zip(sources.paths, sources.names, sources.sizes, strict=True):
        key = prefix + name
        # Names of different folders can be equal below one prefix; the second would overwrite the
        # first.
        if key in used:
            reason = "another file of this upload has the same key"
            refused.append(RefusedFile(path, key, ErrorKind.CONFLICT, reason))
            continue
        try:
            check_key(key)
        except InvalidInput as error:
            refused.append(RefusedFile(path, key, error.kind, error.cause.rstrip(".")))
            continue
        used.add(key)
        columns.append((path, key, size))
    return columns, refused


def _refused(path: str, key: str, why: Refusal) -> RefusedFile:
    return RefusedFile(path, key, why.kind, why.reason)


def existing_objects(
    bucket: Bucket, keys: Sequence[str], work: Work
) -> tuple[dict[str, ExistingObject], set[str]]:
    """Return the existing objects of the keys, and other keys of the same folder if it was listed.

    For many files the folder is listed once.
    """
    if len(keys) <= _FEW:
        found = {key: existing for key in keys if (existing := _existing(bucket, key, work))}
        return found, {*found}
    common = os.path.commonprefix(keys)  # noqa: RUF071 - keys are texts; cut at a slash below
    folder = common[: common.rfind("/") + 1]
    wanted, known, used = {*keys}, {}, set[str]()
    for page in list_pages(bucket, folder, work=work):
        used.update(page.keys)
        for key, size, modified in zip(page.keys, page.sizes, page.modified, strict=True):
            if key in wanted:
                known[key] = ExistingObject(size, modified_of(modified))
    return known, used


def _existing(bucket: Bucket, key: str, work: Work) -> ExistingObject | None:
    try:
        found = head(bucket, key, work=work)
    except NotFound:
        return None
    return ExistingObject(found.size, found.modified)


class _Free:
    """Search for free keys beside existing ones."""

    def __init__(self, bucket: Bucket, used: set[str], *, complete: bool, work: Work) -> None:
        self._bucket, self._used, self._work = bucket, used, work
        self._complete = complete

    def beside(self, key: str) -> str:
        """Return a free key such as `name (2).json` for `name.json`."""
        folder, _, name = key.rpartition("/")
        # The first dot: `a.tar.gz` becomes `a (2).tar.gz`, and `.profile` has no extension.
        stem, dot, suffix = name.partition(".") if not name.startswith(".") else (name, "", "")
        start = f"{folder}/{stem}" if folder else stem
        if not self._complete:
            self._exists(f"{start} (")
        number = 2
        while (free := f"{start} ({number}){dot}{suffix}") in self._used:
            number += 1
        self._used.add(free)
        return free

    def _exists(self, start: str) -> None:
        """Find the numbered names that are in use; the plan did not check them."""
        for columns in list_pages(self._bucket, start, work=self._work):
            self._used.update(columns.keys)
