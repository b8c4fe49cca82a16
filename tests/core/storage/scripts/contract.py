"""The samples of the data contract, run as a user's script would run them."""

import json
import sqlite3
import sys
from datetime import datetime

from core.storage.aws_secrets_manager import SecretsManager
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

folder = sys.argv[1]

secrets_manager = SecretsManager(region_name="us-east-1")
credentials = secrets_manager.get_secret("cryptotrading/s3-storage")
assert credentials["bucket_name"] == "tentimecrypto"

s3_service = S3StorageService()
assert s3_service.bucket_name == "tentimecrypto"
success = s3_service.upload_data(
    data=json.dumps({"key": "value"}), s3_key="path/to/data.json", metadata={"type": "test"}
)
assert success

data_manager = CryptoDataManager(s3_service)
ohlcv_data = [
    {
        "timestamp": "2024-01-15T10:00:00Z",
        "open": 50000.0,
        "high": 51000.0,
        "low": 49500.0,
        "close": 50500.0,
        "volume": 125.5,
    }
]
assert data_manager.save_ohlcv_data(symbol="BTC-USD", timeframe="1h", ohlcv_data=ohlcv_data)
portfolio = {
    "user_id": "craig",
    "total_value_usd": 125000.50,
    "assets": [{"symbol": "BTC", "quantity": 2.5, "value_usd": 125000.00}],
}
assert data_manager.save_user_portfolio(user_id="craig", portfolio=portfolio)
analysis = {
    "symbol": "BTC-USD",
    "indicators": {"rsi": 65.5, "macd": 1250.5},
    "recommendation": "hold",
}
assert data_manager.save_analytics_report(report_type="technical_analysis", analysis_data=analysis)

stats = data_manager.get_storage_stats()
print(f"Total objects: {stats['total_objects']}")

conn = sqlite3.connect(f"{folder}/rex_trading.db")
conn.executescript("CREATE TABLE users (id INTEGER, name TEXT); INSERT INTO users VALUES (1,'a')")
cursor = conn.cursor()
cursor.execute("SELECT * FROM users")
users_data = cursor.fetchall()
assert data_manager.backup_database_table(
    table_name="users",
    data=[
        dict(zip([col[0] for col in cursor.description], row, strict=True)) for row in users_data
    ],
)
conn.close()

assert data_manager.save_trade_data(
    symbol="BTC-USD", trades=[{"price": 1}], timestamp=datetime.utcnow()
)
assert data_manager.save_user_trades(
    user_id="craig", trades=[{"id": 1}], timestamp=datetime.utcnow()
)
assert data_manager.get_latest_market_data("BTC-USD", "ohlcv")["data"] == ohlcv_data
