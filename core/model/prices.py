"""List prices of requests, for estimates; other regions and contracts differ."""

from __future__ import annotations

#: US dollars for a thousand GET and LIST requests in S3 Standard.
GET_PRICE, LIST_PRICE = 0.0004, 0.005
#: Where the prices come from, as estimates state it.
PRICES = "list prices of aws.amazon.com/s3/pricing for us-east-1, as of June 2025"
