"""Readers of pages of ListObjectsV2, the fastest first; each leaves unusual pages to the next one.

Servers write the elements of an entry in different orders, so entries are read with a pattern that
is derived from the first one, and pages with different kinds of entries by an XML parser. Both
return raw text: XML entities are resolved, but names are not URL-decoded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree import ElementTree as ET

from core.aws.answers import BadAnswerError

_OPEN, _CLOSE = b"<Contents>", b"</Contents>"
_ENTRY = re.compile("<Contents>(.*?)</Contents>", re.DOTALL)
_BYTES_OF_ENTRY = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_PREFIX = re.compile(rb"<CommonPrefixes>\s*<Prefix>([^<]*)</Prefix>\s*</CommonPrefixes>")
_TAG = re.compile(r"<(\w+)>[^<]*</\1>")
#: An ETag with its quotation marks, which servers write in different ways.
_QUOTED = re.compile(r"""<ETag>(&quot;|&#34;|")[^<&"]*\1</ETag>""")
_ENTITY = re.compile(r"&(?:#(\d+)|#x([0-9a-fA-F]+)|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
#: Elements of the page outside its entries.
_SCALARS = {
    name: re.compile(rb"<%s>([^<]*)</%s>" % (name, name))
    for name in (b"IsTruncated", b"KeyCount", b"EncodingType", b"NextContinuationToken")
}
_NEEDED = {"Key", "Size", "LastModified"}
#: Elements with children, which the flat pattern skips.
_NESTED = re.compile("<Owner>.*?</Owner>|<RestoreStatus>.*?</RestoreStatus>", re.DOTALL)

#: White space between two elements.
_SPACE = re.compile(r">\s+<")
#: Patterns of elements that have a particular form; all other elements are text. Possessive
#: quantifiers (`*+`) avoid backtracking in pages that do not match.
_FORMS = {
    "Size": "[0-9]++",
    "LastModified": "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9][^<]*+",
}
_CLASS = re.compile("<StorageClass>([^<&]*)</StorageClass>")
_TIME = re.compile(_FORMS["LastModified"].replace("[^<]", r"[^<\n]"))
#: Replaces all digits by zeros.
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
#: Where a time has digits of which only some are possible, and these.
_TENS = ((5, b"01"), (8, b"0123"), (11, b"012"), (14, b"012345"), (17, b"0123456"))

_Learned = tuple[re.Pattern[str], dict[str, int]]
_learned: dict[tuple[tuple[str, ...], str, str | None, bool], _Learned] = {}
#: The number of patterns that are stored; servers have few structures.
_MOST_LEARNED = 64
#: Structures of entries whose storage classes differed within a page.
_mixed: set[tuple[str, ...]] = set()


@dataclass(slots=True)
class RawPage:
    """A parsed page: texts with resolved XML entities, but without URL decoding."""

    scalars: dict[str, str]
    keys: list[str]
    sizes: list[str]
    modified: list[str]
    classes: list[str]
    etags: list[str]
    folders: list[str]


def read_raw(body: bytes) -> RawPage:
    """Read a complete page.

    Raises:
        BadAnswerError: the XML is not well-formed, or an element is repeated unexpectedly.
    """
    return raw_by_pattern(body) or raw_by_parser(body)


def raw_by_pattern(body: bytes) -> RawPage | None:
    """Read a page whose entries have the same structure; return None for other pages."""
    if b"\r" in body or (b"!" in body and b"<!" in body):
        return None  # line ends, comments and CDATA: an XML parser would change these
    first, last = body.find(_OPEN), body.rfind(_CLOSE)
    end = last + len(_CLOSE)
    rows = _rows(body)
    if rows is None:
        return None
    # Most servers write nothing between the entries, which are removed together then.
    around = body[:first] + body[end:] if rows.adjacent else _BYTES_OF_ENTRY.sub(b"", body)
    scalars, folders = _scalars(around), _folders(around)
    if scalars is None or folders is None:
        return None
    columns, at, count = rows.columns, rows.at, rows.number
    # StorageClass and ETag are optional: servers omit them, which means STANDARD and unknown.
    return RawPage(
        scalars,
        _texts(columns, at.get("Key"), count, ""),
        _texts(columns, at.get("Size"), count, ""),
        _texts(columns, at.get("LastModified"), count, ""),
        _texts(columns, at.get("StorageClass"), count, rows.storage_class),
        _etags(columns, at.get("ETag"), count),
        [_unescaped(folder.decode()) for folder in folders],
    )


def _scalars(around: bytes) -> dict[str, str] | None:
    """Return the elements outside the entries, or None if one is repeated.

    Most servers write them before the first entry, some after the last one.
    """
    found: dict[str, str] = {}
    for name, pattern in _SCALARS.items():
        matches = pattern.findall(around)
        if len(matches) > 1:
            return None
        if matches:
            found[name.decode()] = _scalar(name.decode(), _unescaped(matches[0].decode()))
    return found


def _scalar(name: str, text: str) -> str:
    # The token of some servers is the last key, which may begin and end with spaces.
    return text if name == "NextContinuationToken" else text.strip()


def _folders(body: bytes) -> list[bytes] | None:
    """Return the common prefixes, or None if they have another structure."""
    # Without the last `>`, which occurs too often for a fast search; backwards would be slower
    # still.
    if b"<CommonPrefix" not in body:
        return []
    folders = _PREFIX.findall(body)
    return folders if len(folders) == body.count(b"<CommonPrefixes>") else None


class _Rows(NamedTuple):
    """The entries of a page.

    Attributes:
        columns: the values of each element; empty without entries.
        at: the position of each element in `columns`.
        number: of entries.
        storage_class: that of all entries if it is no column.
        adjacent: whether nothing else is between the entries.
    """

    columns: list[tuple[str, ...]]
    at: dict[str, int]
    number: int
    storage_class: str = "STANDARD"
    adjacent: bool = False


def _rows(body: bytes) -> _Rows | None:
    """Return all entries, or None if they differ in their structure."""
    # Without the last `>`, which occurs too often for a fast search.
    if b"<Contents" not in body:
        return _Rows([], {}, 0)
    # Decoded once: decoding each of some thousand values would take longer than finding them.
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if _is_left_open(text, "Contents"):
        return None
    rows = _matched(text)
    # Only pages with such elements are copied, because removing them costs time.
    if rows is None and _has_nested(text):
        rows = _matched(_NESTED.sub("", text))
        # What was removed may have been between the entries.
        rows = rows and rows._replace(adjacent=False)
    return rows


def _has_nested(text: str) -> bool:
    """Return whether there are elements with children, all of which have an end."""
    left_open = _is_left_open(text, "Owner") or _is_left_open(text, "RestoreStatus")
    return not left_open and _NESTED.search(text) is not None


def _is_left_open(text: str, name: str) -> bool:
    """Return whether the last element of a name has no end.

    From each such element a pattern would search to the end of the page, which takes minutes for a
    hostile one. If the last one has an end, every search ends at the next end.
    """
    return text.rfind(f"<{name}>") > text.rfind(f"</{name}>")


def _matched(text: str) -> _Rows | None:
    """Return the entries if all of them have the structure of the first one."""
    first = _ENTRY.search(text)
    if first is None:
        return None
    tags = tuple(_TAG.findall(first[1]))
    # A repeated element has no defined meaning, so such a page is left to the parser.
    if not set(tags) >= _NEEDED or len(set(tags)) != len(tags):
        return None
    quoted, classes = _QUOTED.search(first[1]), _CLASS.findall(first[1])
    spaced = _SPACE.search(first[0]) is not None
    for quote in (quoted[1], "") if quoted else ("",):
        # Usually all objects have one storage class: its text is compared, and not stored for each.
        for storage_class in (*classes, None) if tags not in _mixed else (None,):
            pattern, at = _learn(tags, quote, storage_class, spaced=spaced)
            found = pattern.findall(text)
            rows = _complete(text, first, found, at) if found else None
            if rows is not None and storage_class is not None:
                return rows._replace(storage_class=storage_class)
            if rows is not None:
                _mixed.update({tags} if classes else ())
                return rows
    # Fewer matches mean an entry with other elements, which the parser reads.
    return None


def _complete(
    text: str, first: re.Match[str], found: list[tuple[str, ...]], at: dict[str, int]
) -> _Rows | None:
    """Return the entries if these are all of the page."""
    columns = list(zip(*found, strict=True))
    joined = ["".join(column) for column in columns]
    if not _has_expected_forms(columns, joined, at):
        return None
    count, fixed = len(found), len(first[0]) - len("".join(found[0]))
    # Adding the lengths of all values takes less time than a search for further entries.
    length = sum(map(len, joined)) + fixed * count
    adjacent = text.rfind("</Contents>") + len("</Contents>") - first.start() == length
    if adjacent or count == text.count("<Contents"):
        return _Rows(columns, at, count, adjacent=adjacent)
    return None


def _has_expected_forms(
    columns: list[tuple[str, ...]], joined: list[str], at: dict[str, int]
) -> bool:
    """Return whether the values are possible: all of a page are examined at once, which is faster.

    Args:
        columns: the values of each element.
        joined: the same values, joined.
        at: the position of each element.
    """
    sizes = joined[at["Size"]]
    return (
        sizes.isascii()
        and sizes.isdecimal()
        and all(columns[at["Size"]])
        and _are_times(columns[at["LastModified"]])
        # Its pattern ends at a quotation mark, and a value without one contains further elements.
        and not ("ETag" in at and "<" in joined[at["ETag"]])
    )


def _are_times(texts: Sequence[str]) -> bool:
    """Return whether texts are times; without a search in each if they have the same length."""
    joined = "\n".join((*texts, "")).encode()
    form, width = joined.translate(_ZEROS), len(texts[0]) + 1
    if form == form[:width] * len(texts) and joined.isascii():
        tens = any(joined[at::width].strip(digits) for at, digits in _TENS)
        return not tens and _TIME.fullmatch(texts[0]) is not None
    return all(map(_TIME.fullmatch, texts))


def _learn(
    tags: tuple[str, ...], quote: str, storage_class: str | None, *, spaced: bool
) -> _Learned:
    """Return the pattern of entries with these elements, and the positions of its groups.

    Args:
        tags: the elements of an entry in order.
        quote: the quotation mark of the ETag.
        storage_class: that of all entries; None if they differ.
        spaced: whether there is white space between the elements; a search for it takes time.
    """
    known = _learned.get((tags, quote, storage_class, spaced))
    if known is None:
        groups, parts = list(tags), []
        if storage_class is not None:
            groups.remove("StorageClass")
        for tag in tags:
            value = re.escape(storage_class or "") if tag not in groups else None
            parts.append(_element(tag, quote if tag == "ETag" else "", value))
        pattern = (r"\s*+" if spaced else "").join(("<Contents>", *parts, "</Contents>"))
        known = re.compile(pattern), {tag: number for number, tag in enumerate(groups)}
        if len(_learned) < _MOST_LEARNED:
            _learned[tags, quote, storage_class, spaced] = known
    return known


def _element(tag: str, quote: str, value: str | None) -> str:
    """Return the pattern of an element: with a certain value, or any as a group without quotes."""
    if value is not None:
        return f"<{tag}>{value}</{tag}>"
    # A single excluded character is found much faster than one of several.
    form = f"[^{quote[0]}]*+" if quote else "[^<]*+"
    return f"<{tag}>{quote}({form}){quote}</{tag}>"


def _texts(
    columns: Sequence[tuple[str, ...]], where: int | None, count: int, missing: str
) -> list[str]:
    """Return a column as texts, with a fast path if nothing in it is escaped."""
    if where is None:
        return [missing] * count
    texts = columns[where]
    return [_unescaped(text) for text in texts] if "&" in "".join(texts) else list(texts)


def _etags(columns: Sequence[tuple[str, ...]], where: int | None, count: int) -> list[str]:
    if where is None:
        return [""] * count
    joined = "\n".join(columns[where])
    if "&" not in joined and '"' not in joined:
        return list(columns[where])
    joined = joined.replace("&quot;", "").replace("&#34;", "")
    return joined.replace('"', "").split("\n")


def _unescaped(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    return _NAMED[name] if name else chr(int(decimal or hexadecimal, 10 if decimal else 16))


def raw_by_parser(body: bytes) -> RawPage:
    """Read a page of any structure with expat.

    Raises:
        BadAnswerError: the XML is not well-formed, or an element is repeated unexpectedly.
    """
    try:
        root = ET.fromstring(body)  # noqa: S314 - expat loads no external entities
    except ET.ParseError:
        raise BadAnswerError("its XML is malformed") from None
    page = RawPage({}, [], [], [], [], [], [])
    for element in root:
        name = _local(element)
        if name == "Contents":
            _add_entry(page, element)
        elif name == "CommonPrefixes":
            page.folders += [each.text or "" for each in element if _local(each) == "Prefix"]
        elif name.encode() in _SCALARS:
            if name in page.scalars:
                raise BadAnswerError(f"it has the element {name} twice")
            page.scalars[name] = _scalar(name, element.text or "")
    return page


def _add_entry(page: RawPage, entry: ET.Element) -> None:
    fields: dict[str, str] = {}
    for element in entry:
        name = _local(element)
        if name in fields and name in _NEEDED:
            raise BadAnswerError(f"an entry has the element {name} twice")
        fields[name] = element.text or ""
    for tag, form in _FORMS.items():
        if not re.fullmatch(form, fields.get(tag, "")):
            raise BadAnswerError(f"the element {tag} of an entry has an unexpected form")
    page.keys.append(fields.get("Key", ""))
    page.sizes.append(fields.get("Size", ""))
    page.modified.append(fields.get("LastModified", ""))
    page.classes.append(fields.get("StorageClass", "STANDARD"))
    page.etags.append(fields.get("ETag", "").replace('"', ""))


def _local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]
