"""Portfolios: assets with their values, the most valuable first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from core.preview.exact import decimal_of, first_of
from core.preview.numbers import text_of
from core.preview.problems import Findings, ProblemKind
from core.preview.reading import Reading
from core.preview.values import Holding, Holdings

#: Maximum number of assets that are shown.
_MOST = 5_000
_CENT = Decimal("0.01")
#: Enough for the product of two of the largest numbers that are read.
_DIGITS = 150
#: The names under which assets have their symbols.
SYMBOLS = ("symbol", "asset", "currency")
_QUANTITY = ("quantity", "qty", "amount", "balance", "total")


def read_holdings(
    portfolio: dict[str, Any], user: str, when: datetime | None, reading: Reading
) -> Holdings:
    """Return the holdings of one portfolio; `assets` may be a list or a mapping by symbol."""
    found = []
    for row, (symbol, asset) in enumerate(_assets(portfolio.get("assets"))):
        if row >= _MOST:
            reading.findings.note(ProblemKind.LIMIT, f"the first {_MOST:,} assets are shown")
            break
        if not isinstance(asset, dict) and isinstance(portfolio.get("assets"), list):
            reading.findings.note(ProblemKind.BAD_ROW, f"row {row + 1:,} is not an asset", row=row)
        found.append(_holding(symbol, asset, row, reading.findings))
    found.sort(key=lambda holding: holding.value or Decimal(0), reverse=True)
    total = decimal_of(first_of(portfolio, ("total_value_usd", "total_value", "total")))
    return Holdings(user, when, tuple(found), total)


def _assets(assets: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(assets, dict):
        yield from assets.items()
    elif isinstance(assets, list):
        for asset in assets:
            named = first_of(asset, SYMBOLS) if isinstance(asset, dict) else None
            yield text_of(named) or "?", asset


def _holding(symbol: str, asset: Any, row: int, findings: Findings) -> Holding:
    record = asset if isinstance(asset, dict) else {"quantity": asset}
    quantity = decimal_of(first_of(record, _QUANTITY))
    average = decimal_of(first_of(record, ("avg_price", "average_price")))
    price = decimal_of(first_of(record, ("current_price", "price")))
    value = decimal_of(first_of(record, ("value_usd", "value")))
    if value is None and quantity is not None and price is not None:
        with localcontext(prec=_DIGITS):
            # In a context of enough digits: `quantize` raises an error if the result needs more
            # than it has.
            value = (quantity * price).quantize(_CENT)
    if quantity is None:
        findings.note(ProblemKind.BAD_NUMBER, f"{symbol[:40]} has no readable quantity", row=row)
    elif quantity < 0:
        finding = f"{symbol[:40]}: quantity {quantity} is negative"
        findings.note(ProblemKind.NEGATIVE, finding, row=row)
    return Holding(symbol, quantity, value, average, price)
