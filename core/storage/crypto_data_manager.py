"""The contract's data service: market data, users, reports, backups and logs by their layout."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from core.layout.building import build
from core.layout.forms import form_of, head_of, metadata_of
from core.layout.key_checks import check_segment
from core.layout.parsing import parse
from core.layout.timestamps import key_timestamp
from core.model.objects import Written
from core.storage.access import OfOneProcess
from core.storage.documents import NanRule, Payload, document, encoded
from core.storage.queries import latest_key, usage_of
from core.storage.s3_storage_service import S3StorageService
from core.storage.script_arguments import check_count
from core.storage.script_values import FutureStampWarning, StoredFile, is_in_future, market_value
from core.units import utc_now
from core.work import Work

Rows = Sequence[Mapping[str, Any]]


class CryptoDataManager(OfOneProcess):
    """Writes and reads objects with the keys, payloads and metadata of the data contract.

    A timestamp is the time of the data (now if None); a naive one is taken as UTC. NaN and
    infinities are not JSON: the methods that write documents raise an error that names field and
    row, or write null instead with `nan="null"`.
    """

    def __init__(self, s3_service: S3StorageService) -> None:
        self._s3 = s3_service

    @property
    def s3_service(self) -> S3StorageService:
        """The service that reads and writes the bucket."""
        return self._s3

    @property
    def bucket_name(self) -> str:
        """The bucket's name."""
        return self._s3.bucket_name

    def save_ohlcv_data(
        self,
        symbol: str,
        timeframe: str,
        ohlcv_data: Rows,
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store candles: `timestamp open high low close volume` each.

        Raises:
            InvalidInput: symbol or timeframe is not valid in a key, or a value is NaN or infinite;
                nothing is stored.
        """
        return self._save(
            "ohlcv",
            {"symbol": symbol, "timeframe": timeframe},
            "ohlcv_data",
            ohlcv_data,
            timestamp,
            nan,
        )

    def save_orderbook_data(
        self,
        symbol: str,
        orderbook: Mapping[str, Any],
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store an order book with `bids` and `asks`, each a list of price and quantity."""
        return self._save("orderbook", {"symbol": symbol}, "orderbook", orderbook, timestamp, nan)

    def save_trade_data(
        self,
        symbol: str,
        trades: Rows,
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store trades (ticks) of the market."""
        return self._save("trades", {"symbol": symbol}, "trades", trades, timestamp, nan)

    def save_user_portfolio(
        self,
        user_id: str,
        portfolio: Mapping[str, Any],
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store the portfolio of a user: `total_value_usd` and `assets`."""
        return self._save("portfolio", {"user_id": user_id}, "portfolio", portfolio, timestamp, nan)

    def save_user_trades(
        self,
        user_id: str,
        trades: Rows,
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store trades of a user."""
        return self._save("user_trades", {"user_id": user_id}, "trades", trades, timestamp, nan)

    def save_analytics_report(
        self,
        report_type: str,
        analysis_data: Mapping[str, Any],
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store a report."""
        return self._save(
            "analytics",
            {"report_type": report_type},
            "analysis_data",
            analysis_data,
            timestamp,
            nan,
        )

    def backup_database_table(
        self,
        table_name: str,
        data: Rows,
        timestamp: datetime | None = None,
        *,
        nan: NanRule = "refuse",
    ) -> Written:
        """Store the rows of a table in the old format, one JSON document.

        `core.backup` writes hashed parts with a manifest instead, and restores both.
        """
        return self._save("backup", {"table_name": table_name}, "data", data, timestamp, nan)

    def upload_log_file(
        self, log_type: str, log_file_path: str | Path, timestamp: datetime | None = None
    ) -> Written:
        """Store a log file unchanged.

        Raises:
            LocalIOError: the file cannot be read.
            SourceChanged: the file changed during the upload; nothing is stored.
        """
        moment, spelled = key_timestamp(timestamp)
        path = Path(log_file_path)
        names = {"log_type": log_type, "filename": path.name}
        key = build("log", moment=moment, **names)
        metadata = metadata_of(form_of("log"), names, spelled, len)
        return self._s3.upload_file(path, key, metadata, "text/plain")

    def get_latest_market_data(
        self,
        symbol: str,
        data_type: str,
        days_back: int = 1,
        timeframe: str | None = None,
        *,
        exact: bool = False,
        work: Work | None = None,
    ) -> Any:
        """Return the newest document of a symbol, or None if there is none.

        The document is the result of `json.loads`; a dict or list also has the attributes `key`,
        `moment` (the timestamp in the key, UTC) and `stamp_in_future`. A timestamp in the future,
        for example a local time that was written as UTC, also causes a `FutureStampWarning`.

        Args:
            symbol: for example `BTC-USD`.
            data_type: `ohlcv`, `orderbook` or `trades`.
            days_back: how many days before today (UTC) are searched, besides today and tomorrow.
            timeframe: the timeframe of candles; all timeframes if None.
            exact: return fractions as `Decimal` instead of float.
            work: cancel.

        Raises:
            InvalidInput: the data type is unknown, the symbol is not valid in a key, or `days_back` is
                negative.
            Corrupt: the newest object is not JSON.
        """
        if data_type not in {"ohlcv", "orderbook", "trades"}:
            raise InvalidInput(
                f"There is no market data of type {data_type!r}",
                cause="The types are ohlcv, orderbook and trades.",
                remedy="Choose one of them.",
            )
        check_count("days_back", days_back)
        found = latest_key(
            self._s3.bucket, symbol, data_type, days_back, timeframe=timeframe, work=work
        )
        if found is None:
            return None
        raw = self._s3.get_object_data(found.key, work=work)
        now = utc_now()
        if is_in_future(found, now):
            text = f"{found.key} has a timestamp in the future: it was probably not written in UTC"
            # The warning names the line of the script that called this method.
            warnings.warn(text, FutureStampWarning, stacklevel=2)
        return market_value(document(found.key, raw, exact=exact), found, now)

    def list_user_data_files(
        self, user_id: str, data_type: str | None = None, *, work: Work | None = None
    ) -> list[StoredFile]:
        """Return the keys of a user's objects, newest first.

        Each is a string with the attributes `size`, `last_modified` and `etag`. They are sorted by
        the time in the key, or by the last change if the key has none.

        Args:
            user_id: the user.
            data_type: `portfolio` or `trades`; both if None.
            work: cancel.
        """
        folder = f"user-data/{check_segment('user_id', user_id)}/"
        if data_type is not None:
            folder += f"{check_segment('data_type', data_type)}/"
        # The newest are found by the time in the key, so all keys of the folder have to be listed.
        rows = self._s3.list_objects(folder, max_keys=10**9, work=work)
        return sorted((StoredFile(**row) for row in rows), key=_age_order, reverse=True)

    def get_storage_stats(self, *, work: Work | None = None) -> dict[str, Any]:
        """Return number and size of all objects in the bucket.

        `{"total_objects", "total_size_bytes", "total_size_mb", "data_types": {top folder:
        {"count", "size_bytes", "size_mb"}}, "last_updated" (ISO 8601)}`; megabytes of 1024².
        """
        return usage_of(self._s3.bucket, work=work)

    def _save(
        self,
        kind: str,
        names: Mapping[str, str],
        argument: str,
        value: Mapping[str, Any] | Rows,
        timestamp: datetime | None,
        nan: NanRule,
    ) -> Written:
        """Store a document of a kind; `argument` names the value in errors."""
        form = form_of(kind)
        moment, spelled = key_timestamp(timestamp)
        key = build(kind, moment=moment, **names)
        body = encoded(head_of(names, spelled), Payload(form.payload, argument, value), nan=nan)
        metadata = metadata_of(form, names, spelled, partial(_count, value))
        return self._s3.upload_data(body, key, metadata, "application/json")


def _count(payload: Mapping[str, Any] | Rows, member: str) -> int:
    """Return the number of elements of the payload, or of one of its members."""
    if not member:
        return len(payload)
    return len(payload.get(member, ())) if isinstance(payload, Mapping) else 0


def _age_order(file: StoredFile) -> tuple[datetime, str]:
    parsed = parse(file.key)
    # The key breaks ties, so that the order of equal times does not change between calls.
    return (parsed.moment if parsed else file.last_modified, file.key)
