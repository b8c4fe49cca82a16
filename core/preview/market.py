"""Detection of the payloads of the data contract, with missing values from the key.

`FORMS` is the list: a new kind of data is one reader and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.layout.forms import form_of
from core.layout.parsing import kind_of, parse
from core.preview.candle_rows import are_candles
from core.preview.candles import read_candles
from core.preview.exact import moment_of
from core.preview.history import history_of
from core.preview.numbers import text_of
from core.preview.orders import read_book, sides_of
from core.preview.portfolio import read_holdings
from core.preview.problems import Findings, ProblemKind
from core.preview.reading import Content, Reading, counted
from core.preview.tables import table_of
from core.preview.trades import check_trades, drawn_trades
from core.preview.values import Book, Representation, Table


def read_market(root: Any, reading: Reading) -> Content | None:
    """Return what the contract knows of a JSON value, or None when it fits none of its forms."""
    return next((seen for form in FORMS if (seen := form(root, reading))), None)


def _title(*parts: str, otherwise: str) -> str:
    return " · ".join(part for part in parts if part) or otherwise


def _rows_table(rows: list[Any], reading: Reading, *, checked: bool = True) -> tuple[Table, ...]:
    """Return the rows unchanged; for `checked` rows only exceeded limits are reported."""
    findings = Findings()
    table = table_of(rows, reading.limits, reading.next_deadline(), findings)
    reading.findings.merge(findings, *([ProblemKind.LIMIT] if checked else []))
    return (table,) if table else ()


def read_candles_of(root: Any, reading: Reading) -> Content | None:
    """Return the candles of a JSON value, or None if it has none."""
    rows = _payload(root, "ohlcv") if isinstance(root, dict) else root
    # Lists of numbers have no names, so only the key or the document identifies them as candles.
    named = kind_of(reading.key) == "ohlcv" or _own(root, "timeframe") != ""
    if not isinstance(rows, list) or not (are_candles(rows[:20]) or (named and rows)):
        return None
    symbol = _own(root, "symbol") or _from_key(reading, "symbol")
    timeframe = _own(root, "timeframe") or _from_key(reading, "timeframe")
    findings = Findings()
    # Separate findings: if there are no candles, those about bad rows do not apply to the other
    # view.
    trial = replace(reading, findings=findings)
    candles = read_candles(rows, symbol, timeframe, trial, saved=_saved(root, reading))
    if not candles.candles:
        finding = "no row is a candle, although the name indicates candles"
        reading.findings.note(ProblemKind.NOTE, finding)
        return None
    reading.findings.merge(findings)
    title = _title(symbol, timeframe, otherwise=reading.filename)
    tables = () if reading.first_only else _rows_table(rows, reading)
    representations: tuple[Representation, ...] = (candles, *tables)
    return Content(
        title, counted(len(candles.candles), "candle", more=not reading.complete), representations
    )


def _saved(root: Any, reading: Reading) -> datetime | None:
    """Return when the data was saved, according to the document or its key."""
    own = moment_of(root.get("timestamp")) if isinstance(root, dict) else None
    parsed = parse(reading.key)
    return own or (parsed.moment if parsed else None)


def _payload(root: dict[str, Any], kind: str, default: Any = None) -> Any:
    """Return the payload of a document according to the contract."""
    return root.get(form_of(kind).payload, default)


def _own(root: Any, name: str) -> str:
    value = text_of(root.get(name)) if isinstance(root, dict) else None
    # A hostile document may have a name of any length.
    return value[:80] if value else ""


def _book(root: Any, reading: Reading) -> Content | None:
    if not isinstance(root, dict):
        return None
    sides = sides_of(_payload(root, "orderbook", root))
    if sides is None:
        return None
    # `s` and `E` are the names in Binance's streams.
    symbol = _own(root, "symbol") or _own(root, "s") or _from_key(reading, "symbol")
    when = moment_of(root.get("timestamp", root.get("E")))
    book, table = read_book(sides, symbol, when, reading)
    count = f"{counted(len(book.bids), 'bid')} · {counted(len(book.asks), 'ask')}"
    title = _title(symbol, "order book", otherwise=reading.filename)
    return Content(title, count, (book, table) if book.bids or book.asks else (table,))


def read_books(values: list[Any], reading: Reading) -> Content | None:
    """Return order books that follow one another in a file; None if the values are none."""
    if len(values) < 2 or not all(_is_book(value) for value in values[:20]):
        return None
    findings, deadline = Findings(), reading.next_deadline()
    trial = replace(reading, findings=findings)
    books: dict[str, list[Book]] = {}
    for number, value in enumerate(values):
        if deadline.passed:
            finding = f"only the first {number:,} of {len(values):,} order books are drawn"
            reading.findings.note(ProblemKind.LIMIT, finding)
            break
        seen = _book(value, trial) if _is_book(value) else None
        book = seen.representations[0] if seen else None
        if isinstance(book, Book):
            books.setdefault(book.symbol, []).append(book)
    if not books:
        return None
    # The row of a finding is that of a level in its book, which the table of this file has not.
    for problem in findings.problems():
        reading.findings.add(replace(problem, row=None))
    symbol = max(books, key=lambda name: len(books[name]))
    history = history_of(symbol, books[symbol])
    if history is None:
        return None
    title = _title(symbol, "order books", otherwise=reading.filename)
    count = counted(len(history.books), "order book", more=not reading.complete)
    return Content(title, count, (history,))


def _is_book(value: Any) -> bool:
    return isinstance(value, dict) and sides_of(_payload(value, "orderbook", value)) is not None


def _from_key(reading: Reading, name: str) -> str:
    """Return a name in the key (symbol, user …) according to the contract, or an empty text."""
    parsed = parse(reading.key)
    return parsed.get(name) if parsed else ""


def _trades(root: Any, reading: Reading) -> Content | None:
    trades = _payload(root, "trades") if isinstance(root, dict) else None
    if not isinstance(trades, list) or not any(isinstance(trade, dict) for trade in trades[:20]):
        return None
    check_trades(trades, reading)
    table = _rows_table(trades, reading)[0]
    side = next((name for name in table.columns if name.lower() == "side"), "")
    tape = Table(table.columns, table.rows, table.numeric, table.more, side, "Tape")
    owner = _own(root, "symbol") or _own(root, "user_id") or _from_key(reading, "user_id")
    title = _title(owner, "trades", otherwise=reading.filename)
    count = counted(len(tape.rows), "trade", more=tape.more or not reading.complete)
    symbol = _own(root, "symbol") or _from_key(reading, "symbol")
    drawn = drawn_trades(trades, symbol, reading)
    return Content(title, count, (tape, drawn) if drawn else (tape,))


def _portfolio(root: Any, reading: Reading) -> Content | None:
    portfolio = _payload(root, "portfolio") if isinstance(root, dict) else None
    if not isinstance(portfolio, dict) or not isinstance(portfolio.get("assets"), list | dict):
        return None
    user = _own(root, "user_id") or _from_key(reading, "user_id")
    holdings = read_holdings(portfolio, user, moment_of(root.get("timestamp")), reading)
    assets = portfolio["assets"]
    table = _rows_table(assets, reading) if isinstance(assets, list) else ()
    title = _title(user, "portfolio", otherwise=reading.filename)
    return Content(title, counted(len(holdings.holdings), "asset"), (holdings, *table))


def _backup(root: Any, reading: Reading) -> Content | None:
    if not isinstance(root, dict) or "table_name" not in root:
        return None
    records = _payload(root, "backup")
    if not isinstance(records, list):
        return None
    tables = _rows_table(records, reading, checked=False)
    title = _title(_own(root, "table_name"), "table backup", otherwise=reading.filename)
    more = not reading.complete or any(table.more for table in tables)
    return Content(title, counted(len(records), "row", more=more), tables)


#: The kinds of the contract; the first that fits is shown.
FORMS: tuple[Callable[[Any, Reading], Content | None], ...] = (
    read_candles_of,
    _book,
    _trades,
    _portfolio,
    _backup,
)
