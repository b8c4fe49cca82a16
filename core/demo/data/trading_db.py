"""The sample trading database `rex_trading.db`, made by SQLite itself: 203,556 rows.

Rows follow from their number by integer arithmetic and a running sum, so they are the same every
time, and no Python code runs for each of them.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

DATABASE_NAME = "rex_trading.db"
#: Rows of each table.
ROWS = {"users": 4, "orders": 48_210, "portfolio": 3_902, "market_data": 151_440}

_SCHEMA = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT,
    created_at TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    avatar BLOB
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id),
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity REAL NOT NULL,
    price REAL,
    status TEXT NOT NULL DEFAULT 'open',
    created_at TEXT NOT NULL,
    filled_at TEXT
);
CREATE TABLE portfolio (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    symbol TEXT NOT NULL,
    as_of TEXT NOT NULL,
    quantity REAL NOT NULL,
    avg_price REAL,
    PRIMARY KEY (user_id, symbol, as_of)
);
CREATE TABLE market_data (
    symbol TEXT NOT NULL,
    ts INTEGER NOT NULL,
    open REAL NOT NULL,
    high REAL NOT NULL,
    low REAL NOT NULL,
    close REAL NOT NULL,
    volume REAL,
    PRIMARY KEY (symbol, ts)
) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX orders_by_user ON orders (user_id, created_at);
CREATE INDEX orders_open ON orders (symbol) WHERE status = 'open';
"""
_USERS = """
INSERT INTO users VALUES
    (1, 'iris-capital', 'desk@iris.example.com', '2023-04-05 09:30:00', 1, x'89504E470D0A1A0A00FF'),
    (2, 'crowe', 'crowe@example.com', '2023-05-05 09:30:00', 1, NULL),
    (3, 'okafor', 'n.okafor@example.com', '2023-06-05 09:30:00', 0, x''),
    (4, 'tanaka', NULL, '2023-07-05 09:30:00', 1, x'00010203');
"""
#: Integers from 0; `noise(n)` is a constant pseudo-random number of a row.
_NUMBERS = "WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row LIMIT :rows)"
_NOISE = "((n * 2654435761 + 40503) % 1000003 * 48271 % 1000003)"
_ORDERS = f"""
{_NUMBERS},
noisy AS (SELECT n, {_NOISE} AS r FROM row)
INSERT INTO orders
SELECT n + 1,
    1 + r % 4,
    CASE r / 4 % 3 WHEN 0 THEN 'BTC-USD' WHEN 1 THEN 'ETH-USD' ELSE 'SOL-USD' END,
    CASE r / 12 % 2 WHEN 0 THEN 'buy' ELSE 'sell' END,
    (1 + r % 4000) / 1000.0,
    CASE WHEN r % 10 < 3 THEN NULL ELSE
        CASE r / 4 % 3 WHEN 0 THEN 42000.0 WHEN 1 THEN 2300.0 ELSE 98.0 END
        * (1 + (r % 8191 - 4095) / 65521.0) END,
    CASE WHEN n % 25 = 7 THEN 'open' WHEN r % 11 = 0 THEN 'cancelled' ELSE 'filled' END,
    datetime(1704067200 + n * 107 + r % 60, 'unixepoch'),
    CASE WHEN n % 25 = 7 OR r % 11 = 0 THEN NULL
        ELSE datetime(1704067260 + n * 107 + r % 600, 'unixepoch') END
FROM noisy;
"""  # noqa: S608 - put together from constants of this module
_PORTFOLIO = f"""
{_NUMBERS},
noisy AS (SELECT n, {_NOISE} AS r FROM row)
INSERT INTO portfolio
SELECT 1 + n % 4,
    CASE n / 4 % 3 WHEN 0 THEN 'BTC-USD' WHEN 1 THEN 'ETH-USD' ELSE 'SOL-USD' END,
    date(1709164800 - n / 12 * 86400, 'unixepoch'),
    r / 7919.0,
    CASE WHEN r % 9 = 0 THEN NULL ELSE 37.0 + r / 311.0 END
FROM noisy;
"""  # noqa: S608 - put together from constants of this module
_MARKET = f"""
{_NUMBERS},
noisy AS (SELECT n, n / 3 AS minute, n % 3 AS market, {_NOISE} AS r FROM row),
walk AS (
    SELECT n, minute, market, r,
        sum((r % 2001 - 1000) / 1000.0) OVER (PARTITION BY market ORDER BY minute) AS moved
    FROM noisy
),
priced AS (
    SELECT minute, market, r, volume_base,
        base * (1 + moved * 0.0006) AS price, base * 0.0004 AS step
    FROM walk JOIN (
        SELECT 0 AS id, 42000.0 AS base, 5.0 AS volume_base
        UNION ALL SELECT 1, 2300.0, 70.0 UNION ALL SELECT 2, 98.0, 1600.0
    ) ON id = market
)
INSERT INTO market_data
SELECT
    CASE market WHEN 0 THEN 'BTC-USD' WHEN 1 THEN 'ETH-USD' ELSE 'SOL-USD' END,
    1704067200 + minute * 60,
    price,
    price + step * (2 + r % 7),
    price - step * (2 + r % 5),
    price + step * (r % 5 - 2),
    CASE WHEN r % 97 = 0 THEN NULL ELSE volume_base * (1 + r % 1009) / 101.0 END
FROM priced;
"""  # noqa: S608 - put together from constants of this module


def make_database(folder: Path) -> Path:
    """Create the database in a folder and return its path."""
    path = folder / DATABASE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # It is created at each start: nothing is lost after a crash.
        database.executescript(
            f"PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; {_SCHEMA} {_USERS}"
        )
        database.execute("BEGIN")
        for table, statement in (
            ("orders", _ORDERS),
            ("portfolio", _PORTFOLIO),
            ("market_data", _MARKET),
        ):
            database.execute(statement, {"rows": ROWS[table]})
        database.execute("COMMIT")
        # Indexes after the rows: filling them once is faster than updating them with each row.
        database.executescript(f"{_INDEXES} PRAGMA journal_mode = DELETE;")
    return path
