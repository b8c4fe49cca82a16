"""The objects that a command names: by key, by pattern, or below a prefix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from fnmatch import translate

from core.errors import NotFound
from core.hints import Hint
from core.model.name_filter import MAGIC, NameFilter, is_pattern
from core.objects.bucket import Bucket
from core.objects.listing import list_pages
from core.objects.reading import head
from core.units import iso_utc
from core.work import Progress, Work

EVERY_NAME = NameFilter()


class Matching(Enum):
    """What a text with `*`, `?` or `[` names, which may be in keys, too.

    `EITHER` is the object with exactly this key, and without one a pattern: the same text names
    other objects once that object was removed. Before objects are removed, this must be stated.
    """

    EITHER = auto()
    KEY = auto()
    PATTERN = auto()


@dataclass(frozen=True, slots=True)
class SelectedObjects:
    """Objects of a bucket as columns of equal length, in the order of their keys.

    `names` are the keys without the folder of the prefix or pattern, `sizes` in bytes, `modified`
    the modification times as the server's texts (ISO 8601). `patterns` are the texts that were
    taken for patterns because no object has such a key.
    """

    bucket: str
    keys: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    etags: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The total size of all objects in bytes."""
        return sum(self.sizes)


@dataclass(slots=True)
class _Found:
    """Rows of key, name, size, ETag and modification time, each key once."""

    rows: dict[str, tuple[str, int, str, str]] = field(default_factory=dict)

    def columns(self, bucket: str) -> SelectedObjects:
        keys = sorted(self.rows)
        rows = [self.rows[key] for key in keys]
        names, sizes, etags, modified = zip(*rows, strict=True) if rows else ((), (), (), ())
        return SelectedObjects(bucket, tuple(keys), names, sizes, etags, modified)


def folder_of(prefix: str) -> str:
    """Return the folder of a prefix: `logs/` for `logs/app` and for `logs/`."""
    return prefix[: prefix.rfind("/") + 1]


def select_objects(
    bucket: Bucket,
    work: Work,
    *,
    texts: Sequence[str],
    recursive: bool = False,
    names: NameFilter = EVERY_NAME,
    matching: Matching = Matching.EITHER,
) -> SelectedObjects:
    """Return the objects that a command names.

    A text is a key; with `recursive` it is a prefix. If it contains `*`, `?` or `[`, it can be a
    pattern for complete keys, in which `*` also matches slashes; see `matching`.

    Args:
        bucket: the bucket.
        work: cancel token and progress.
        texts: keys, prefixes or patterns.
        recursive: whether the texts are prefixes.
        names: selects objects by their names below the folder of the prefix or pattern.
        matching: whether texts with `*`, `?` or `[` are keys or patterns.

    Raises:
        NotFound: a key does not exist, or nothing matches a prefix or pattern.
        StorageError: the objects could not be listed.
        Cancelled: the token of `work` was cancelled.
    """
    found = _Found()
    patterns: list[str] = []
    for text in texts:
        pattern = is_pattern(text) and matching is not Matching.KEY
        if recursive and not pattern:
            matches = _list(bucket, text, None, names, found, work)
        # The key first: a real key may contain the characters of patterns.
        elif _is_tried_as_key(matching, pattern=pattern) and _add_one(
            bucket, text, found, work, pattern=pattern
        ):
            continue
        else:
            patterns += [text] if matching is Matching.EITHER else []
            literal = text[: match.start()] if (match := MAGIC.search(text)) else text
            matches = _list(bucket, literal, re.compile(translate(text)), names, found, work)
        if not matches:
            raise _nothing(bucket, text)
    return replace(found.columns(bucket.name), patterns=tuple(patterns))


def _is_tried_as_key(matching: Matching, *, pattern: bool) -> bool:
    return not pattern or matching is not Matching.PATTERN


def _add_one(bucket: Bucket, key: str, found: _Found, work: Work, *, pattern: bool) -> bool:
    """Add the object with exactly this key; return False if there is none and it can be a pattern."""
    try:
        info = head(bucket, key, work=work)
    except NotFound as error:
        if pattern and type(error) is NotFound:
            return False
        raise
    name = key.removeprefix(folder_of(key))
    found.rows[key] = (name, info.size, info.etag, iso_utc(info.modified))
    return True


def _list(
    bucket: Bucket,
    prefix: str,
    pattern: re.Pattern[str] | None,
    names: NameFilter,
    found: _Found,
    work: Work,
) -> int:
    """Add the objects below a prefix that match, and return their number."""
    folder, matches = folder_of(prefix), 0
    for page in list_pages(bucket, prefix, work=work):
        for key, size, etag, modified in zip(
            page.keys, page.sizes, page.etags, page.modified, strict=True
        ):
            name = key.removeprefix(folder)
            if (pattern is None or pattern.match(key)) and names.matches(name):
                found.rows[key] = (name, size, etag.strip('"'), modified)
                matches += 1
        work.report(Progress(len(found.rows), unit="objects"))
    return matches


def _nothing(bucket: Bucket, text: str) -> NotFound:
    return NotFound(
        f"There are no objects for {text}",
        cause="No key begins with this prefix or matches the pattern, or the patterns of "
        "names leave none.",
        remedy="List the existing objects, and correct the prefix or the patterns.",
        hints=Hint.LIST_OBJECTS,
        subject=bucket.subject(text),
    )
