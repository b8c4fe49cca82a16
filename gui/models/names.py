"""The names that the search (Ctrl+K) can find, and the score of a match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain
from typing import Protocol

from core.work import Work

#: Maximum number of stored keys; the folders that were listed first are dropped.
_MOST_KEYS = 300_000
#: Names that are compared between two checks for a cancel.
_STEP = 2_000


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a tab can open: its kind, the name, and the target for the tab."""

    kind: str
    text: str
    target: object


@dataclass(frozen=True, slots=True)
class Match:
    """A matching name and its score; higher is better."""

    score: float
    name: Name


class NameSource(Protocol):
    """A source of names; it is searched in a worker thread, since it may have a million names."""

    def find(self, text: str, limit: int, work: Work) -> Sequence[Match]:
        """Return the best matches for the typed text, at most `limit`, in any order."""


class NameList:
    """A source of few names, such as those of secrets or tables."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._names = tuple(names)

    def find(self, text: str, limit: int, work: Work) -> Sequence[Match]:
        """Return the best matches."""
        work.check()
        terms = search_terms(text)
        found = (Match(score(name.text, terms), name) for name in self._names)
        return nlargest(limit, (each for each in found if each.score), key=_by_score)


class SeenKeys:
    """The keys and folders that were listed in this session, folder by folder.

    The thread of the window writes, worker threads read: lists only grow or are replaced. Pages
    stay tuples, whose texts the garbage collector does not examine.
    """

    def __init__(self) -> None:
        self._folders: dict[str, list[tuple[str, ...]]] = {}
        self._counted: Sequence[str] = ()
        self._count = 0

    def clear(self) -> None:
        """Clear all names, for example for another bucket."""
        self._folders = {}
        self._counted = ()
        self._count = 0

    def set_counted(self, keys: Sequence[str]) -> None:
        """Store the keys listed by the count, and their folders, instead of earlier ones."""
        self._counted = keys

    def add(self, folder: str, keys: tuple[str, ...], *, first: bool) -> None:
        """Store a page of a folder.

        Args:
            folder: its key, which ends in `/`; empty for the root.
            keys: the keys of the page, and sub-folders that end in `/`.
            first: whether it is the first page, which replaces the stored names of the folder.
        """
        # Taken out and added again, so that the dictionary is in the order of the last listing.
        known = self._folders.pop(folder, [])
        if first:
            self._count -= sum(map(len, known))
            known = []
        known.append(keys)
        self._folders[folder] = known
        self._count += len(keys)
        while self._count > _MOST_KEYS and len(self._folders) > 1:
            oldest = next(iter(self._folders))
            self._count -= sum(map(len, self._folders.pop(oldest)))

    def find(self, text: str, limit: int, work: Work) -> Sequence[Match]:
        """Return the best matches among keys and folders."""
        terms = search_terms(text)
        found: dict[str, float] = {}
        for keys in self._chunks() if terms else ():
            work.check()
            first = terms[0]
            # The cheap test of one word leaves few of up to a million keys for `score`.
            for key in [key for key in keys if first in key.casefold()]:
                if value := score(key, terms):
                    found[key] = value
        best = nlargest(limit, found.items(), key=lambda item: item[1])
        return [Match(value, key_name(key)) for key, value in best]

    def _chunks(self) -> Iterable[Sequence[str]]:
        """Yield all keys and folders in chunks."""
        yield [folder for folder in list(self._folders) if folder]
        # A copy, since the thread of the window may add a folder while this one iterates.
        listed = chain.from_iterable(list(self._folders.values()))
        for keys in (*listed, self._counted):
            for start in range(0, len(keys), _STEP):
                yield keys[start : start + _STEP]


def key_name(key: str) -> Name:
    """Return the name of a key or, if it ends in `/`, of a folder."""
    return Name("Folder" if key.endswith("/") else "Key", key, key)


def search_terms(text: str) -> list[str]:
    """Return the words that a name must contain, folded for comparison."""
    return text.casefold().split()


def score(name: str, terms: Sequence[str]) -> float:
    """Return how well a name matches: 0 if a word is missing, more for the last part and its start.

    Shorter names come first among equals.
    """
    folded = name.casefold()
    if not terms or not all(word in folded for word in terms):
        return 0
    last = folded.removesuffix("/").rpartition("/")[2]
    first = terms[0]
    # Steps of 100, so that the length, which subtracts at most 30, only decides within a step.
    if len(terms) == 1 and first in (folded, folded.removesuffix("/"), last):
        value = 900
    elif last.startswith(first):
        value = 700
    elif folded.startswith(first):
        value = 600
    elif first in last:
        value = 500
    else:
        value = 400
    return value - min(len(folded), 300) / 10


def _by_score(match: Match) -> float:
    return match.score
