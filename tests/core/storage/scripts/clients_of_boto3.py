"""A script in the shape of the earlier software: it reaches through to boto3 and the bucket."""

import json
import sys

from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

key = sys.argv[1]

s3 = S3StorageService(secret_name="cryptotrading/s3-storage", region_name="us-east-1")
data = CryptoDataManager(s3)
s3.s3_client.put_object(Bucket=data.bucket_name, Key=key, Body=b"by boto3")
head = s3.s3_client.head_object(Bucket=s3.bucket_name, Key=key)
pages = s3.s3_client.get_paginator("list_objects_v2").paginate(Bucket=s3.bucket_name, Prefix=key)
print(
    json.dumps(
        {
            "read": data.s3_service.get_object_data(key).decode(),
            "size": head["ContentLength"],
            "listed": [row["Key"] for page in pages for row in page.get("Contents", [])],
            "bucket": s3.secrets_manager.get_secret("cryptotrading/s3-storage")["bucket_name"],
            "region": s3.region_name,
            "same": data.s3_service is s3,
        }
    )
)
assert s3.delete_object(key)
print(json.dumps({"exists": s3.object_exists(key)}))
