"""The folders of a bucket, from the levels above the last key of its first page."""

from __future__ import annotations

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
        self._levels, self._small = levels_of(start.prefix, keys)
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
        inside = [level for level in self._levels if len(level) > len(parent)]
        texts, pages = list[str](), 1.0
        for level in inside:
            folders = self._found[level][0].folders
            befores = [text_before(folder[:-1], level) for folder in folders[1:]]
            texts += [text[len(inside[0]) :] for text in befores if text is not None]
            pages *= max(1, len(folders))
        return sorted(texts), int(pages / self._small)


def levels_of(prefix: str, keys: list[str]) -> tuple[list[str], int]:
    """Return the folders above the last key of a page in which further folders may follow.

    Args:
        prefix: the first of them.
        keys: the page.

    Returns:
        The folders, each in the former one, and how many folders of the last one the page has.
    """
    levels, last, count = [prefix], keys[-1], 1
    while len(levels) < _DEPTH and (current := folder_in(levels[-1], last)):
        found = len({folder_in(current, key) for key in keys if key.startswith(current)})
        # The page contains several complete folders, so there is no use in dividing them.
        if found > _SMALL_FOLDERS:
            break
        levels.append(current)
        count = found
    return levels, count


def folder_in(level: str, key: str) -> str:
    """Return the folder directly below a level that contains a key; empty if there is none."""
    return key[: key.find("/", len(level)) + 1] if key.startswith(level) else ""


def level_of(folder: str) -> str:
    """Return the folder that a folder is in."""
    return folder[: folder.rfind("/", 0, -1) + 1]
