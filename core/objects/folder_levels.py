"""The folders of a bucket, from the levels above the last key of its first page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise

from core.objects.key_ranges import KeyRange, PageRequest, chosen_rows, text_before
from core.objects.pages import Columns

#: Maximum number of levels that are listed.
_DEPTH = 7
#: Folders of which a page has more than this are too small to be ranges.
_SMALL_FOLDERS = 2
#: Number of ranges that are sufficient.
_ENOUGH = 8


class FolderLevels:
    """The levels above a key, each in the former one, which are requested at the same time.

    Attributes:
        start: the range of the complete prefix, whose listing goes on in the meantime.
        listed: the keys of its pages.
    """

    def __init__(self, start: KeyRange, keys: list[str]) -> None:
        """Choose the levels for the first page of a range."""
        self.start = start
        self.listed = list(keys)
        self._levels = levels_of(start.prefix, keys)
        self._similar, self._small = large_levels(self._levels, keys)
        self._found: dict[str, tuple[Columns, bool]] = {}

    @property
    def useful(self) -> bool:
        """Whether there is a folder in which others may follow."""
        return len(self._levels) > 1

    def requests(self) -> list[PageRequest]:
        """Return the requests for the levels."""
        return [PageRequest(level, delimiter="/") for level in self._levels]

    def add(self, level: str, columns: Columns, *, complete: bool) -> bool:
        """Add an answer and return whether it was the last one.

        Args:
            level: the requested level.
            columns: its folders and objects.
            complete: whether these are all.
        """
        self._found[level] = columns, complete
        return len(self._found) == len(self._levels)

    def divide(self) -> tuple[list[KeyRange], list[Columns]]:
        """Return ranges of the folders that are not listed, and the objects beside the folders.

        The range `start` is limited to the folder of its last key. The server may list in any order
        that does not leave a folder and return to it.
        """
        beside, ranges, known = list[Columns](), list[KeyRange](), set(self.listed)
        for level in self._levels:
            columns, complete = self._found[level]
            current = folder_in(level, self.start.last)
            if not complete or current not in columns.folders or len(ranges) >= _ENOUGH:
                break
            listed = {folder_in(level, key) for key in known}
            new = [KeyRange(folder) for folder in columns.folders if folder not in listed]
            beside.append(chosen_rows(columns, [key not in known for key in columns.keys]))
            ranges, self.start.within = new + ranges, current
        return ranges, beside

    def template(self, parent: str) -> tuple[list[str], int]:
        """Return where the folder of the first key has folders, and its estimated number of pages.

        Args:
            parent: the level that the folder is in.

        Returns:
            Texts relative to the folder, in order, with keys on both sides of each.
        """
        inside = [level for level in self._similar if len(level) > len(parent)]
        texts, pages = list[str](), 1.0
        for level in inside:
            folders = self._found[level][0].folders
            befores = [text_before(folder[:-1], level) for folder in folders[1:]]
            texts += [text[len(inside[0]) :] for text in befores if text is not None]
            pages *= max(1, len(folders))
        return sorted(texts), int(pages / self._small)

    def inner(self, parent: str) -> list[str]:
        """Return the levels inside a folder of `parent`, relative to it: its own is empty."""
        inside = [level for level in self._similar if len(level) > len(parent)]
        return [level[len(inside[0]) :] for level in inside]


class FolderNames:
    """The names in folders, which show the texts that every server places between the same keys.

    S3 places `a-b/x` before `a/x`, and a server that lists folder by folder places it after it. So
    `a/5` divides the keys alike if no name continues `a` with a character before the slash.
    """

    def __init__(self) -> None:
        #: The folders (as keys) and all names of each level, relative to it and in order.
        self._levels: dict[str, tuple[dict[str, None], list[str]]] = {}
        #: The same names in the order of S3, in which a folder is placed by its name with the
        #: slash.
        self._as_keys: dict[str, list[str]] = {}
        #: The folder of each requested level without an answer.
        self._awaited: dict[str, str] = {}
        self._inner: dict[str, list[str]] = {}
        self._texts: dict[str, list[str]] = {}

    def requests(self, home: str, inner: list[str]) -> list[PageRequest]:
        """Return the requests for levels of a folder, unless they were already returned.

        Args:
            home: the folder.
            inner: the levels, relative to it.
        """
        if home in self._inner:
            return []
        self._inner[home] = inner
        missing = [home + each for each in inner if home + each not in self._levels]
        self._awaited |= dict.fromkeys(missing, home)
        return [PageRequest(level, delimiter="/") for level in missing]

    def awaits(self, home: str) -> bool:
        """Return whether names in a folder were requested and have not arrived."""
        return home in self._awaited.values()

    def add(self, level: str, columns: Columns, *, complete: bool) -> str | None:
        """Use the answer for a level, and return the folder of which it is the last one.

        Args:
            level: the level.
            columns: its folders and objects.
            complete: whether these are all.
        """
        home = self._awaited.pop(level, None)
        if complete:
            start = len(level)
            folders = [folder[start:-1] for folder in columns.folders]
            names = sorted([*folders, *(key[start:] for key in columns.keys)])
            self._levels[level] = dict.fromkeys(sorted(folders)), names
            keys = [f"{folder}/" for folder in folders] + [key[start:] for key in columns.keys]
            self._as_keys[level] = sorted(keys)
        return None if home is None or self.awaits(home) else home

    def texts(self, home: str) -> list[str]:
        """Return ascending texts between the folders of a folder, which every server places alike.

        There are none before all levels of it are known.
        """
        if home not in self._inner or self.awaits(home):
            return []
        if home not in self._texts:
            found = list[str]()
            for level in [home + each for each in self._inner[home] if home + each in self._levels]:
                befores = [
                    text_before(level + name, level) for name in list(self._levels[level][0])[1:]
                ]
                found += [text for text in befores if text and self._is_agreed(home, text)]
            self._texts[home] = sorted(found)
        return self._texts[home]

    def only_folder(self, after: str, until: str | None) -> str | None:
        """Return the folder that contains all keys after one text and up to another in any order.

        Its pages end with it, and those of the range with keys of the next one. None if no such
        folder is known: `run-2~` to `run1~` has the folder `run` too in S3, but not by folders.
        """
        level, start = _level_above(after), len(_level_above(after))
        if until is None or level not in self._levels or _level_above(until) != level:
            return None
        orders = self._levels[level][1], self._as_keys[level]
        by_folders, by_bytes = (
            names[bisect_right(names, after[start:]) : bisect_right(names, until[start:])]
            for names in orders
        )
        alone = len(by_folders) == 1 and by_bytes == [f"{by_folders[0]}/"]
        return level + by_bytes[0] if alone else None

    def _is_agreed(self, home: str, text: str) -> bool:
        *folders, last = text[len(home) :].split("/")
        level = home
        for name in folders:
            if not self._is_alike(level, name, inside=True):
                return False
            level += f"{name}/"
        return self._is_alike(level, last, inside=False)

    def _is_alike(self, level: str, name: str, *, inside: bool) -> bool:
        """Return whether the names of a level are on the same side of another one in any order.

        Args:
            level: the level.
            name: the other name, which may be one of them.
            inside: whether the place is inside the folder of this name.
        """
        if level not in self._levels:
            return False
        folders, names = self._levels[level]
        if any(char < "/" and name[:at] in folders for at, char in enumerate(name)):
            return False
        if not inside:
            return name not in folders  # servers differ in what follows the name of a folder
        return bisect_right(names, name) >= bisect_left(names, f"{name}/")


def levels_of(prefix: str, keys: list[str]) -> list[str]:
    """Return the folders above the last key of a page in which further folders may follow.

    Args:
        prefix: the first of them.
        keys: the page.

    Returns:
        The folders, each in the former one.
    """
    levels, last = [prefix], keys[-1]
    while len(levels) < _DEPTH and (current := folder_in(levels[-1], last)):
        # The page contains several complete folders, so there is no use in dividing them.
        if len(_folders_in(current, keys)) > _SMALL_FOLDERS:
            break
        levels.append(current)
    return levels


def large_levels(levels: list[str], keys: list[str]) -> tuple[list[str], int]:
    """Return the levels whose folders are not small, and the number of the last one's in a page.

    The last key may be at the beginning of its folder, so that the folders beside it count, too.
    """
    large = levels[:1]
    for above, level in pairwise(levels):
        beside = _folders_in(above, keys)
        if sum(len(_folders_in(each, keys)) for each in beside) > _SMALL_FOLDERS:
            break
        large.append(level)
    return large, len(_folders_in(large[-1], keys)) or 1


def _folders_in(level: str, keys: list[str]) -> set[str]:
    """Return the folders directly below a level that contain keys."""
    return {folder_in(level, key) for key in keys if key.startswith(level)} - {""}


def folder_in(level: str, key: str) -> str:
    """Return the folder directly below a level that contains a key; empty if there is none."""
    return key[: key.find("/", len(level)) + 1] if key.startswith(level) else ""


def level_of(folder: str) -> str:
    """Return the folder that a folder is in."""
    return folder[: folder.rfind("/", 0, -1) + 1]


def _level_above(text: str) -> str:
    return text[: text.rfind("/") + 1]
