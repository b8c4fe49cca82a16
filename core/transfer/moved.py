"""What a move leaves for its undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from core.objects.lost_answers import LostAnswers, unanswered_text
from core.objects.undo_delete import LostDeletion
from core.transfer.values import TransferReport


@dataclass(frozen=True, slots=True)
class MovedObject:
    """What the undo of one move needs.

    Attributes:
        key: the former key.
        marker: the version id of the delete marker that hides it; empty if it was deleted
            permanently, or if the marker is not known.
        target: the key of the copy.
        etag: the ETag of the copy; empty if the copy existed before the move or is not known.
        version_id: the version of the copy; empty in a bucket without versions.
        source_etag: the ETag of the object under its former key.
        size: its size in bytes.
        removed: whether it is known that the object no longer exists under its former key.
        lost: the requests to delete it whose answers never came; None if there is none.
        lost_copy: the requests to copy it whose answers never came; None if there is none.
    """

    key: str
    marker: str
    target: str
    etag: str = ""
    version_id: str = ""
    source_etag: str = ""
    size: int = 0
    removed: bool = True
    lost: LostAnswers | None = None
    lost_copy: LostAnswers | None = None

    @property
    def certain(self) -> bool:
        """Whether the answers of the server show what became of the object."""
        return self.removed and self.lost is None

    @property
    def deletion(self) -> LostDeletion:
        """The deletion to be looked up."""
        markers = (self.marker,) if self.marker else ()
        return LostDeletion(self.key, self.source_etag, self.size, self.lost, markers)


@dataclass(frozen=True, slots=True)
class MoveReport(TransferReport):
    """The report of a move, with what its undo needs.

    Attributes:
        moved: the objects that were moved.
        unfinished: the objects that were copied, or may have been, and are not known to be removed.
    """

    moved: tuple[MovedObject, ...] = ()
    unfinished: tuple[MovedObject, ...] = ()

    @classmethod
    def of(
        cls,
        report: TransferReport,
        moved: Sequence[MovedObject],
        unfinished: Sequence[MovedObject] = (),
    ) -> MoveReport:
        """Return the report of a transfer, completed by its objects."""
        values = {each.name: getattr(report, each.name) for each in fields(TransferReport)}
        return cls(**values, moved=tuple(moved), unfinished=tuple(unfinished))

    @property
    def undoable(self) -> tuple[MovedObject, ...]:
        """The objects that an undo restores or inspects."""
        moved = tuple(each for each in self.moved if each.marker or not each.certain)
        return moved + self.unfinished

    @property
    def unanswered(self) -> tuple[MovedObject, ...]:
        """The objects of which it is not known whether they were deleted."""
        return tuple(each for each in self.unfinished if each.lost is not None)

    @property
    def unanswered_copies(self) -> tuple[MovedObject, ...]:
        """The objects of which it is not known whether they were copied; they were not deleted."""
        found = (each for each in self.unfinished if each.lost is None and not each.etag)
        return tuple(each for each in found if each.lost_copy is not None)

    def unanswered_text(self) -> str:
        """Return for example `2 deletions and 1 copy were not answered`; empty if there is none."""
        return unanswered_text(len(self.unanswered), len(self.unanswered_copies))
