"""Inspection of a file that is to be stored by the data contract."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.aws.limits import MIB
from core.filing.detection import (
    KIND,
    MOMENT,
    Found,
    first_of_each,
    found_in_document,
    found_in_path,
    found_in_text,
)
from core.layout.building import build
from core.layout.forms import FORMS
from core.layout.kinds import kind
from core.objects.bucket import HasBucket
from core.objects.hashing import Stamp, unreadable
from core.preview import HEAD_BYTES, preview
from core.units import file_moment, format_size
from core.work import Work, default_work

#: Maximum size of an inspected file in bytes: the contract's documents are far smaller.
MOST_BYTES = 64 * MIB
#: Members that are compared with the key, so that a file is not stored under another name.
_NAMES = ("symbol", "timeframe", "user_id", "report_type", "table_name", "timestamp")
_COUNTED = tuple(
    dict.fromkeys(
        [form.payload for form in FORMS if form.shape == "list"]
        + [member for form in FORMS for _name, member in form.counts if member]
    )
)
_INNER = tuple(form.payload for form in FORMS if form.shape == "object")


@dataclass(frozen=True, slots=True)
class Contents:
    """The properties of a file that are needed to store it by the contract.

    `form` is `object`, `list`, `other` (JSON of another type) or `bytes` (not JSON). `shapes` has
    type and length of the members that the contract defines, by path. `names` are the texts in it
    that could be parts of the key. `trouble` states why it is not JSON. `problems` and `count` are
    those of the preview of the kind. `found` has the values in the file, each with its origin;
    `modified` is the date of the file on this machine, if it is one.
    """

    path: str
    size: int
    gzipped: bool
    form: str
    shapes: tuple[tuple[str, str, int], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    trouble: str = ""
    problems: tuple[str, ...] = ()
    count: str = ""
    found: tuple[Found, ...] = ()
    modified: datetime | None = None

    @property
    def kind(self) -> str:
        """The id of the detected kind, or an empty text."""
        return self.value(KIND)

    @property
    def moment(self) -> str:
        """The moment of the data as ISO 8601, or an empty text."""
        return self.value(MOMENT)

    def value(self, name: str) -> str:
        """Return a value that was found in the file, or an empty text."""
        return next((each.value for each in self.found if each.name == name), "")

    def length(self, path: str) -> int:
        """Return the number of elements of a member, or 0 if it is missing."""
        return next((length for name, _, length in self.shapes if name == path), 0)

    def has(self, path: str, form: str) -> bool:
        """Return whether there is a member of a type."""
        return any((name, found) == (path, form) for name, found, _ in self.shapes)


def inspect_file(
    _workspace: HasBucket, work: Work | None = None, *, path: str, kind_id: str = ""
) -> Contents:
    """Return what a file holds (operation `transfer.inspect_file`).

    Args:
        _workspace: not used, because no request is sent.
        work: cancel.
        path: the file.
        kind_id: the kind under which it is stored; the detected one if empty.

    Raises:
        LocalIOError: the file cannot be read.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    file = Path(path)
    stamp = Stamp.of(file)
    # The stamp precedes the reading: a file that changes afterwards differs from it.
    raw = _read(file)
    # The magic number of gzip (RFC 1952): the name of a file does not prove its compression.
    gzipped = raw[:2] == b"\x1f\x8b"
    modified = file_moment(stamp.modified_ns / 1e9)
    base = Contents(path, stamp.size, gzipped, "bytes", modified=modified)
    # A log is stored as it is, so it is neither parsed nor limited in size.
    if kind_id == "log":
        return _as_text(base, raw)
    if stamp.size > MOST_BYTES:
        return replace(
            base, trouble=f"The file is too large to inspect: {format_size(stamp.size)}."
        )
    try:
        text = _unpacked(raw) if gzipped else raw
        # Python's `json` accepts NaN and Infinity, which are not JSON.
        root = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        return _as_text(replace(base, trouble=f"The file is not JSON: {error}."), raw)
    work.check()
    return _as_document(base, root, raw, kind_id, work)


def _as_text(base: Contents, raw: bytes) -> Contents:
    """Return the contents of a file that is not JSON, from its first lines."""
    head = _unpacked_head(raw) if base.gzipped else raw
    found = first_of_each(found_in_text(head), found_in_path(base.path))
    is_log = any(each.name == KIND and each.value == "log" for each in found)
    return replace(base, found=found, trouble="" if is_log else base.trouble)


def _as_document(base: Contents, root: Any, raw: bytes, kind_id: str, work: Work) -> Contents:
    found = first_of_each(found_in_document(root), found_in_path(base.path))
    # Analytics have no required columns, so the preview of an unknown document reports no false
    # problems.
    assumed = kind_id or next((each.value for each in found if each.name == KIND), "analytics")
    key = _sample_key(assumed, gzipped=base.gzipped)
    # Problems are only a hint here and never refuse a file, so its beginning is enough.
    seen = preview(raw[:HEAD_BYTES], key, total=base.size, work=work)
    return replace(
        base,
        form=_form(root),
        shapes=tuple(_shapes(root)),
        names=tuple(_texts(root)),
        problems=(seen.problem_texts,) if seen.problem_texts else (),
        count=seen.count,
        found=found,
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error


def _unpacked_head(raw: bytes) -> bytes:
    """Return the beginning of a compressed file, as far as it can be decompressed."""
    try:
        # 31 means gzip with the largest window (documentation of `zlib.decompressobj`).
        return zlib.decompressobj(wbits=31).decompress(raw, HEAD_BYTES)
    except zlib.error:
        return b""


def _unpacked(raw: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    # The limit protects from a small file that expands to more than the memory.
    data = inflate.decompress(raw, MOST_BYTES)
    if inflate.unconsumed_tail:
        message = f"its decompressed size exceeds {format_size(MOST_BYTES)}"
        raise ValueError(message)
    if not inflate.eof:
        raise gzip.BadGzipFile("the gzip stream is truncated")
    return data


def _refuse_constant(name: str) -> None:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _shapes(root: Any) -> list[tuple[str, str, int]]:
    if isinstance(root, list):
        return [_shape("", root)]
    if not isinstance(root, dict):
        return []
    found = [_shape(name, root[name]) for name in (*_COUNTED, *_INNER) if name in root]
    for outer in _INNER:
        inner = root.get(outer)
        if isinstance(inner, dict):
            found += [_shape(f"{outer}.{n}", inner[n]) for n in _COUNTED if n in inner]
    return found


def _shape(name: str, value: Any) -> tuple[str, str, int]:
    return name, _form(value), len(value) if isinstance(value, dict | list) else 0


def _form(value: Any) -> str:
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, list) else "other"


def _texts(root: Any) -> list[tuple[str, str]]:
    if not isinstance(root, dict):
        return []
    return [(name, root[name][:200]) for name in _NAMES if isinstance(root.get(name), str)]


def _sample_key(kind_id: str, *, gzipped: bool) -> str:
    """Return a sample key of the kind, so that the preview reads the content as that kind."""
    names = dict.fromkeys(kind(kind_id).names, "x")
    return build(kind_id, moment=None, **names) + (".gz" if gzipped else "")
