"""A script in the shape of the earlier software: every file of a user, by its key alone."""

import json
import sys
from datetime import datetime, timedelta

from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

user = sys.argv[1]

data_manager = CryptoDataManager(S3StorageService())
start = datetime(2024, 1, 15, 10)
for day in range(3):
    moment = start + timedelta(days=day)
    assert data_manager.save_user_portfolio(user, {"assets": [], "day": day}, moment)
    assert data_manager.save_user_trades(user, [{"id": str(day)}], moment)

files = data_manager.list_user_data_files(user)
contents = [json.loads(data_manager.s3_service.get_object_data(key)) for key in files]
print(
    json.dumps(
        {
            "files": files,
            "newest": files[0].split("/")[-1],
            "sizes": [key.size for key in files],
            "as_items": [key["size"] for key in files],
            "timestamps": [content["timestamp"] for content in contents],
            "trades": data_manager.list_user_data_files(user, "trades"),
            "portfolios": data_manager.list_user_data_files(user, data_type="portfolio"),
        }
    )
)
