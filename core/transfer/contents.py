"""Looks into a file that is to be filed by the data contract: what it holds, whose, from when."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.aws.limits import MIB
from core.layout import build, kind
from core.objects.hashing import Stamp, unreadable
from core.preview import HEAD_BYTES, preview
from core.transfer.values import HasBucket
from core.units import format_size
from core.work import Work, default_work

#: A larger file is not looked into: the contract's documents are far smaller.
MOST_BYTES = 64 * MIB
_NAMES = ("symbol", "timeframe", "user_id", "report_type", "table_name", "timestamp")
_COUNTED = ("data", "trades", "records", "bids", "asks", "assets")
_INNER = ("orderbook", "portfolio", "analysis")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, as far as filing it needs to know.

    `form` is `object`, `list`, `other` (JSON of another type) or `bytes` (no JSON). `shapes` has
    the members that the contract knows, by their path, with their type and length. `names` are
    the texts in it that could be parts of the key. `trouble` tells why it is no JSON. `problems`
    and `count` are the preview's for the kind that was asked for.
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

    def length(self, path: str) -> int:
        """Return how many elements the member has, 0 when there is none."""
        return next((length for name, _, length in self.shapes if name == path), 0)

    def has(self, path: str, form: str) -> bool:
        """Whether there is a member of that type."""
        return any((name, found) == (path, form) for name, found, _ in self.shapes)


def look_into(
    _workspace: HasBucket, work: Work | None = None, *, path: str, kind_id: str
) -> Contents:
    """Return what a file holds, seen as one of a kind (operation `transfer.look_into`).

    Raises:
        LocalIOError: the file cannot be read.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    file = Path(path)
    size = Stamp.of(file).size
    raw = _read(file)
    gzipped = raw[:2] == b"\x1f\x8b"
    base = Contents(path, size, gzipped, "bytes")
    if kind_id == "log":
        return base
    if size > MOST_BYTES:
        return _with(base, trouble=f"It has {format_size(size)}: too large to look into.")
    try:
        text = _unpacked(raw) if gzipped else raw
        root = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, OSError, EOFError, zlib.error, RecursionError) as error:
        return _with(base, trouble=f"It is not JSON: {error}.")
    work.check()
    seen = preview(raw[:HEAD_BYTES], _sample_key(kind_id, gzipped=gzipped), total=size, work=work)
    problems = (seen.problems_in_words,) if seen.problems_in_words else ()
    return Contents(
        path,
        size,
        gzipped,
        _form(root),
        tuple(_shapes(root)),
        tuple(_texts(root)),
        problems=problems,
        count=seen.count,
    )


def _with(base: Contents, *, trouble: str) -> Contents:
    return Contents(base.path, base.size, base.gzipped, base.form, trouble=trouble)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error


def _unpacked(raw: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    data = inflate.decompress(raw, MOST_BYTES)
    if inflate.unconsumed_tail:
        message = f"it unpacks to more than {format_size(MOST_BYTES)}"
        raise ValueError(message)
    if not inflate.eof:
        raise gzip.BadGzipFile("the gzip stream is cut off")
    return data


def _refuse_constant(name: str) -> None:
    message = f"{name} is no JSON number"
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
    """Return a key of the kind, so that the preview reads the content as that."""
    names = dict.fromkeys(kind(kind_id).names, "x")
    return build(kind_id, moment=None, **names) + (".gz" if gzipped else "")
