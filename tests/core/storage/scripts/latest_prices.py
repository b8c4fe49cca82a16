"""A script in the shape of the earlier software: arithmetic and JSON with the latest candles."""

import json
import sys
from datetime import datetime, timedelta

from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

symbol = sys.argv[1]

data = CryptoDataManager(S3StorageService())
assert data.get_latest_market_data(symbol, "ohlcv", timeframe="1h") is None
candles = [
    {
        "timestamp": "2024-01-15T10:00:00Z",
        "open": 1.1,
        "high": 2.5,
        "low": 1,
        "close": 2.2,
        "volume": 7,
    },
    {
        "timestamp": "2024-01-15T11:00:00Z",
        "open": 2.2,
        "high": 2.5,
        "low": 2,
        "close": 2.3,
        "volume": 0,
    },
]
data.save_ohlcv_data(symbol, "1h", candles, datetime.utcnow())
latest = data.get_latest_market_data(symbol, "ohlcv", days_back=1, timeframe="1h")
closes = [candle["close"] for candle in latest["data"]]
exact = data.get_latest_market_data(symbol, "ohlcv", exact=True)
print(
    json.dumps(
        {
            "text": json.loads(json.dumps(latest)),
            "mean": sum(closes) / len(closes) * 1.0,
            "change": (closes[-1] - 2.2) / 2.2,
            "kinds": sorted({type(value).__name__ for value in latest["data"][0].values()}),
            "exact": type(exact["data"][0]["close"]).__name__,
            "in_future": latest.stamp_in_future,
        }
    )
)

# A writer east of UTC that stamps its local time.
data.save_trade_data(symbol, [{"price": 1.5}], datetime.utcnow() + timedelta(hours=14))
ahead = data.get_latest_market_data(symbol, "trades")
print(json.dumps({"price": ahead["trades"][0]["price"], "in_future": ahead.stamp_in_future}))
