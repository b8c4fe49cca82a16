"""What an upload would do, before a byte is sent: which file goes to which key, and what not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.errors import ErrorKind, InvalidInput, NotFound
from core.layout.building import check_key
from core.objects.bucket import Bucket, HasBucket
from core.objects.listing import list_pages
from core.objects.reading import head
from core.transfer.sources import Sources, find_sources
from core.transfer.values import IfExists, Refusal
from core.work import Work, default_work

#: What to do about single files, by their numbers in the plan.
Decisions = Mapping[int, IfExists]
_NONE: Decisions = MappingProxyType({})
#: Up to so many files each key is asked for by itself: a listing could be a million keys long.
_FEW = 16


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that cannot be uploaded, and the key that it would have had."""

    path: str
    key: str
    kind: ErrorKind
    reason: str


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """Files and their keys as columns of equal length; nothing has been sent yet.

    `taken` has which keys exist already, and `spare` a free key for each of those (else "").
    `refused` has what cannot be uploaded: the operation reports each of it as a failure.
    """

    bucket: str
    prefix: str
    paths: tuple[str, ...]
    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    taken: tuple[bool, ...]
    spare: tuple[str, ...]
    refused: tuple[RefusedFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(self.sizes)

    @property
    def conflicts(self) -> int:
        """How many keys exist already."""
        return sum(self.taken)

    def decision(self, number: int, choice: IfExists, single: Decisions = _NONE) -> IfExists:
        """Return what is done about a file whose key exists; `single` has files decided apart."""
        return single.get(number, choice)

    def key_when(self, number: int, choice: IfExists, single: Decisions = _NONE) -> str:
        """Return the key that a file goes to, by what is done about existing ones."""
        keeps_both = self.decision(number, choice, single) is IfExists.KEEP_BOTH
        return (self.spare[number] if keeps_both else "") or self.keys[number]

    def keys_when(self, choice: IfExists, single: Decisions = _NONE) -> tuple[str, ...]:
        """Return the keys that files go to, by what is done about existing ones."""
        if choice is not IfExists.KEEP_BOTH and not single:
            return self.keys
        return tuple(self.key_when(number, choice, single) for number in range(len(self.keys)))

    def skipped_when(self, choice: IfExists, single: Decisions = _NONE) -> list[int]:
        """Return the numbers of the files that are left out because their keys exist."""
        return [
            number
            for number, taken in enumerate(self.taken)
            if taken and self.decision(number, choice, single) is IfExists.SKIP
        ]

    def arguments(self, choice: IfExists, single: Decisions = _NONE) -> dict[str, Any]:
        """Return the arguments of the operation `transfer.upload`; refused files come last.

        Args:
            choice: what to do with files whose key exists.
            single: the decisions for single files, by their numbers, where they differ.
        """
        reasons = [f"{each.kind.name}: {each.reason}" for each in self.refused]
        return {
            "paths": [*self.paths, *(each.path for each in self.refused)],
            "keys": [*self.keys_when(choice, single), *(each.key for each in self.refused)],
            "sizes": [*self.sizes, *(0 for _ in self.refused)],
            "skip": self.skipped_when(choice, single),
            "only_new": self._only_new(choice, single),
            "refused": [*("" for _ in self.keys), *reasons] if reasons else [],
        }

    def _only_new(self, choice: IfExists, single: Decisions) -> bool | list[bool]:
        """Return which files must not overwrite an object: one answer if it is that of all."""
        if IfExists.OVERWRITE not in single.values() and choice is not IfExists.OVERWRITE:
            return True
        if not single:
            return False
        overwrites = [
            self.decision(number, choice, single) is IfExists.OVERWRITE
            for number in range(len(self.keys))
        ]
        return [not each for each in overwrites] + [True] * len(self.refused)


def plan_upload(
    workspace: HasBucket, work: Work | None = None, *, paths: Sequence[str], prefix: str = ""
) -> UploadPlan:
    """Return what uploading files and folders below a prefix would do (operation `transfer.plan`).

    Args:
        workspace: whose bucket it is.
        work: cancel and progress.
        paths: files and folders; a folder keeps its name below the prefix.
        prefix: the folder of the bucket, with or without the slash at its end.

    Raises:
        InvalidInput: the prefix can be no part of a key.
        StorageError: the bucket could not be asked which keys exist.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    prefix = clean_prefix(prefix)
    sources = find_sources(paths, work=work)
    columns, refused = _with_keys(sources, prefix)
    keys = [key for _, key, _ in columns]
    known = _known(workspace.bucket, keys, work)
    free = _Free(workspace.bucket, {*keys, *known}, whole=len(keys) > _FEW, work=work)
    return UploadPlan(
        bucket=workspace.bucket.name,
        prefix=prefix,
        paths=tuple(path for path, _, _ in columns),
        keys=tuple(keys),
        sizes=tuple(size for _, _, size in columns),
        taken=tuple(key in known for key in keys),
        spare=tuple(free.beside(key) if key in known else "" for key in keys),
        refused=(
            *(_refused(path, prefix + name, why) for path, name, why in sources.refused),
            *refused,
        ),
    )


def clean_prefix(prefix: str) -> str:
    """Return a prefix without a slash at its beginning and with one at its end; empty is the top.

    Raises:
        InvalidInput: it can be no part of a key.
    """
    prefix = prefix.strip().lstrip("/")
    if not prefix:
        return ""
    return check_key(prefix if prefix.endswith("/") else f"{prefix}/")


_Column = tuple[str, str, int]


def _with_keys(sources: Sources, prefix: str) -> tuple[list[_Column], list[RefusedFile]]:
    """Return path, key and size of all that can be uploaded, and the rest with its reason."""
    columns: list[_Column] = []
    refused: list[RefusedFile] = []
    used: set[str] = set()
    for path, name, size in zip(sources.paths, sources.names, sources.sizes, strict=True):
        key = prefix + name
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


def _known(bucket: Bucket, keys: Sequence[str], work: Work) -> set[str]:
    """Return the keys that exist: of many, all in their folder by one listing."""
    if len(keys) <= _FEW:
        return {key for key in keys if _exists(bucket, key, work)}
    common = os.path.commonprefix(keys)  # noqa: RUF071 - keys are texts; cut at a slash below
    folder = common[: common.rfind("/") + 1]
    return {key for columns in list_pages(bucket, folder, work=work) for key in columns.keys}


def _exists(bucket: Bucket, key: str, work: Work) -> bool:
    try:
        head(bucket, key, work=work)
    except NotFound:
        return False
    return True


class _Free:
    """Finds keys that nobody uses, beside those that are taken."""

    def __init__(self, bucket: Bucket, used: set[str], *, whole: bool, work: Work) -> None:
        self._bucket, self._used, self._work = bucket, used, work
        self._whole = whole

    def beside(self, key: str) -> str:
        """Return `name (2).json` for `name.json`, or the next number that is free."""
        folder, _, name = key.rpartition("/")
        stem, dot, suffix = name.partition(".") if not name.startswith(".") else (name, "", "")
        start = f"{folder}/{stem}" if folder else stem
        if not self._whole:
            self._look(f"{start} (")
        number = 2
        while (free := f"{start} ({number}){dot}{suffix}") in self._used:
            number += 1
        self._used.add(free)
        return free

    def _look(self, start: str) -> None:
        """Learn the numbers that are in use: they were no keys of the plan."""
        for columns in list_pages(self._bucket, start, work=self._work):
            self._used.update(columns.keys)
