"""Which requests list a prefix, so that many of them can be on their way at the same time.

The keys are divided by folders first: the levels above the last key of the first page are listed
with a delimiter, and each folder that follows becomes a range. Ranges are divided further at likely
keys, because ListObjectsV2 can start after any key, whether it exists or not. If the server may
have another order than S3, the levels inside a folder are listed, and it is divided between its own
folders once they are known (`core.objects.expected_ranges`). Nothing here sends requests.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque

from core.objects.expected_ranges import ExpectedRanges
from core.objects.folder_levels import FolderLevels, FolderNames, folder_in, level_of
from core.objects.key_ranges import (
    KeyRange,
    PageRequest,
    boundaries,
    chosen_rows,
    columns_between,
    evenly,
    spread,
    text_before,
)
from core.objects.pages import Columns

#: Number of pages of a range after which it is divided: parts of small ones would often be empty.
_UNDIVIDED = 3


class ListingPlan:
    """The ranges of one listing. `take` may be called by another thread.

    Attributes:
        wanted: the number of requests that should be on their way at the same time.
        expected_pages: the estimated number of pages; 0 while it is unknown.
    """

    def __init__(self, start: KeyRange, *, divide: bool, any_order: bool = True) -> None:
        """Begin with one range.

        Args:
            start: the range.
            divide: whether to divide it; otherwise its pages are listed one after another.
            any_order: whether the server may list keys in another order than S3.
        """
        self.wanted, self.expected_pages = 1, 0
        self._dividing, self._any_order = divide, any_order
        #: Whether the server lists folder by folder, as file systems do: `a/x` before `a-b`.
        self._by_path = False
        self._ready: deque[KeyRange] = deque([start])
        self._levels: list[PageRequest] = []
        self._folders: FolderLevels | None = None
        #: The ends of the pages of each prefix without it, in order: others may have similar keys.
        self._ends: dict[str, list[str]] = {}
        #: Texts at which the folders of a level are probably divided well, relative to them.
        self._templates: dict[str, list[str]] = {}
        #: The levels inside the folder of the first key, relative to it, for each level above it.
        self._inner: dict[str, list[str]] = {}
        self._names = FolderNames()
        self._expected = ExpectedRanges()
        #: The number of requested levels without an answer.
        self._awaited = 0
        # Guards the ranges that wait for a request, which a helper may take.
        self._changed = threading.Condition()
        self._helpers = 0
        self._finished = False

    def following(self, in_flight: int) -> list[PageRequest]:
        """Return the requests that should be sent now, while others are on their way."""
        with self._changed:
            found: list[PageRequest] = []
            room = max(self.wanted - in_flight, 0 if in_flight else 1)
            while self._ready and len(found) < room:
                part = self._ready.popleft()
                after = "" if part.token else part.after
                found.append(PageRequest(part.prefix, token=part.token, after=after, part=part))
            # In addition, and first: the levels are needed in order to use more requests.
            levels, self._levels = self._levels, []
            self._awaited += len(levels)
            return levels + found

    def answered(
        self, request: PageRequest, columns: Columns, token: str | None, in_flight: int
    ) -> list[Columns]:
        """Use an answer, and return the objects of it that belong to the listing.

        Args:
            request: the request.
            columns: the page.
            token: what continues it.
            in_flight: the number of other requests on their way.
        """
        with self._changed:
            if request.part is None:
                found = self._use_level(request.prefix, columns, in_flight, complete=token is None)
            elif request.part in self._expected:
                self._expected.store(request.part, columns, token)
                found = []
            else:
                found = self._use_page(request.part, columns, token, in_flight)
            self._changed.notify_all()
        return [page for page in found if page.keys]

    def refused(self, request: PageRequest, in_flight: int) -> list[Columns] | None:
        """Continue without a level that may not be listed by itself, and return further objects.

        Returns None if the request is needed.
        """
        with self._changed:
            if request.part is not None:
                return [] if self._expected.drop(request.part) else None
            nothing = Columns([], [], [], [], [], [])
            return self._use_level(request.prefix, nothing, in_flight, complete=False)

    def finish(self) -> None:
        """End the wait of helpers: nothing remains to be taken."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def take(self) -> KeyRange | None:
        """Remove a range that waits for its next request; wait for one, None at the end."""
        with self._changed:
            self._helpers += 1
            try:
                while not self._finished:
                    # While the levels are awaited, the only range is the one that they divide.
                    divided = self._dividing and not self._by_path and self._folders is None
                    part = self._taken() if divided else None
                    if part is not None:
                        # From its last key on, as another process cannot use its token.
                        return KeyRange(_home(part), part.last, part.until)
                    self._changed.wait(0.2)
            finally:
                self._helpers -= 1
        return None

    def _taken(self) -> KeyRange | None:
        """Remove the last range that is not only expected."""
        part = next((each for each in reversed(self._ready) if each not in self._expected), None)
        if part is not None:
            self._ready.remove(part)
        return part

    def _use_page(
        self, part: KeyRange, columns: Columns, token: str | None, in_flight: int
    ) -> list[Columns]:
        keys = columns.keys
        found = self._inside(part, columns)
        part.pages += 1
        if keys:
            part.last = keys[-1]
        first = part.pages == 1 and self._folders is None and not self._ends
        if self._dividing and keys:
            insort(self._ends.setdefault(_home(part), []), part.last[len(_home(part)) :])
        if self._folders is not None and self._folders.start is part:
            self._folders.listed += keys
        if token is None or self._is_past(part):
            if self._folders is not None and self._folders.start is part:
                self._folders = None  # it is complete without division
            return [found]
        part.token = token
        self._ready.appendleft(part)
        if first and self._dividing and keys:
            self._begin_levels(part, keys)
        if self._dividing and self._folders is None and keys:
            self._divide(part, found.keys, in_flight)
        return [found]

    def _inside(self, part: KeyRange, columns: Columns) -> Columns:
        """Return the rows of a page that belong to a range."""
        keys = columns.keys
        if not keys:
            return columns
        ordered = keys[0] > part.last and keys == sorted(keys)
        if not ordered:
            self._examine_order(part, keys)
        if part.within and not (
            keys[0].startswith(part.within) and keys[-1].startswith(part.within)
        ):
            columns = chosen_rows(columns, [key.startswith(part.within) for key in keys])
        if ordered and not self._by_path:
            return columns_between(columns, part.after, part.until)
        if not part.after and part.until is None:
            return columns
        after, until = self._place(part.after), self._place(part.until or "")
        return chosen_rows(
            columns,
            [
                self._place(key) > after and (part.until is None or self._place(key) <= until)
                for key in columns.keys
            ],
        )

    def _examine_order(self, part: KeyRange, keys: list[str]) -> None:
        """Determine the order of the server from a page that is not in the order of S3."""
        if keys == sorted(keys) and not part.pages and not self._follows_by_path(part, keys):
            self._dividing = False  # it ignores where a range begins
        elif self._follows_by_path(part, keys):
            self._by_path = True
        else:
            self._dividing = False  # a directory bucket, which has no order

    def _follows_by_path(self, part: KeyRange, keys: list[str]) -> bool:
        places = [key.split("/") for key in keys]
        return places == sorted(places) and (not part.last or places[0] > part.last.split("/"))

    def _place(self, key: str) -> list[str]:
        """Return what keys are compared by."""
        return key.split("/") if self._by_path else [key]

    def _is_past(self, part: KeyRange) -> bool:
        if part.within and not part.last.startswith(part.within) and part.pages:
            return True
        return part.until is not None and self._place(part.last) > self._place(part.until)

    def _begin_levels(self, part: KeyRange, keys: list[str]) -> None:
        folders = FolderLevels(part, keys)
        if folders.useful:
            self._folders, self._levels = folders, folders.requests()

    def _use_level(
        self, level: str, columns: Columns, in_flight: int, *, complete: bool
    ) -> list[Columns]:
        self._awaited -= 1
        folders = self._folders
        home = self._names.add(level, columns, complete=complete)
        if home is not None and self._expected.bounds(home):
            return self._settle(home, in_flight)
        if folders is None or not folders.add(level, columns, complete=complete):
            return []
        self._folders = None
        if not self._dividing:
            return []
        ranges, beside = folders.divide()
        if folders.start.within:
            home = _home(folders.start)
            self._ends = {home: [folders.start.last[len(home) :]]}
            self._ready.extend(self._with_similar(folders, ranges, in_flight))
        inside = [key for key in folders.listed if key.startswith(folders.start.within)]
        self._divide(folders.start, inside, in_flight)
        return beside

    def _with_similar(
        self, folders: FolderLevels, ranges: list[KeyRange], in_flight: int
    ) -> list[KeyRange]:
        """Divide folders where the one of the first key, which is beside them, has its folders."""
        pages: dict[str, int] = {}
        for parent in {level_of(each.prefix) for each in ranges}:
            self._templates[parent], pages[parent] = folders.template(parent)
            self._inner[parent] = folders.inner(parent)
        self.expected_pages = sum(pages[level_of(each.prefix)] for each in ranges)
        room = self.wanted - in_flight - len(self._ready) - len(ranges)
        found: list[KeyRange] = []
        for each in ranges:
            parent = level_of(each.prefix)
            share = room * pages[parent] // max(1, self.expected_pages)
            if share and len(self._levels) < 2 * self.wanted:
                self._request_names(each.prefix)
            most = max(0, min(share, pages[parent] - 1))
            if self._names.awaits(each.prefix):
                found += self._expected_parts(each, folder_in(parent, folders.start.last), most)
                continue
            texts = spread(self._agreed(self._templates[parent]), most, begun=False)
            bounds = [each.prefix + text for text in texts] if not self._by_path else []
            found += [each, *self._parts(each, bounds)]
        return found

    def _expected_parts(self, part: KeyRange, like: str, most: int) -> list[KeyRange]:
        """Divide a folder whose names are requested like the first one, whose names are known."""
        self._request_names(like)
        texts = spread(self._names.texts(like), most, begun=False)
        similar = [each.of(like, part.prefix) for each in self._parts(KeyRange(like), texts)]
        if similar:
            bounds = [part.prefix + text[len(like) :] for text in texts]
            self._expected.add(part.prefix, bounds, part, similar)
        return [part, *similar]

    def _settle(self, home: str, in_flight: int) -> list[Columns]:
        """Divide a folder by its own names, and use the answers of the ranges that were expected."""
        agreed = set(self._names.texts(home)) if self._dividing and not self._by_path else set()
        bounds = [text for text in self._expected.bounds(home) if text in agreed]
        others = self._parts(KeyRange(home), bounds)
        missing, dropped, answers = self._expected.settle(home, bounds, others)
        self._ready = deque(part for part in self._ready if part not in dropped)
        self._ready.extend(missing)
        found = (self._use_page(*answer, in_flight) for answer in answers)
        return [page for pages in found for page in pages]

    def _parts(self, part: KeyRange, bounds: list[str]) -> list[KeyRange]:
        """Limit a range to its first bound, and return those of its rest, divided at the others."""
        found, ends = list[KeyRange](), [*bounds[1:], part.until]
        for begin, end in zip(bounds, ends, strict=bool(bounds)):
            folder = self._names.only_folder(begin, end) if self._any_order else None
            found.append(KeyRange(folder) if folder else KeyRange(_home(part), begin, end))
        part.until = bounds[0] if bounds else part.until
        return found

    def _divide(self, part: KeyRange, keys: list[str], in_flight: int) -> None:
        """Make ranges of the rest of one for requests that could be sent.

        Args:
            part: the range, which waits for its next request; its end becomes the beginning of the
                first new one.
            keys: those of its last listed page.
            in_flight: the number of requests on their way.
        """
        active = in_flight - self._awaited + len(self._ready)
        idle = self.wanted - active + self._helpers
        if idle <= 0 or self._by_path or not keys:
            return
        bounds = self._bounds_of_others(part, idle) or self._bounds_of_template(part, idle)
        # Keys without folders, of which nothing is known.
        alone = not self._templates and self.wanted >= 4 and active <= self.wanted // 4
        bounds = bounds or self._safe(part, evenly(part, keys, idle))
        if not bounds and (part.pages >= _UNDIVIDED or alone):
            # A range that has had some pages probably has about as many more.
            most = idle if alone else min(idle, part.pages)
            bounds = self._safe(part, boundaries(_home(part), keys, part.until, most))
        self._ready.extend(self._parts(part, bounds))

    def _safe(self, part: KeyRange, texts: list[str]) -> list[str]:
        """Return texts none of which can be the name of a folder, unless the server is S3."""
        if not self._any_order:
            return texts
        befores = (text_before(text, "") for text in texts)
        return _between(sorted({text for text in befores if text is not None}), part)

    def _bounds_of_others(self, part: KeyRange, most: int) -> list[str]:
        """Return ascending texts after a key at which the pages of the longest other prefix end.

        The folders of a bucket usually have similar keys, for example a file for each hour.
        """
        if self._any_order:
            return []  # they are keys, which contain slashes or may be the name of a folder here
        home = _home(part)
        ends = (
            ends
            for each, ends in self._ends.items()
            if each != home and level_of(each) == level_of(home)
        )
        texts = [home + end for end in max(ends, key=len, default=[])]
        return spread(_between(texts, part), most, begun=True)

    def _bounds_of_template(self, part: KeyRange, most: int) -> list[str]:
        """Return ascending texts after a key where the folder of the first key has folders."""
        home = _home(part)
        self._request_names(home)
        texts = self._agreed(self._templates.get(level_of(home), []))
        found = self._names.texts(home) or [home + text for text in texts]
        return spread(_between(found, part), most, begun=True)

    def _request_names(self, home: str) -> None:
        """Request the names in a folder, unless the server has the order of S3."""
        inner = self._inner.get(level_of(home), [])
        if self._any_order and not self._by_path and len(inner) > 1:
            self._levels += self._names.requests(home, inner)

    def _agreed(self, texts: list[str]) -> list[str]:
        """Return those texts, relative to the beginning of a range, that any server places alike.

        A server that lists folder by folder places `2024/01` before `2024-01`, and S3 after it.
        """
        if not self._any_order:
            return texts
        return [text for text in texts if all(char > "/" for char in text)]


def _between(texts: list[str], part: KeyRange) -> list[str]:
    """Return those of ordered texts that are in the rest of a range."""
    end = len(texts) if part.until is None else bisect_left(texts, part.until)
    return texts[bisect_right(texts, part.last) : end]


def _home(part: KeyRange) -> str:
    """Return the beginning of the keys of a range."""
    return part.within or part.prefix
