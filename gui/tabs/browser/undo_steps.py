"""The changes that Ctrl+Z undoes, last one first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import StorageError
from gui.tabs.base import Tab

#: How many changes, and how many objects in total, can be undone: their versions are retained.
_STEPS, _OBJECTS = 50, 200_000
#: What is shown after a cancel whose result has not arrived, since the engine had to be ended.
NOT_KNOWN = "What was done until then, if anything, is not known. Refresh to see it."
NOTHING_TO_UNDO = "Nothing that can be undone was changed since the program started."

Failed = Callable[[StorageError], object]


@dataclass(frozen=True, slots=True)
class UndoStep:
    """One change that can be undone.

    Attributes:
        objects: the number of its objects.
        run: undoes it; the function that it gets is called with an error.
    """

    objects: int
    run: Callable[[Failed], object]


class UndoSteps:
    """The steps of one bucket."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._steps: list[UndoStep] = []

    def clear(self) -> None:
        """Forget all steps, since another bucket is shown."""
        self._steps.clear()

    def push(self, step: UndoStep) -> None:
        """Add the newest step; the oldest ones are dropped if there are too many."""
        if step.objects:
            self._steps.append(step)
        while len(self._steps) > 1 and (
            len(self._steps) > _STEPS or sum(each.objects for each in self._steps) > _OBJECTS
        ):
            del self._steps[0]

    def reason_not_to_undo(self) -> str:
        """Return why nothing can be undone now, or an empty text."""
        return self._tab.context.locked_reason or ("" if self._steps else NOTHING_TO_UNDO)

    def undo(self) -> None:
        """Undo the newest step (Ctrl+Z); after a failure it can be undone again."""
        if self.reason_not_to_undo():
            return
        step = self._steps.pop()

        def failed(error: StorageError) -> None:
            self._steps.append(step)
            self._tab.show_error(error, self.undo if error.retryable else None)

        step.run(failed)
