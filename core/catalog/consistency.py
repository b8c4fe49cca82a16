"""Reading of a catalogue whose files another process may replace at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.catalog.manifest import CatalogFolder
from core.errors import LocalIOError

T = TypeVar("T")
M = TypeVar("M")
#: The identity of a manifest.
Stamp = tuple[int, int]
#: How often a catalogue is read again whose segments are replaced at the same moment.
_ATTEMPTS = 10


def read_consistently(
    folder: CatalogFolder, manifest: Callable[[], M], read: Callable[[M], tuple[T, bool]]
) -> tuple[T, bool, Stamp | None]:
    """Read a catalogue, and again if a refresh has replaced its segments in the meantime.

    Args:
        folder: the folder of the catalogue.
        manifest: returns its present manifest.
        read: returns what it has read, and whether segments are missing or damaged.

    Returns:
        Both, and the identity of the manifest that was read.

    Raises:
        LocalIOError: a segment cannot be read.
    """
    import duckdb

    attempts = 0
    while True:
        attempts += 1
        # In this order the next call notices a refresh that ends between the two.
        stamp, present = folder.stamp(), manifest()
        last = attempts == _ATTEMPTS
        try:
            found, damaged = read(present)
        except (duckdb.IOException, LocalIOError):
            if last or stamp == folder.stamp():
                raise
            continue
        if last or not damaged or stamp == folder.stamp():
            return found, damaged, stamp
