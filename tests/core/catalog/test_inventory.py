"""Reports of S3 Inventory are searched as they are, and can be the start of a catalogue."""

import pytest
from helpers.listed_bucket import ListedBucket

from core.catalog.catalog import open_catalog
from core.catalog.database import connect
from core.catalog.inventory import import_inventory, search_inventory
from core.catalog.query_text import parse_query
from core.catalog.refresh import refresh
from core.errors import InvalidInput
from core.work import Work

CANDLE = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
ROWS = f"""
    ('bucket', '{CANDLE}', true, false, 12, TIMESTAMP '2024-02-01 00:00:00', 'abc', 'STANDARD'),
    ('bucket', 'a b+%2F.txt', true, false, 3, TIMESTAMP '2024-02-03 00:00:00', 'def', 'GLACIER'),
    ('bucket', 'old.txt', false, false, 4, TIMESTAMP '2024-01-01 00:00:00', 'x', 'STANDARD'),
    ('bucket', 'deleted.txt', true, true, NULL, TIMESTAMP '2024-01-01 00:00:00', NULL, NULL)
"""


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.parquet"
    with connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM (VALUES {ROWS}) AS t(bucket, key, is_latest, is_delete_marker, "
            f"size, last_modified_date, e_tag, storage_class)) TO '{path}' (FORMAT parquet)"
        )
    return path


def test_a_report_is_searched_without_a_catalogue(report):
    table = search_inventory([report], Work())
    assert len(table.search(parse_query(""), "", Work())) == 2
    (row,) = table.search(parse_query("kind:ohlcv"), "", Work()).page(0, 10)
    assert (row.key, row.size, row.symbol, row.timeframe) == (CANDLE, 12, "BTC-USD", "1h")
    assert len(table.search(parse_query("class:glacier"), "", Work())) == 1


def test_a_report_becomes_the_catalogue_and_a_refresh_adds_what_is_newer(report, monkeypatch):
    bucket = ListedBucket({CANDLE: 12, "new.txt": 5}).use(monkeypatch)
    found = import_inventory(bucket, Work(), paths=[str(report)])
    assert (found.objects, found.added, found.requests) == (2, 2, 0)
    state = open_catalog(bucket).state
    assert state.source == "inventory"
    assert f"{state.listed_for('').recent:%Y-%m-%d}" == "2024-02-03"
    assert not bucket.requests
    later = refresh(bucket, Work())
    assert (later.added, later.removed) == (1, 1)
    assert open_catalog(bucket).state.source == "listing"


def test_a_report_of_another_bucket_or_another_file_is_refused(report, tmp_path, monkeypatch):
    bucket = ListedBucket(name="other").use(monkeypatch)
    with pytest.raises(InvalidInput, match="is of the bucket bucket"):
        import_inventory(bucket, Work(), paths=[str(report)])
    path = tmp_path / "other.parquet"
    with connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS key) TO '{path}' (FORMAT parquet)")
    with pytest.raises(InvalidInput, match="not a report"):
        search_inventory([path], Work())
    path.write_bytes(b"text")
    with pytest.raises(InvalidInput):
        search_inventory([path], Work())
