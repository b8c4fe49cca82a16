"""Values of synchronizations: directions, actions with their reasons, the plan and the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

from core.errors import Cancelled, ErrorKind
from core.objects.deleting import FailedDelete
from core.transfer.plan import RefusedFile
from core.transfer.values import NOTHING_PLANNED, Failure, TransferReport


class SyncDirection(Enum):
    """Which side is changed."""

    UPLOAD = "upload"
    DOWNLOAD = "download"


class SyncCompare(Enum):
    """How files of equal size are compared."""

    HASH = "hash"
    TIME = "time"
    SIZE = "size"


class SyncAction(Enum):
    """What is done with one file of the target."""

    ADD = "add"
    REPLACE = "replace"
    DELETE = "delete"


class SyncReason(Enum):
    """Why an action is planned; the value is the displayed text."""

    MISSING = "the target does not have it"
    SIZE = "the sizes differ"
    CONTENT = "the contents differ"
    UNKNOWN = "the contents cannot be compared, since the object has no hash"
    NEWER = "the source is newer"
    EXTRA = "the source does not have it"


@dataclass(frozen=True, slots=True)
class SyncItem:
    """One planned action.

    Attributes:
        action: what is done.
        reason: why it is done.
        key: the object.
        path: the local file.
        size: bytes that are transferred, or that are deleted.
        etag: the listed ETag of the object, or empty if there is none.
        modified_ns: the modification time of the local file, or 0 if there is none.
    """

    action: SyncAction
    reason: SyncReason
    key: str
    path: str
    size: int
    etag: str = ""
    modified_ns: int = 0


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """All planned actions in the order of keys.

    Attributes:
        direction: which side is changed.
        bucket: the bucket.
        prefix: the prefix in it, empty or with a final slash.
        folder: the local folder.
        items: the actions.
        unchanged: the number of files that are equal on both sides.
        refused: files that can neither be transferred nor compared.
        source_files: the number of files of the source.
        target_files: the number of files of the target before the synchronization.
        recoverable: whether deleted objects can be restored from the trash; None if unknown.
            Deleted local files cannot.
    """

    direction: SyncDirection
    bucket: str
    prefix: str
    folder: str
    items: tuple[SyncItem, ...]
    unchanged: int
    refused: tuple[RefusedFile, ...]
    source_files: int
    target_files: int
    recoverable: bool | None = False

    def count(self, action: SyncAction) -> int:
        """Return the number of planned actions of a kind."""
        return Counter(item.action for item in self.items)[action]

    @property
    def size(self) -> int:
        """The bytes that are transferred."""
        return sum(item.size for item in self.items if item.action is not SyncAction.DELETE)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the operation `transfer.sync`, as plain data."""
        return {
            "direction": self.direction.value,
            "prefix": self.prefix,
            "folder": self.folder,
            "actions": [item.action.value for item in self.items],
            "keys": [item.key for item in self.items],
            "paths": [item.path for item in self.items],
            "sizes": [item.size for item in self.items],
            "etags": [item.etag for item in self.items],
            "modified_ns": [item.modified_ns for item in self.items],
            "refused": [
                [each.path, each.key, f"{each.kind.name}: {each.reason}"] for each in self.refused
            ],
            "source_files": self.source_files,
            "target_files": self.target_files,
        }


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The outcome of a synchronization; every planned deletion is in one of the last three.

    Attributes:
        transfer: the outcome of the added and replaced files.
        keys: the objects of these files, by their numbers in `transfer`.
        refused: files that cannot be transferred.
        deleted: the keys that were deleted, or whose local files were.
        failed: deletions that failed.
        left: deletions that were not tried, each with the reason.
    """

    transfer: TransferReport = NOTHING_PLANNED
    keys: tuple[str, ...] = ()
    refused: tuple[Failure, ...] = ()
    deleted: tuple[str, ...] = ()
    failed: tuple[FailedDelete, ...] = ()
    left: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> ErrorKind | None:
        """The kind of the failures, or None if everything succeeded."""
        if self.transfer.kind is not None:
            return self.transfer.kind
        if self.refused:
            return self.refused[0].kind
        if self.failed:
            return _kind_of(self.failed[0])
        return ErrorKind.CONFLICT if self.left else None


class SyncCancelled(Cancelled):
    """A synchronization was cancelled; `report` has what was done until then."""

    def __init__(self, summary: str, report: SyncReport = SyncReport()) -> None:
        super().__init__(summary)
        self.report = report


def _kind_of(failed: FailedDelete) -> ErrorKind:
    """Return the kind of a failed deletion, whose code is of S3 or the name of a kind."""
    if failed.code == "AccessDenied":
        return ErrorKind.ACCESS_DENIED
    return ErrorKind.__members__.get(failed.code, ErrorKind.SERVICE)
