"""Repeated reading of an object until it passes a check, since damage may occur in transit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.backup.store import Store
from core.errors import Corrupt
from core.work import Work

T = TypeVar("T")

#: Pauses before the further attempts, in seconds.
PAUSES: tuple[float, ...] = (0.1, 0.4)


def read_checked(store: Store, key: str, check: Callable[[bytes], T], work: Work) -> T:
    """Read an object and return the result of `check`; a failed check repeats the read.

    Args:
        store: The store of the object.
        key: Its key.
        check: Returns a value, or raises `Corrupt` for damaged bytes.
        work: Cancel token.

    Raises:
        Corrupt: Every attempt returned damaged bytes.
        StorageError: The object cannot be read.
    """
    for pause in PAUSES:
        try:
            return check(store.read(key, work=work))
        except Corrupt:
            work.token.wait(pause)
    return check(store.read(key, work=work))
