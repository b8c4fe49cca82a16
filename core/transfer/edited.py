"""The outcome of a change of properties of many objects, and what its undo needs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from core.errors import ErrorKind
from core.model.upload_options import Pairs
from core.objects.lost_answers import LostAnswers
from core.objects.properties import ObjectProperties, PropertyValues
from core.transfer.values import Failure
from core.units import format_counted


@dataclass(frozen=True, slots=True)
class LostCopy:
    """Copies of an object onto itself of which at least one answer never came.

    Attributes:
        before: the properties of the object before.
        wanted: the values that the copies were to set.
        lost: the requests without answers.
    """

    before: ObjectProperties
    wanted: PropertyValues
    lost: LostAnswers


@dataclass(frozen=True, slots=True)
class EditedObject:
    """What the undo of the change of one object needs.

    Attributes:
        key: the object.
        version_id: the new version; empty if there is none.
        copied: whether the object was copied onto itself.
        before: the former tags if they were replaced in the present version, else None.
        after: the tags that replaced them.
        answered: whether it is known that the object was changed.
        lost_copy: the copies of which answers are missing; None if there are none.
    """

    key: str
    version_id: str = ""
    copied: bool = False
    before: Pairs | None = None
    after: Pairs = ()
    answered: bool = True
    lost_copy: LostCopy | None = None

    @property
    def undoable(self) -> bool:
        """Whether an undo returns to exactly the former state, or looks for a change to undo."""
        return bool(self.version_id) or not self.copied or not self.answered


@dataclass(frozen=True, slots=True)
class EditReport:
    """Outcome of a change; each key is in one of `changed`, `unchanged`, `failed` and `cancelled`.

    Attributes:
        changed: the objects that have the new properties.
        unchanged: the keys of those that already had them.
        failed: the objects that could not be changed completely, with their numbers in the order.
        partly: what was changed of objects in `failed` and `cancelled`.
        cancelled: the keys of those that were not tried, or not completely, before a cancel.
        unanswered: the changes of objects in `failed` and `cancelled` of which it is not known
            whether they were made.
    """

    changed: tuple[EditedObject, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    partly: tuple[EditedObject, ...] = ()
    cancelled: tuple[str, ...] = ()
    unanswered: tuple[EditedObject, ...] = ()

    @property
    def planned(self) -> int:
        """The number of objects that were to be changed."""
        ended = len(self.changed) + len(self.unchanged) + len(self.failed)
        return ended + len(self.cancelled)

    @property
    def kind(self) -> ErrorKind | None:
        """The most frequent kind of failure, or the first of several; None without a failure."""
        counts = Counter(failure.kind for failure in self.failed)
        return counts.most_common(1)[0][0] if counts else None

    @property
    def undoable(self) -> tuple[EditedObject, ...]:
        """The changes that can be undone, and those that an undo inspects."""
        found = (*self.changed, *self.partly, *self.unanswered)
        return tuple(each for each in found if each.undoable)

    def unanswered_text(self) -> str:
        """Return for example `2 changes were not answered`; empty if there is none."""
        number = len(self.unanswered)
        verb = "was" if number == 1 else "were"
        return f"{format_counted(number, 'change')} {verb} not answered" if number else ""
