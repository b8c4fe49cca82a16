"""Ranges of keys, and the texts at which they are divided.

A division is complete whatever keys follow; it is even if the keys are as expected. Some servers,
among them SeaweedFS, list folder by folder, so that `a/x` precedes `a-b`, and list nothing of a
folder whose name a listing starts after. So for other servers than S3 no text is the name of a
folder: it ends with a character that no name has. Its new part has neither a slash nor a character
before it, unless all names in the folder are known (`core.objects.folder_levels`): both orders
agree on it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress
from os.path import commonprefix

from core.objects.pages import Columns

#: Number of keys of a page whose characters are examined for a division.
_SAMPLE = 50
#: The end of texts before a name, after most names with the same beginning. The second character
#: has no meaning (Unicode reserves it for private use), so that no folder has such a name; there
#: are folders whose names end with the first one.
NO_NAME = "~\ue8d3"
#: Number of characters after the common ones that are computed with.
_DIGITS = 8


@dataclass(slots=True, eq=False)
class KeyRange:
    """The keys of a prefix after one key and up to another; `until` is None for its end.

    Attributes:
        within: only keys with this beginning belong to it, because others list the rest.
        token: continues it.
        last: the last listed key.
        pages: the number of listed pages.
    """

    prefix: str
    after: str = ""
    until: str | None = None
    within: str = ""
    token: str | None = None
    last: str = ""
    pages: int = 0

    def __post_init__(self) -> None:
        self.last = self.after

    def of(self, home: str, other: str) -> KeyRange:
        """Return the range of another folder that has the place of this one in its folder `home`."""
        prefix, after, until = (
            text and other + text[len(home) :] for text in (self.prefix, self.after, self.until)
        )
        return KeyRange(prefix or "", after or "", until)


@dataclass(slots=True, eq=False)
class PageRequest:
    """A request for one page: the next one of `part`, or one of a level if `part` is None."""

    prefix: str
    delimiter: str = ""
    token: str | None = None
    after: str = ""
    part: KeyRange | None = None


def columns_between(columns: Columns, after: str, until: str | None) -> Columns:
    """Return the rows of an ordered page with keys after `after` and up to `until` (or the end)."""
    keys = columns.keys
    begin = bisect_right(keys, after) if after and keys and keys[0] <= after else 0
    end = len(keys) if until is None or not keys or keys[-1] <= until else bisect_right(keys, until)
    if begin == 0 and end == len(keys):
        return columns
    return Columns(
        keys[begin:end], columns.sizes[begin:end], columns.modified[begin:end],
        columns.classes[begin:end], columns.etags[begin:end], columns.folders,
    )  # fmt: skip


def chosen_rows(columns: Columns, chosen: list[bool]) -> Columns:
    """Return some rows of a page."""
    if all(chosen):
        return columns
    return Columns(
        list(compress(columns.keys, chosen)),
        list(compress(columns.sizes, chosen)),
        list(compress(columns.modified, chosen)),
        list(compress(columns.classes, chosen)),
        list(compress(columns.etags, chosen)),
        columns.folders,
    )


def boundaries(prefix: str, keys: list[str], until: str | None, most: int) -> list[str]:
    """Return ascending texts that divide the keys after a page at likely places.

    A text has the beginning of the last key and then a greater character that also occurs in the
    keys: after `k0017` of numbered keys, these are `k1` to `k9`, `k01` to `k09` and `k002` to
    `k009`. The shortest ones are preferred, as they divide the largest range.

    Args:
        prefix: the common prefix of all keys.
        keys: the keys of the page, in order.
        until: the end of the range; None for the end of the prefix.
        most: the maximum number of texts.
    """
    if keys != sorted(keys):
        return []  # a directory bucket, which has no order in which a listing could start
    last = keys[-1]
    sample = [last, *keys[:: max(1, len(keys) // _SAMPLE)]]
    digits_of = _digits_of([key[len(prefix) :] for key in sample])
    found: list[str] = []
    for at in range(len(prefix), len(last)):
        texts = [last[:at] + char for char in digits_of(last[at]) if char > last[at]]
        found += [text for text in texts if until is None or text < until]
        # Below these characters the page itself contains all values.
        if len(found) >= most or last[: at + 1] != keys[0][: at + 1]:
            break
    # The first ones: numbers usually begin with zeros, so that most greater digits never occur.
    return sorted(found[:most])


def _digits_of(texts: list[str]) -> Callable[[str], str]:
    """Return a function that returns the characters which replace a character, in their order.

    These are digits, small letters, or others. Only positions at which the texts differ count; if
    digits and letters occur at the same position, as in random names, they replace each other.
    """
    columns = [set(column) for column in zip(*texts, strict=False)]
    alphabet = {char for column in columns if len(column) > 1 for char in column if char > "/"}
    groups: dict[str, str] = {}
    for char in sorted(alphabet):
        groups[_kind(char)] = groups.get(_kind(char), "") + char
    if any({"digit", "small"} <= set(map(_kind, column)) for column in columns):
        both = "".join(sorted(groups.get("digit", "") + groups.get("small", "")))
        groups |= {"digit": both, "small": both}
    return lambda char: groups.get(_kind(char), "")


def _kind(char: str) -> str:
    return "digit" if char.isdigit() else "small" if char.islower() else "other"


def text_before(text: str, stem: str) -> str | None:
    """Return a text before a name and after most names before it that is no name, or None.

    It is `01` with `NO_NAME` for `02`, and `0` with it for `10`.

    Args:
        text: the name with what precedes it.
        stem: what precedes it.
    """
    name = text[len(stem) :].rstrip("0")
    if not name or not name[-1].isascii() or not name[-1].isalnum():
        return None
    return f"{stem}{name[:-1]}{chr(ord(name[-1]) - 1)}{NO_NAME}"


def evenly(part: KeyRange, keys: list[str], most: int) -> list[str]:
    """Return ascending texts that divide the rest of a range into pages, if its end is known.

    The keys are expected at equal distances, like numbers or random names, so the part of the range
    that its pages cover shows how many will follow.

    Args:
        part: the range.
        keys: the keys of its last page, in order.
        most: the maximum number of texts.
    """
    if part.until is None:
        return []
    stem = commonprefix([keys[-1], part.until])  # noqa: RUF071 - characters, not folders
    at = len(stem)
    sample = [keys[-1], *keys[:: max(1, len(keys) // _SAMPLE)]]
    chars = _digits_of([key[at:] for key in sample])(keys[-1][at : at + 1])
    if len(chars) < 2 or not keys[-1][at:]:
        return []
    begin = _place(part.after[at:], chars) if part.after.startswith(stem) else 0.0
    last, end = _place(keys[-1][at:], chars), _place(part.until[at:], chars)
    if not begin < last < end:
        return []
    pages = part.pages * (end - last) / (last - begin)
    count = min(most, int(pages))
    step = (end - last) / (count + 1)
    found = {stem + _digits(last + step * number, step, chars) for number in range(1, count + 1)}
    return sorted(text for text in found if keys[-1] < text < part.until)


def _place(text: str, chars: str) -> float:
    """Return a number from 0 to 1 for a text, whose characters are digits of that base."""
    place, unit = 0.0, 1.0
    for char in text[:_DIGITS]:
        unit /= len(chars)
        place += unit * min(bisect_left(chars, char), len(chars) - 1)
    return place


def _digits(place: float, step: float, chars: str) -> str:
    """Return the shortest text for a place, with an error of a part of a step."""
    text, unit = "", 1.0
    while unit > step / 4 and len(text) < _DIGITS:
        unit /= len(chars)
        digit = min(int(place / unit), len(chars) - 1)
        place -= digit * unit
        text += chars[digit]
    return text


def spread(texts: list[str], most: int, *, begun: bool) -> list[str]:
    """Return at most so many of the texts, at equal distances.

    Args:
        texts: texts that divide a range into parts.
        most: the maximum number; the parts between those that are returned differ by one at most.
        begun: whether a page of the range is listed, so that the first part is shorter than the
            others. Otherwise the last one is: it may be the present month, for example.
    """
    if len(texts) <= most:
        return texts
    parts = len(texts) + (0 if begun else 1)
    shift = 0 if begun else 1
    return [texts[number * parts // (most + 1) - shift] for number in range(1, most + 1)]
