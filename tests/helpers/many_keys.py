"""A catalogue of many keys of the data contract, written without a listing."""

from contextlib import suppress

from helpers.listed_bucket import ListedBucket

from core.catalog.columns import parsed_sql
from core.catalog.database import temporary_database
from core.catalog.manifest import CatalogFolder, Manifest
from core.catalog.query_text import parse_query
from core.catalog.segments import write_base
from core.errors import InvalidInput
from core.local.spool import spool
from core.model.catalog import Listed
from core.units import utc_now

#: 24 symbols, of which each hour has two files of candles, one of trades and one order book.
_SYMBOLS, _FILES = 24, 4
_SQL = """
    CREATE TABLE listed AS
    WITH moments AS (
        SELECT TIMESTAMP '2020-01-01' + to_hours(hour::INTEGER) AS hour_at, symbol
        FROM range({hours}) AS h(hour), range({symbols}) AS s(symbol)
    ), named AS (
        SELECT hour_at, ['BTC','ETH','SOL','ADA','XRP','DOT','LTC','BCH'][symbol % 8 + 1]
            || ['-USD','-EUR','-BTC'][symbol // 8 + 1] AS symbol,
            strftime(hour_at, '%Y/%m/%d') AS day, strftime(hour_at, '%Y-%m-%dT%H:%M:%SZ') AS ts FROM moments
    ), keys AS (
        SELECT hour_at, 'market-data/ohlcv/' || symbol || '/1m/' || day || '/' || ts || '.json' AS key FROM named
        UNION ALL
        SELECT hour_at, 'market-data/ohlcv/' || symbol || '/1h/' || day || '/' || ts || '.json' FROM named
        UNION ALL
        SELECT hour_at, 'market-data/trades/' || symbol || '/' || strftime(hour_at, '%Y/%m/%d/%H/') || ts || '.json' FROM named
        UNION ALL
        SELECT hour_at, 'market-data/orderbook/' || symbol || '/' || strftime(hour_at, '%Y/%m/%d/%H/') || '00_' || ts || '.json' FROM named
    )
    SELECT key, (hash(key) % 2000000)::BIGINT AS size, hour_at::TIMESTAMPTZ AS modified,
        md5(key) AS etag, CASE WHEN hash(key) % 20 = 0 THEN 'GLACIER' ELSE 'STANDARD' END AS storage_class
    FROM keys
"""


def store_catalog(count):
    """Store a catalogue of about `count` keys, and return its bucket."""
    bucket = ListedBucket()
    folder = CatalogFolder(bucket)
    with spool() as temporary, temporary_database(temporary) as connection:
        connection.execute(_SQL.format(hours=count // (_SYMBOLS * _FILES), symbols=_SYMBOLS))
        connection.execute(f"CREATE TABLE fresh AS {parsed_sql('listed')}")
        segments = write_base(connection, folder, "fresh")
    now = utc_now()
    objects = sum(segment.rows for segment in segments)
    folder.write(Manifest(bucket.name, objects, segments, {"": Listed(now, now)}))
    return bucket


def typed():
    """Yield texts as they are typed, each with the order of the results."""
    for complete in (
        "btc-usd",
        "2021-03-15t10",
        "symbol:ETH* size:>1MB",
        "kind:trades time:2020-06",
    ):
        for end in range(1, len(complete) + 1):
            with suppress(InvalidInput):  # a value that is not complete, which starts no search
                parse_query(complete[:end])
                yield complete[:end], "key"
    for text in (
        "*ETH-*2020-02-*.json",
        "/T1[0-2]:00/",
        "/SOL.*2021-0[1-3]-/",
        "eth -eur class:glacier",
    ):
        yield text, "key"
    for order in ("size", "modified", "name"):
        yield "btc-", order
