"""Local names for many keys at once, so that no two of them share a place.

S3 knows no folders: it can hold both `data` and `data/a.csv`, objects named like folders, and
`a.txt` beside `A.txt`. A file system may not. Each object then gets a clear name of its own, and
the report says which.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
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
    natural = _safe_names(names, sizes)
    if not _collide(natural):
        return [root / each if each else None for each in natural]
    places = _Places(natural, fold_of(root))
    found: list[Path | None] = [None] * len(names)
    for number in sorted(range(len(names)), key=lambda number: names[number]):
        if natural[number]:
            found[number] = root / places.taken_by(natural[number])
    return found


def _safe_names(names: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """Return the names as the file system takes them; empty for folder markers.

    An object with content and a slash at its end is a file, too.
    """
    known: dict[str, str] = {}  # most keys share most of their folders

    def safe(segment: str) -> str:
        if segment not in known:
            known[segment] = safe_segments(segment)[0]
        return known[segment]

    return [
        "/".join(map(safe, name.split("/"))) if size or (name and name[-1] != "/") else ""
        for name, size in zip(names, sizes, strict=True)
    ]


def _collide(names: Sequence[str]) -> bool:
    """Whether two of the names share a place on some file system."""
    places = _Places(names, _fold_everything)
    return len(places.natural) < sum(map(bool, names)) or bool(places.natural & places.folders)


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


class _Places:
    """The places below a folder that are taken, as a file system compares them."""

    def __init__(self, names: Sequence[str], fold: Fold) -> None:
        self._fold = fold
        self.natural = {fold(name) for name in names if name}
        self.folders = _folders_of(self.natural)
        self._used: set[str] = set()

    def taken_by(self, name: str) -> str:
        """Return a free place for an object: its own, or one with a clear other name."""
        folded = self._fold(name)
        if folded not in self._used and folded not in self.folders:
            self._used.add(folded)
            return name
        beside = name + _OBJECT if folded in self.folders else name
        number, place = 1, beside
        while self._is_taken(self._fold(place)):
            number += 1
            place = _numbered(beside, number)
        self._used.add(self._fold(place))
        return place

    def _is_taken(self, folded: str) -> bool:
        return folded in self._used or folded in self.folders or folded in self.natural


def _folders_of(names: Iterable[str]) -> set[str]:
    """Return all folders on the way to the names."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _numbered(name: str, number: int) -> str:
    """Return `x/a (2).txt` for `x/a.txt`."""
    folder, slash, last = name.rpartition("/")
    path = Path(last)
    return f"{folder}{slash}{path.stem} ({number}){path.suffix}"
