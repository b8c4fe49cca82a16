"""The text of a search finds what it describes, and an error names what cannot be read."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from helpers.listed_bucket import ListedBucket

from core.catalog.catalog import open_catalog
from core.catalog.periods import age_of, period_of
from core.catalog.query_text import FIELDS, parse_query
from core.catalog.refresh import refresh
from core.errors import InvalidInput
from core.work import Work

CANDLE = "market-data/ohlcv/{}/{}/2024/01/15/2024-01-15T{:02}:00:00Z.json"
KEYS = {
    **{CANDLE.format("BTC-USD", "1h", hour): 1000 * hour for hour in range(24)},
    **{CANDLE.format("ETH-EUR", "1M", hour): 5 for hour in range(2)},
    "logs/engine/2024/02/01/2024-02-01T00:00:00Z_a b.log": 7,
    "user-data/user-1/trades/2024/02/2024-02-02T00:00:00Z.json": 8,
    "exports/100%_done!.csv": 9,
    "exports/Großbuchstaben.TXT": 10,
    "T10:00": 11,
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_HOME", str(tmp_path_factory.mktemp("home")))
        bucket = ListedBucket(dict(KEYS)).use(patch)
        refresh(bucket, Work())
        yield open_catalog(bucket)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", len(KEYS)),
        ("btc", 24),
        ("BTC t10", 1),
        ("-btc", len(KEYS) - 24),
        ("!btc", len(KEYS) - 24),
        ("kind:ohlcv", 26),
        ("kind:oh symbol:eth*", 2),
        ("kind:other", 3),
        ("-kind:other", len(KEYS) - 3),
        ("symbol:BTC-USD,ETH-EUR timeframe:1h", 24),
        ("symbol:btc-usd", 24),
        ("size:>10KB", 13),
        ("size:>=10KB", 14),
        ("size:5..7", 3),
        ("size:..5", 3),
        ("size:0", 1),
        ("size:<1KiB -kind:ohlcv", 5),
        ("time:2024-01-15", 26),
        ("time:2024-01-15T23", 1),
        ("time:>2024-01", 2),
        ("time:<=2024-01-15T00:00", 2),
        ("time:2024-01-15T05..2024-01-15T06", 2),
        ("modified:2024-06-01", len(KEYS)),
        ("modified:>2024-06-01", 0),
        ("modified:<1h", 0),
        ("modified:>1h", len(KEYS)),
        ("*.csv", 1),
        ("a?b.log", 0),
        ("*a?b.log", 1),
        ("BTC-*", 24),
        ("TC-USD*", 0),
        ("2024-0[12]-*", 28),
        ("exports/*", 2),
        ("100%_d*", 1),
        ("100%*!.csv", 1),
        ("/T1[0-2]:/", 4),
        ("/t1[0-2]:/", 0),
        ("/t1[0-2]:/i", 4),
        ("/a b/", 1),
        ("/BTC-USD/1h/2024/", 24),
        ('"a b.log"', 1),
        ("GROSS", 0),
        ("großBUCH", 1),
        ("T10:00", 2),
        ("prefix:exports/", 2),
        ("prefix:EXPORTS/", 0),
        ("user:user-* ", 1),
        ("log:engine", 1),
        ("class:standard", len(KEYS)),
        ("kind: symbol:", len(KEYS)),
    ],
)
def test_a_text_finds_the_keys_that_it_describes(catalog, text, count):
    assert len(catalog.search(parse_query(text))) == count


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("size:>big", "size:>1MB"),
        ("modified:yesterday", "modified:7d"),
        ("time:2024-02-30", "time:2024-01"),
        ("kind:nothing", "ohlcv"),
        ("sise:>1MB", "modified"),
    ],
)
def test_an_error_names_the_accepted_forms(text, named):
    with pytest.raises(InvalidInput) as caught:
        parse_query(text)
    assert named in caught.value.remedy


def test_an_invalid_regular_expression_is_a_plain_error(catalog):
    with pytest.raises(InvalidInput, match="regular expression"):
        catalog.search(parse_query("/T[1/"))


def test_the_examples_of_all_fields_can_be_read():
    for name, field in FIELDS.items():
        assert field.example.startswith(f"{name}:")
        assert len(parse_query(field.example).conditions) == 1


def test_results_are_sorted_and_read_page_by_page(catalog):
    found = catalog.search(parse_query("btc"), order="size", descending=True)
    assert [row.size for row in found.page(0, 3)] == [23000, 22000, 21000]
    assert [row.size for row in found.page(22, 5)] == [1000, 0]
    assert found.size == sum(1000 * hour for hour in range(24))
    names = catalog.search(parse_query(""), order="name")
    listed = [row.key.rpartition("/")[2].lower() for row in names.page(0, 100)]
    assert listed == sorted(listed)


def test_rows_of_one_kind_have_the_columns_of_their_keys(catalog):
    begin = datetime(2024, 1, 15, 5, tzinfo=UTC)
    found = catalog.rows("ohlcv", symbols=["BTC-USD"], timeframe="1h", begin=begin)
    assert len(found) == 19
    assert str(found.moments[0]) == "2024-01-15T05:00:00.000000"
    assert list(found.sizes[:2]) == [5000, 6000]
    assert len(catalog.rows("ohlcv", timeframe="1m")) == 0
    assert len(catalog.rows("ohlcv", timeframe="1M")) == 2


def test_periods_and_ages():
    assert period_of("2024").end == datetime(2025, 1, 1, tzinfo=UTC)
    assert period_of("2024-12").end == datetime(2025, 1, 1, tzinfo=UTC)
    assert period_of("2024-02-29").begin == datetime(2024, 2, 29, tzinfo=UTC)
    assert period_of("2023-02-29") is None
    assert period_of("9999") is None
    assert age_of("2w") == timedelta(days=14)
    assert age_of("2m") is None


@pytest.mark.parametrize("key", ["x/ΑΣ", "ΑΣ-b", "İ.txt", "ẞ"])
@pytest.mark.parametrize("glob", ["{}", "*{}", "{}*"])
def test_a_glob_finds_its_key_also_where_lower_case_depends_on_the_place(key, glob):
    # A sigma at the end of a word has another small letter in Python, and not in DuckDB.
    (condition,) = parse_query(glob.format(key)).conditions
    sql = (
        f"SELECT {condition.sql} FROM (SELECT key, lower(key) AS low FROM (SELECT '{key}' AS key))"
    )
    assert duckdb.execute(sql, list(condition.values)).fetchone() == (True,)


def test_sizes_with_fractions_are_exact():
    (condition,) = parse_query("size:1.001KB").conditions
    assert condition.values == (1001, 1001)
