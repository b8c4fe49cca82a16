"""What a worker thread makes of the result of a task, so that the window need not compute it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.engine.changes import OperationCall
from core.engine.operations import changes_made
from core.errors import StorageError
from core.model.change import Change
from core.work import Work


class Outcome:
    """The result of one run of a task: the changes that it made, and the value for its callbacks.

    Describing the changes of 200,000 objects takes 100 ms.
    """

    def __init__(
        self,
        fn: Callable[[Work], Any],
        call: OperationCall | None,
        prepare: Callable[[Any], Any] | None,
    ) -> None:
        """Prepare a run.

        Args:
            fn: what the task does.
            call: the operation that it runs, from which its changes are described; None without.
            prepare: makes the value for the callbacks of its result; None for the result itself.
        """
        self._fn, self._call, self._prepare = fn, call, prepare
        self._changes: tuple[Change, ...] = ()
        self._value: Any = None
        self._problem: Exception | None = None

    def run(self, work: Work) -> Any:
        """Run the task in a worker thread, and describe its result or partial result.

        Raises:
            StorageError: the error of the task.
        """
        try:
            result = self._fn(work)
        except StorageError as error:
            if error.partial is not None:
                self._describe(error.partial)
            raise
        self._describe(result)
        return result

    @property
    def value(self) -> Any:
        """The value for the callbacks; None after an error without a partial result."""
        return self._value

    def changes(self) -> tuple[Change, ...]:
        """Return the changes that the operation has made.

        Raises:
            Exception: they could not be described, which is a bug.
        """
        if self._problem is not None:
            raise self._problem
        return self._changes

    def _describe(self, result: Any) -> None:
        self._value = result
        try:
            if self._call is not None:
                self._changes = changes_made(self._call, result)
            if self._prepare is not None:
                self._value = self._prepare(result)
        except Exception as error:  # noqa: BLE001 - raised by `changes`: the operation has ended all the same
            self._problem = error
