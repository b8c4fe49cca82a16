"""Local names for many keys at once, so that no two of them share a place.

S3 knows no folders: it can hold both `data` and `data/a.csv`, objects named like folders, and
`a.txt` beside `A.txt`. A file system may not. Each object then gets a clear name of its own, and
the report says which.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from core.objects.names import safe_segments

#: What is appended to an object that has the name of a folder.
_OBJECT = ".object"
Fold = Callable[[str], str]


def local_paths(root: Path, names: Sequence[str], sizes: Sequence[int]) -> list[Path | None]:
    """Return for each name its path below `root`; None for a folder marker, which has no content.

    The paths depend on the names alone, so that a later run finds the files of an earlier one.

    Args:
        root: the folder; it exists.
        names: keys, or what of them is below the folder shown.
        sizes: their sizes in bytes, as many.
    """
    segments = [_segments(name, size) for name, size in zip(names, sizes, strict=True)]
    loose = _Places(segments, _fold_everything)
    if loose.distinct:  # no two are alike on any file system: there is nothing to find out
        return [root.joinpath(*each) if each else None for each in segments]
    places = _Places(segments, fold_of(root))
    order = sorted(range(len(names)), key=lambda number: names[number])
    found: list[Path | None] = [None] * len(names)
    for number in order:
        if parts := segments[number]:
            found[number] = root.joinpath(*places.taken_by(parts))
    return found


def fold_of(folder: Path) -> Fold:
    """Return what the file system of a folder does to names before it compares them.

    It is tried out, since the same system can have file systems of both kinds.
    """
    probe = f".strongroom-probe-{uuid4().hex[:8]}"
    case = _same(folder, f"{probe}-a", f"{probe}-A")
    form = _same(folder, f"{probe}-\u00e9", f"{probe}-e\u0301")

    def fold(name: str) -> str:
        name = unicodedata.normalize("NFC", name) if form else name
        return name.casefold() if case else name

    return fold


def _same(folder: Path, name: str, other: str) -> bool:
    path = folder / name
    try:
        path.touch(exist_ok=False)
        return (folder / other).exists()
    except OSError:
        return True  # unknown: be careful
    finally:
        with suppress(OSError):
            path.unlink()


def _fold_everything(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _segments(name: str, size: int) -> tuple[str, ...]:
    """Return the path of a name; an object with content and a slash at its end is a file, too."""
    marker = size == 0 and (not name or name.endswith("/"))
    return () if marker else safe_segments(name)


class _Places:
    """The places below a folder that are taken, as a file system compares them."""

    def __init__(self, paths: Sequence[tuple[str, ...]], fold: Fold) -> None:
        self._fold = fold
        self._folders: set[str] = set()
        self._natural: set[str] = set()
        self._used: set[str] = set()
        self.distinct = True
        for parts in filter(None, paths):
            folded = self._folded(parts)
            self.distinct &= folded not in self._natural
            self._natural.add(folded)
            self._folders.update(self._folded(parts[:depth]) for depth in range(1, len(parts)))
        self.distinct &= self._natural.isdisjoint(self._folders)

    def taken_by(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return a free place for an object: its own, or one with a clear other name."""
        folded = self._folded(parts)
        if folded not in self._used and folded not in self._folders:
            self._used.add(folded)
            return parts
        beside, number = parts[-1], 1
        if folded in self._folders:
            beside += _OBJECT
        while True:
            place = (*parts[:-1], beside if number == 1 else _numbered(beside, number))
            number += 1
            folded = self._folded(place)
            if folded not in self._used | self._folders | self._natural:
                self._used.add(folded)
                return place

    def _folded(self, parts: tuple[str, ...]) -> str:
        return "/".join(map(self._fold, parts))


def _numbered(name: str, number: int) -> str:
    """Return `a (2).txt` for `a.txt`."""
    path = Path(name)
    return f"{path.stem} ({number}){path.suffix}"
