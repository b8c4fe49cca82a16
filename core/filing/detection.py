"""Detection of the data kind, the names in the key and the time of a file's data.

Every value has its origin. A value that the content does not contain is left open: the modification
date of the file is rarely the time of the data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

from core.layout.parsing import ParsedKey, parse
from core.preview.exact import moment_of
from core.units import format_count, iso_utc

#: Names of values that are not part of a key.
KIND, MOMENT = "kind", "moment"
#: Members of a document that identify its data, according to the contract.
_NAMES = ("symbol", "timeframe", "user_id", "report_type", "table_name")
_TIMES = ("timestamp", "time", "t", "ts", "date", "datetime", "open_time", "created_at")
#: In the order of priority: general members such as `data` follow specific ones.
_BY_MEMBER = {
    "orderbook": "orderbook", "bids": "orderbook", "portfolio": "portfolio",
    "assets": "portfolio", "analysis": "analytics", "records": "backup", "data": "ohlcv",
}  # fmt: skip
#: Number of rows at each end of a long list whose times are read.
_MOST_ROWS = 5000
#: Number of bytes at the beginning of a log in which its first time is searched.
_LOG_HEAD = 65_536
_TIME_IN_TEXT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?"
)
#: Largest first, so that 3,600 seconds are 1h and not 60m.
_UNITS = ((604_800, "w"), (86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was found in a file; `name` is a name of the key, `kind` or `moment`.

    `source` states where it was found, as a text that follows “from”.
    """

    name: str
    value: str
    source: str


def found_in_document(root: Any) -> tuple[Found, ...]:
    """Return the values in a parsed JSON document."""
    rows, what = _rows_of(root)
    found = [Found(KIND, kind, source) for kind, source in [_kind_of(root, rows)] if kind]
    found += _named(root)
    if not any(each.name == "symbol" for each in found):
        found += _symbol_of(rows, what)
    times = _times_of(rows)
    is_candles = any((each.name, each.value) == (KIND, "ohlcv") for each in found)
    if is_candles and not any(each.name == "timeframe" for each in found):
        found += _timeframe_of(times)
    return (*found, *_moment_of(root, times, rows, what))


def found_in_text(head: bytes) -> tuple[Found, ...]:
    """Return the values at the beginning of a text file, which is treated as a log."""
    head = head[:_LOG_HEAD]
    if not head or b"\0" in head:
        return ()
    text = head.decode("utf-8", "replace")
    # A broken document must not be stored as a log only because it cannot be parsed.
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
        return ()  # probably JSON with an error
    found = [Found(KIND, "log", "text that is not JSON")]
    written = _TIME_IN_TEXT.search(text)
    moment = moment_of(written[0].replace(",", ".")) if written else None
    if moment is not None:
        found.append(Found(MOMENT, iso_utc(moment), "the first time in the text"))
    return tuple(found)


def found_in_path(path: str) -> tuple[Found, ...]:
    """Return the values in the path of a file, which may look like a key or contain a time."""
    # Downloads escape characters that the file system does not allow as %XX.
    parts = [unquote(part) for part in PurePath(path).parts]
    # The folders above the downloaded prefix are unknown, so every end of the path may be a key.
    keys = (parse("/".join(parts[start:])) for start in range(len(parts)))
    key = next((each for each in keys if each is not None), None)
    if key is not None:
        return _of_key(key)
    written = _TIME_IN_TEXT.search(parts[-1]) if parts else None
    moment = moment_of(written[0]) if written else None
    return () if moment is None else (Found(MOMENT, iso_utc(moment), "the name of the file"),)


def first_of_each(*groups: Iterable[Found]) -> tuple[Found, ...]:
    """Return the first value of each name; earlier groups have priority."""
    chosen: dict[str, Found] = {}
    for group in groups:
        for each in group:
            chosen.setdefault(each.name, each)
    return tuple(chosen.values())


def _of_key(key: ParsedKey) -> tuple[Found, ...]:
    source = "the path of the file"
    names = (Found(name, value, source) for name, value in key.names.items())
    moment = Found(MOMENT, iso_utc(key.moment), source)
    return (Found(KIND, key.kind.id, source), *names, moment)


def _rows_of(root: Any) -> tuple[Sequence[Any], str]:
    """Return the list of rows in a document, and the name of its elements."""
    if isinstance(root, list):
        return root, "rows"
    if isinstance(root, dict):
        members = (("data", "candles"), ("trades", "trades"), ("records", "records"))
        for member, what in members:
            if isinstance(root.get(member), list):
                return root[member], what
    return (), "rows"


