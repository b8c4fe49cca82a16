"""The kinds of data in the bucket, as the contract lays them out (section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from core.layout.timestamps import PATTERN

_DAY = r"(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})"
_TS = rf"(?P<ts>{PATTERN})"
_END = r"\.json(?P<gz>\.gz)?"


def _seg(name: str) -> str:
    return rf"(?P<{name}>[^/]+)"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its id, its title, its names in order, and its template and pattern.

    `template` has the names, and `{Y} {M} {D} {H} {m} {ts}` from the moment in UTC.
    """

    id: str
    title: str
    names: tuple[str, ...]
    template: str
    pattern: re.Pattern[str] = field(repr=False)

    @property
    def prefix(self) -> str:
        """The part of the template before its first name."""
        return self.template.partition("{")[0]


KINDS: tuple[Kind, ...] = (
    Kind(
        "ohlcv",
        "OHLCV candles",
        ("symbol", "timeframe"),
        "market-data/ohlcv/{symbol}/{timeframe}/{Y}/{M}/{D}/{ts}.json",
        re.compile(rf"market-data/ohlcv/{_seg('symbol')}/{_seg('timeframe')}/{_DAY}/{_TS}{_END}"),
    ),
    Kind(
        "orderbook",
        "Order books",
        ("symbol",),
        "market-data/orderbook/{symbol}/{Y}/{M}/{D}/{H}/{m}_{ts}.json",
        re.compile(
            rf"market-data/orderbook/{_seg('symbol')}/{_DAY}/(?P<hour>\d{{2}})/"
            rf"(?P<minute>\d{{2}})_{_TS}{_END}"
        ),
    ),
    Kind(
        "trades",
        "Trades",
        ("symbol",),
        "market-data/trades/{symbol}/{Y}/{M}/{D}/{H}/{ts}.json",
        re.compile(rf"market-data/trades/{_seg('symbol')}/{_DAY}/(?P<hour>\d{{2}})/{_TS}{_END}"),
    ),
    Kind(
        "portfolio",
        "User portfolios",
        ("user_id",),
        "user-data/{user_id}/portfolio/{Y}/{M}/{D}/{ts}.json",
        re.compile(rf"user-data/{_seg('user_id')}/portfolio/{_DAY}/{_TS}{_END}"),
    ),
    Kind(
        "user_trades",
        "User trades",
        ("user_id",),
        "user-data/{user_id}/trades/{Y}/{M}/{ts}.json",
        re.compile(
            rf"user-data/{_seg('user_id')}/trades/(?P<year>\d{{4}})/(?P<month>\d{{2}})/{_TS}{_END}"
        ),
    ),
    Kind(
        "analytics",
        "Analytics reports",
        ("report_type",),
        "analytics/{report_type}/{Y}/{M}/{D}/{ts}.json",
        re.compile(rf"analytics/{_seg('report_type')}/{_DAY}/{_TS}{_END}"),
    ),
    Kind(
        "backup",
        "Table backups",
        ("table_name",),
        "backups/database/{table_name}/{Y}/{M}/{D}/{ts}.json",
        re.compile(rf"backups/database/{_seg('table_name')}/{_DAY}/{_TS}{_END}"),
    ),
    Kind(
        "log",
        "Log files",
        ("log_type", "filename"),
        "logs/{log_type}/{Y}/{M}/{D}/{ts}_{filename}",
        # The file name is matched lazily, so that a final .gz is the compression and not part of
        # it.
        re.compile(rf"logs/{_seg('log_type')}/{_DAY}/{_TS}_(?P<filename>[^/]+?)(?P<gz>\.gz)?"),
    ),
)

_BY_ID = {kind.id: kind for kind in KINDS}


def kind(kind_id: str) -> Kind:
    """Return the kind of that id.

    Raises:
        KeyError: the kind does not exist.
    """
    return _BY_ID[kind_id]
