"""Plan of a synchronization: what is added, replaced and deleted so that a target equals a source.

One side is a local folder, the other a prefix of the bucket. The target is changed, never the
source. The plan only reads: it lists both sides, and compares files of equal size by a hash that is
stored with the object, or by their times.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.errors import InvalidInput
from core.layout.key_checks import check_key
from core.model.name_filter import NameFilter
from core.objects.bucket import HasBucket
from core.objects.versioning import versioning
from core.transfer.attempts import work_with_budget
from core.transfer.local_names import local_paths
from core.transfer.plan import RefusedFile, folder_prefix
from core.transfer.sources import Sources, check_folder, find_sources_below
from core.transfer.sync_sides import (
    ListedObject,
    LocalFile,
    Pair,
    Sides,
    raise_unreadable,
)
from core.transfer.sync_values import (
    SyncAction,
    SyncCompare,
    SyncDirection,
    SyncItem,
    SyncPlan,
    SyncReason,
)
from core.work import Work, default_work


def plan_sync(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    folder: str,
    prefix: str,
    direction: str,
    compare: str = SyncCompare.HASH.value,
    delete: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> SyncPlan:
    """Return what a synchronization would do (operation `transfer.plan_sync`); nothing is changed.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress and retry budget.
        folder: the local folder; for a download it may not exist yet.
        prefix: the prefix, with or without a final slash; empty is the complete bucket.
        direction: a value of `SyncDirection`.
        compare: a value of `SyncCompare`.
        delete: whether to delete files of the target that the source does not have.
        include: patterns of names below the folder and prefix; see `NameFilter`.
        exclude: patterns of names that are neither transferred nor deleted.

    Raises:
        NotFound: the source folder or the bucket does not exist.
        InvalidInput: the path is not a folder, or the prefix is not valid in a key.
        StorageError: a listing or a comparison was denied or failed.
        Cancelled: the token of `work` was cancelled.
    """
    work = work_with_budget(default_work(work))
    sides = Sides(
        workspace.bucket,
        # As it is: the folder “/data/” is not “data/”, in which objects might be deleted.
        folder_prefix(prefix),
        Path(folder).absolute(),
        SyncCompare(compare),
        NameFilter(tuple(include), tuple(exclude)),
        work,
    )
    plan = _plan_upload if SyncDirection(direction) is SyncDirection.UPLOAD else _plan_download
    return plan(sides, delete=delete)


def _plan_upload(sides: Sides, *, delete: bool) -> SyncPlan:
    sources = find_sources_below(sides.folder, work=sides.work)
    objects = sides.objects()
    rows, refused = _sendable(sides, sources)
    pairs = [Pair(sides.prefix + name, path, file, objects.get(name)) for name, path, file in rows]
    compared = sides.compared(pairs, SyncDirection.UPLOAD)
    items = compared.items
    if delete:
        extra = _extra(objects, {name for name, _, _ in rows}, sources)
        items += [_deleted_object(sides, name, objects[name]) for name in extra]
    return SyncPlan(
        direction=SyncDirection.UPLOAD,
        bucket=sides.bucket.name,
        prefix=sides.prefix,
        folder=str(sides.folder),
        items=tuple(sorted(items, key=lambda item: item.key)),
        unchanged=compared.unchanged,
        refused=(*refused, *compared.refused),
        source_files=len(rows),
        target_files=len(objects),
        recoverable=versioning(sides.bucket, work=sides.work) if delete else False,
    )


def _sendable(
    sides: Sides, sources: Sources
) -> tuple[list[tuple[str, str, LocalFile]], list[RefusedFile]]:
    """Return name, path and properties of the files to compare, and the refused ones."""
    columns = zip(sources.names, sources.paths, sources.sizes, sources.modified, strict=True)
    rows: list[tuple[str, str, LocalFile]] = []
    refused = [
        RefusedFile(path, sides.prefix + name, why.kind, why.reason)
        for path, name, why in sources.refused
        if _concerns(sides.names, path, name)
    ]
    for name, path, size, modified in columns:
        if not sides.names.matches(name):
            continue
        try:
            check_key(sides.prefix + name)
        except InvalidInput as error:
            reason = error.cause.rstrip(".")
            refused.append(RefusedFile(path, sides.prefix + name, error.kind, reason))
            continue
        rows.append((name, path, LocalFile(size, int(modified * 1e9))))
    return rows, refused


def _concerns(names: NameFilter, path: str, name: str) -> bool:
    """Return whether a refused file, or a folder that cannot be read, may be part of the source.

    Raises:
        LocalIOError: the folder of the source itself cannot be read.
    """
    if not name:
        raise_unreadable(PermissionError(0, "The folder cannot be read", path))
    if not os.path.isdir(path):  # noqa: PTH112 - a path may contain any bytes
        return names.matches(name)
    # The names below it are unknown, so no pattern of `include` can rule them out.
    return not names.excludes(name) and not names.excludes(f"{name}/")


def _extra(objects: Iterable[str], names: set[str], sources: Sources) -> list[str]:
    """Return the names of objects whose files do not exist.

    A refused file exists, and a folder that cannot be read may contain any file: neither proves
    that an object is extra.
    """
    refused = {name for _, name, _ in sources.refused}
    below = tuple(f"{name}/" for name in refused)
    return [
        name
        for name in objects
        if name not in names and name not in refused and not name.startswith(below)
    ]


def _deleted_object(sides: Sides, name: str, found: ListedObject) -> SyncItem:
    path = str(sides.folder / name)
    key = sides.prefix + name
    return SyncItem(SyncAction.DELETE, SyncReason.EXTRA, key, path, found.size, found.etag)


def _plan_download(sides: Sides, *, delete: bool) -> SyncPlan:
    exists = sides.folder.exists()
    if exists:
        check_folder(sides.folder)
    objects = sides.objects()
    files = sides.files() if exists else {}
    places = _local_names(sides.folder, objects)
    pairs = [
        Pair(sides.prefix + name, str(sides.folder / local), files.get(local), objects[name])
        for name, local in places.items()
    ]
    compared = sides.compared(pairs, SyncDirection.DOWNLOAD)
    items = compared.items
    if delete:
        extra = sorted(files.keys() - {*places.values()})
        items += [_deleted_file(sides, name, files[name]) for name in extra]
    return SyncPlan(
        direction=SyncDirection.DOWNLOAD,
        bucket=sides.bucket.name,
        prefix=sides.prefix,
        folder=str(sides.folder),
        items=tuple(sorted(items, key=lambda item: item.key)),
        unchanged=compared.unchanged,
        refused=tuple(compared.refused),
        source_files=len(objects),
        target_files=len(files),
    )


def _local_names(folder: Path, objects: dict[str, ListedObject]) -> dict[str, str]:
    """Return the local name of each object, relative to the folder.

    A name depends on all others, since two keys may have the same name on a disk. The download gets
    these names, because it only transfers some of the objects.
    """
    # The folder is only created by the transfer; its parents are on the same disk.
    root = next(each for each in (folder, *folder.parents) if each.is_dir())
    names = sorted(objects)
    paths = local_paths(root, names, [objects[name].size for name in names])
    return {
        name: path.relative_to(root).as_posix()
        for name, path in zip(names, paths, strict=True)
        if path is not None
    }


def _deleted_file(sides: Sides, name: str, file: LocalFile) -> SyncItem:
    return SyncItem(
        SyncAction.DELETE,
        SyncReason.EXTRA,
        sides.prefix + name,
        str(sides.folder / name),
        file.size,
        modified_ns=file.modified_ns,
    )
