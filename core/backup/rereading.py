"""Reading an object until it passes its check: damage on the way is not damage in the bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.backup.store import Store
from core.errors import Corrupt
from core.work import Work

T = TypeVar("T")

#: Seconds before each further attempt.
PAUSES: tuple[float, ...] = (0.1, 0.4)


def read_checked(store: Store, key: str, check: Callable[[bytes], T], work: Work) -> T:
    """Return what `check` makes of an object's bytes, reading again while it refuses them.

    Args:
        store: Where the object lies.
        key: Its key.
        check: Returns a value, or raises `Corrupt` for bytes that are not as they were written.
        work: Cancel token.

    Raises:
        Corrupt: Every attempt gave damaged bytes.
        StorageError: The object cannot be read.
    """
    for pause in PAUSES:
        try:
            return check(store.read(key, work=work))
        except Corrupt:
            work.token.wait(pause)
    return check(store.read(key, work=work))