def _kind_of(root: Any, rows: Sequence[Any]) -> tuple[str, str]:
    """Return the kind of a document and its origin; both are empty if it is unknown."""
    if isinstance(root, list):
        kind, what = _kind_of_row(rows[0]) if rows else ("", "")
        return kind, what
    if not isinstance(root, dict):
        return "", ""
    # Trades of users and of markets have the same payload; only the user distinguishes them.
    if "trades" in root:
        return ("user_trades" if "user_id" in root else "trades"), "“trades” in the file"
    member = next((name for name in _BY_MEMBER if name in root), "")
    return (_BY_MEMBER[member], f"“{member}” in the file") if member else ("", "")


def _kind_of_row(row: Any) -> tuple[str, str]:
    if not isinstance(row, dict):
        # Exchanges return candles as lists: time, open, high, low, close, volume.
        is_candle = isinstance(row, list) and len(row) >= 6 and moment_of(str(row[0])) is not None
        return ("ohlcv", "the columns of its rows") if is_candle else ("", "")
    names = {str(name).lower() for name in row}
    if {"open", "close"} <= names or {"o", "c"} <= names:
        return "ohlcv", "the members of its rows"
    if "price" in names and names & {"side", "quantity", "qty", "amount", "size"}:
        return "trades", "the members of its rows"
    return "", ""


def _named(root: Any) -> list[Found]:
    if not isinstance(root, dict):
        return []
    return [
        Found(name, root[name][:200], f"“{name}” in the file")
        for name in _NAMES
        if isinstance(root.get(name), str) and root[name].strip()
    ]


def _symbol_of(rows: Sequence[Any], what: str) -> list[Found]:
    """Return the symbol of all rows, unless they have different symbols."""
    symbols = {row.get("symbol") if isinstance(row, dict) else None for row in _ends(rows)}
    if len(symbols) != 1:
        return []
    symbol = symbols.pop()
    return [Found("symbol", symbol, f"its {what}")] if symbol and isinstance(symbol, str) else []


def _timeframe_of(times: Sequence[datetime]) -> list[Found]:
    """Return the most common interval between adjacent candles as a timeframe."""
    ordered = sorted(set(times))
    # The most common one, since candles may be missing, repeated or unsorted.
    steps = Counter(int((later - earlier).total_seconds()) for earlier, later in pairwise(ordered))
    step = steps.most_common(1)[0][0] if steps else 0
    size, unit = next(((size, u) for size, u in _UNITS if step and step % size == 0), (0, ""))
    if not size:
        return []
    return [Found("timeframe", f"{step // size}{unit}", "the distance between its candles")]


def _moment_of(root: Any, times: Sequence[datetime], rows: Sequence[Any], what: str) -> list[Found]:
    """Return the time of the document, or that of its newest row."""
    inner = next((root[m] for m in ("orderbook", "portfolio") if _is_member(root, m)), None)
    # Order books of exchanges and portfolios may have their time within the payload.
    for place in (root, inner):
        written = place.get("timestamp") if isinstance(place, dict) else None
        moment = _time(written)
        if moment is not None:
            return [Found(MOMENT, iso_utc(moment), "“timestamp” in the file")]
    if not times:
        return []
    count = format_count(len(rows))
    return [Found(MOMENT, iso_utc(max(times)), f"the newest of its {count} {what}")]


def _is_member(root: Any, name: str) -> bool:
    return isinstance(root, dict) and isinstance(root.get(name), dict)


def _times_of(rows: Sequence[Any]) -> list[datetime]:
    moments = (_time(_written_time(row)) for row in _ends(rows))
    return [moment for moment in moments if moment is not None]


def _written_time(row: Any) -> Any:
    if isinstance(row, dict):
        return next((row[name] for name in _TIMES if name in row), None)
    return row[0] if isinstance(row, list) and row else None


def _time(value: Any) -> datetime | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    return moment_of(str(value))


def _ends(rows: Sequence[Any]) -> Sequence[Any]:
    """Return the rows, or those at both ends of a long list, which include the newest."""
    if len(rows) <= 2 * _MOST_ROWS:
        return rows
    return [*rows[:_MOST_ROWS], *rows[-_MOST_ROWS:]]
