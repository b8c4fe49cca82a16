"""The effect of a failed action: nothing was changed, or it is unknown after a lost answer.

Each attempt of a request that changes something is noted where it is sent (`note_attempt`). An
action that is marked with `states_effect` derives one sentence from them and adds it to the error,
which the window and the command line show: a failed save says that nothing was saved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import ParamSpec, TypeVar

from core.errors import NOTHING_CHANGED, StorageError

#: The beginning of all effects without a change; they are written here and as literals of errors.
_NOTHING = "Nothing was "
#: The effects of errors that are raised before the request that they prevent.
_OF_CHECKS = frozenset((NOTHING_CHANGED, "Nothing was sent."))
P = ParamSpec("P")
R = TypeVar("R")

#: No operation of AWS: the block itself sets what it has made.
BY_HAND = ""
_thread = threading.local()
#: The action of the process, for example a command: it counts the requests of all threads.
_process: list[Attempts] = []


class Result(Enum):
    """What an attempt of a changing request has done, as far as its answer shows."""

    NOTHING = "nothing"
    CHANGE = "change"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Attempts:
    """The outcomes of the requests of one action that make its change."""

    decisive: Collection[str]
    made: bool = False
    #: The number of those whose results are not known.
    unknown: int = 0

    def take(self, operation: str, result: Result) -> None:
        """Count one attempt."""
        if not self.decisive or operation in self.decisive:
            self.made |= result is Result.CHANGE
            self.unknown += result is Result.UNKNOWN


@contextmanager
def counting_attempts(decisive: Collection[str] = ()) -> Iterator[Attempts]:
    """Yield the attempts of the requests that this thread sends in the block.

    Args:
        decisive: the operations that count, by AWS's names; by default all that change something.
    """
    attempts = Attempts(decisive)
    before: list[Attempts] = getattr(_thread, "actions", [])
    _thread.actions = [*before, attempts]
    try:
        yield attempts
    finally:
        _thread.actions = before


@contextmanager
def stating_effect(done: str, decisive: Collection[str] = ()) -> Iterator[Attempts]:
    """Add the effect of the block to an error that it raises, for example "Nothing was saved.".

    Args:
        done: the participle of the action, for example `saved`.
        decisive: the operations that make the change, by AWS's names; by default all that change
            something. `BY_HAND` for none.

    Yields:
        The attempts so far; set `made` for a change that is no request to AWS.
    """
    with counting_attempts(decisive) as attempts:
        try:
            yield attempts
        except StorageError as error:
            if attempts.made or attempts.unknown or is_nothing(error.effect):
                error.effect = _sentence(attempts, done)
            raise


@contextmanager
def stating_effect_of_process(changes: Callable[[], bool]) -> Iterator[None]:
    """Add the effect to an error of the process, unless an action inside did.

    Args:
        changes: returns whether the process changes something; it is called after an error only.
    """
    attempts = Attempts(())
    _process.append(attempts)
    try:
        yield
    except StorageError as error:
        stated = error.effect
        if stated in _OF_CHECKS and (attempts.made or attempts.unknown):
            stated = ""  # earlier requests have changed something
        if not stated and changes():
            error.effect = _sentence(attempts, "changed")
        raise
    finally:
        _process.remove(attempts)


@contextmanager
def not_counting_attempts() -> Iterator[None]:
    """Count no request that this thread sends in the block: it changes nothing of the user's."""
    before: bool = getattr(_thread, "hidden", False)
    _thread.hidden = True
    try:
        yield
    finally:
        _thread.hidden = before


def states_effect(
    done: str, decisive: Collection[str] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that runs a function inside `stating_effect`."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def stating(*args: P.args, **kwargs: P.kwargs) -> R:
            with stating_effect(done, decisive):
                return function(*args, **kwargs)

        stating.done = done  # type: ignore[attr-defined] # read by the test of all operations
        return stating

    return decorated


@contextmanager
def attaching_partial(result: Callable[[], object]) -> Iterator[None]:
    """Attach the result so far to an error of the block, as `StorageError.partial`.

    Args:
        result: returns what an operation without an error would return, for the part that is done.
    """
    try:
        yield
    except StorageError as error:
        error.partial = result()
        raise


def note_attempt(operation: str, result: Result) -> None:
    """Count an attempt of a changing request for the actions that this thread is in.

    Args:
        operation: AWS's name of the operation, for example `PutObject`.
        result: what the attempt has done.
    """
    if getattr(_thread, "hidden", False):
        return
    for action in (*getattr(_thread, "actions", ()), *_process):
        action.take(operation, result)


def is_nothing(effect: str) -> bool:
    """Return whether the effect of an error is that nothing was changed, or is not stated.

    Args:
        effect: `StorageError.effect`; all texts of other effects report a change, or a lost answer.
    """
    return not effect or effect.startswith(_NOTHING)


def _sentence(attempts: Attempts, done: str) -> str:
    if attempts.made:
        return f"It was not completed, but a part was {done}. Refresh to see what."
    if attempts.unknown:
        return f"The answer was lost, so it may have been {done} all the same. Refresh to see."
    return f"{_NOTHING}{done}."
