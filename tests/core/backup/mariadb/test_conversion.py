"""Backups of each engine are restored into both other engines: exact values, or a refusal."""

from typing import Any

import apsw
import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server, postgresql_server  # noqa: F401 - fixture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.preview import preview_of
from core.backup.restore import BY_CONVERSION, Choices, restore_of
from core.backup.row_restore import restore_rows_of
from core.backup.run import back_up
from core.errors import NotSupported
from core.model.backup import Backup
from core.model.restore import RestoreReport
from core.model.row_restore import RowCounts
from core.work import Work
from tests.core.backup.mariadb.conftest import Place


def _backed_up(store: MemoryStore, place: Place, table: str = "t") -> Backup:
    with open_database(place.address) as source:
        return back_up(store, source, [table], "", Work()).backups[0]


def _restored(store: MemoryStore, backup: Backup, place: Place, **choices: Any) -> RestoreReport:
    return restore_of(store, backup, place.address, Choices(**choices), Work())


_POSTGRESQL = (
    "CREATE TYPE mood AS ENUM ('good', 'it''s')",
    "CREATE DOMAIN price AS numeric(20, 4) CHECK (value >= 0)",
    """CREATE TABLE t (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, flag boolean NOT NULL, small smallint,
        amount numeric, cost price, ratio double precision, data bytea, day date,
        at timestamp, moment timestamptz, clock time, length interval, key uuid UNIQUE, doc jsonb,
        exact json, tags text[], numbers numeric[][], state mood, name text, code varchar(10),
        fixed char(4), ip inet, bits bit(5), span int4range, twice bigint GENERATED ALWAYS AS (small * 2) STORED,
        UNIQUE (code, small))""",
    "CREATE INDEX t_name ON t (name DESC, day)",
    "CREATE INDEX t_lower ON t (lower(name))",
    """INSERT INTO t (flag, small, amount, cost, ratio, data, day, at, moment, clock, length, key,
        doc, exact, tags, numbers, state, name, code, fixed, ip, bits, span) VALUES
        (true, -32768, 12345678901234567890.123456789, 1.5, 0.1, '\\x00ff', '2024-02-29',
         '2024-02-29 12:30:00.5', '2024-02-29 12:30:00.123456+05', '23:59:59.5', '1 mon -2 days',
         '00000000-0000-0000-0000-00000000000a', '{"b": 1.0}', '{"z":1, "a":2}',
         ARRAY['a,"b', NULL, 'NULL', 'é\\n'], '{{1.50,2},{3,4}}', 'it''s', E'line\\n"two"\\\\',
         'x', 'ab', '10.0.0.1/8', B'10101', '[1,5)'),
        (false, 0, -0.000001, 0, 1e300, '', '0001-01-01', '9999-12-31 23:59:59.999999',
         '1970-01-01 00:00:00+00', '24:00:00', '-838:59:59', NULL, '[]', 'null', '{}', '{}', 'good',
         '', '', '', '::1', B'00000', 'empty'),
        (true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
)


def test_postgresql_into_sqlite(store: MemoryStore, places: dict[str, Place]) -> None:
    for statement in _POSTGRESQL:
        places["PostgreSQL"].run(statement)
    backup = _backed_up(store, places["PostgreSQL"])
    shown = preview_of(store, backup, places["SQLite"].address, 10, Work())
    assert shown.problems[0] == "Converted from PostgreSQL to SQLite; the differences follow."
    assert (
        "amount (numeric), cost (public.price) → TEXT: the exact digits are stored as text, because "
        "SQLite would round them."
    ) in shown.problems
    report = _restored(store, backup, places["SQLite"])
    assert report.verified == BY_CONVERSION
    assert any("2 checks" in text or "generated column" in text for text in report.problems)
    run = places["SQLite"].run
    assert run(
        "SELECT flag, small, amount, cost, ratio, data, day, at, moment, clock FROM t WHERE id = 1"
    ) == [
        (1, -32768, "12345678901234567890.123456789", "1.5000", 0.1, b"\x00\xff", "2024-02-29",
         "2024-02-29 12:30:00.5", "2024-02-29 07:30:00.123456+00:00", "23:59:59.5"),
    ]  # fmt: skip
    assert run("SELECT tags, numbers, state, name, fixed, span FROM t WHERE id = 1") == [
        ('["a,\\"b", null, "NULL", "é\\\\n"]', "[[1.50, 2], [3, 4]]", "it's", 'line\n"two"\\',
         "ab  ", "[1,5)"),
    ]  # fmt: skip
    assert run("SELECT count(*) FROM t WHERE name IS NULL") == [(1,)]
    with pytest.raises(apsw.ConstraintError):
        run("INSERT INTO t (flag, state) VALUES (1, 'odd')")
    with pytest.raises(apsw.ConstraintError):
        run("INSERT INTO t (flag, code, small) VALUES (1, 'x', -32768)")
    run("UPDATE t SET day = NULL, at = NULL, numbers = 'x' WHERE id = 1")
    run("DELETE FROM t WHERE id = 2")
    rows = restore_rows_of(store, backup, places["SQLite"].address, ["1", "2"], Work())
    assert rows.counts == RowCounts(1, 1)
    again = preview_of(store, backup, places["SQLite"].address, 10, Work())
    assert (again.difference.added, again.difference.changed, again.difference.removed) == (0, 0, 0)


def test_postgresql_into_mariadb(store: MemoryStore, places: dict[str, Place]) -> None:
    for statement in _POSTGRESQL:
        places["PostgreSQL"].run(statement)
    backup = _backed_up(store, places["PostgreSQL"])
    report = _restored(store, backup, places["MariaDB"])
    assert report.verified == BY_CONVERSION
    run = places["MariaDB"].run
    row = run(
        "SELECT flag, small, CAST(amount AS CHAR), CAST(cost AS CHAR), ratio, HEX(data), "
        "CAST(day AS CHAR), CAST(at AS CHAR), CAST(moment AS CHAR), CAST(clock AS CHAR), state, "
        "name, fixed, tags FROM t WHERE id = 1"
    )
    assert row == (
        (1, -32768, "12345678901234567890.123456789" + "0" * 21, "1.5000", 0.1, "00FF",
         "2024-02-29", "2024-02-29 12:30:00.500000", "2024-02-29 07:30:00.123456",
         "23:59:59.500000", "it's", 'line\n"two"\\', "ab  ", '["a,\\"b", null, "NULL", "é\\\\n"]'),
    )  # fmt: skip
    definition = run("SHOW CREATE TABLE t")[0][1]
    for text in ("PRIMARY KEY (`id`)", "UNIQUE KEY", "KEY `t_name` (`name`(191),`day`)"):
        assert text in definition
    run("INSERT INTO t (flag) VALUES (1)")
    assert run("SELECT MAX(id) FROM t") == ((4,),)
    run("DELETE FROM t WHERE id = 4")
    run("UPDATE t SET day = NULL, at = NULL, numbers = 'x' WHERE id = 1")
    run("DELETE FROM t WHERE id = 2")
    rows = restore_rows_of(store, backup, places["MariaDB"].address, ["1", "2"], Work())
    assert rows.counts == RowCounts(1, 1)
    again = preview_of(store, backup, places["MariaDB"].address, 10, Work())
    assert (again.difference.added, again.difference.changed, again.difference.removed) == (0, 0, 0)


_MARIADB = (
    """CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, tiny TINYINT UNSIGNED, big BIGINT UNSIGNED,
        amount DECIMAL(30, 10), f FLOAT, d DOUBLE, day DATE, at DATETIME(3), moment TIMESTAMP(6) NULL,
        clock TIME(2), y YEAR, bits BIT(12), data VARBINARY(20), doc JSON, state ENUM('a', 'it''s'),
        flags SET('p', 'q'), z DECIMAL(9, 2) ZEROFILL DEFAULT 1.5, name VARCHAR(50) UNIQUE, body LONGTEXT, point POINT, u UUID, ip INET6,
        old VARCHAR(9) CHARACTER SET latin1, KEY by_day (day, at), FULLTEXT KEY words (body),
        KEY part (body(10)))""",
    """INSERT INTO t VALUES (1, 255, 9223372036854775807, 12345678901234567890.0123456789, 0.1, 0.1,
        '2024-02-29', '2024-02-29 12:30:00.5', '2024-02-29 07:30:00.123456', '23:59:59.5', 2024, b'101',
        x'00FF', '{"z": 1}', 'it''s', 'p,q', 1.5, 'é', 'line\\n"two"\\\\', POINT(1, 2),
        '00000000-0000-0000-0000-00000000000a', '::1', 'é'),
        (2, 0, 0, -1, -1e30, 1e300, '0001-01-01', '9999-12-31 23:59:59.999', '1970-01-02 00:00:00',
        '00:00:00', 1901, b'0', '', 'null', 'a', '', 0, '', '', NULL, NULL, NULL, ''),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
)


def test_mariadb_into_postgresql(store: MemoryStore, places: dict[str, Place]) -> None:
    for statement in _MARIADB:
        places["MariaDB"].run(statement)
    backup = _backed_up(store, places["MariaDB"])
    report = _restored(store, backup, places["PostgreSQL"])
    assert report.verified == BY_CONVERSION
    run = places["PostgreSQL"].run
    assert run("SELECT ROW(tiny, big, amount, d, day, at, clock, y, bits, data, doc)::text FROM t WHERE id = 1") == [
        [
            (
                '(255,9223372036854775807,12345678901234567890.0123456789,0.1,2024-02-29,'
                '"2024-02-29 12:30:00.5",23:59:59.5,2024,000000000101,"\\\\x00ff","{""z"": 1}")'
            )
        ]
    ]  # fmt: skip
    assert run("SELECT (moment AT TIME ZONE 'UTC')::text, name, body, u::text, old FROM t WHERE id = 1") == [
        ["2024-02-29 07:30:00.123456", "é", 'line\n"two"\\', "00000000-0000-0000-0000-00000000000a",
         "é"]
    ]  # fmt: skip
    indexes = [row[0] for row in run("SELECT indexdef FROM pg_indexes WHERE tablename = 't'")]
    assert any("(day, at)" in text for text in indexes)
    assert any("UNIQUE INDEX name" in text for text in indexes)
    run("INSERT INTO t (tiny) VALUES (1)")
    assert run("SELECT max(id) FROM t") == [[4]]
    run("DELETE FROM t WHERE id = 4")
    run("UPDATE t SET day = NULL, moment = NULL WHERE id = 1")
    run("DELETE FROM t WHERE id = 2")
    rows = restore_rows_of(store, backup, places["PostgreSQL"].address, ["1", "2"], Work())
    assert rows.counts == RowCounts(1, 1)
    again = preview_of(store, backup, places["PostgreSQL"].address, 10, Work())
    assert (again.difference.added, again.difference.changed, again.difference.removed) == (0, 0, 0)


def test_mariadb_into_sqlite(store: MemoryStore, places: dict[str, Place]) -> None:
    for statement in _MARIADB:
        places["MariaDB"].run(statement)
    backup = _backed_up(store, places["MariaDB"])
    assert _restored(store, backup, places["SQLite"]).verified == BY_CONVERSION
    run = places["SQLite"].run
    assert run("SELECT tiny, big, amount, d, day, at, moment, y, bits, data, state FROM t WHERE id = 1") == [
        (255, 9223372036854775807, "12345678901234567890.0123456789", 0.1, "2024-02-29",
         "2024-02-29 12:30:00.500", "2024-02-29 07:30:00.123456+00:00", 2024, 5, b"\x00\xff", "it's")
    ]  # fmt: skip


_SQLITE = (
    """CREATE TABLE t (id INTEGER PRIMARY KEY, flag BOOLEAN, n INT NOT NULL, r REAL, num NUMERIC,
        name VARCHAR(20) UNIQUE, day DATE, data BLOB, anything, CHECK (n > -100))""",
    "CREATE INDEX by_day ON t (day, n)",
    r"""INSERT INTO t VALUES
        (1, 1, 9223372036854775807, 0.1, 1.5, 'é', '2024-01-01', x'00FF', 'any'),
        (2, 0, -5, -1e300, 12345678901234567, 'line' || char(10) || '"two"\', 20240101, x'', 5),
        (3, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL)""",
)


@pytest.mark.parametrize("engine", ["PostgreSQL", "MariaDB"])
def test_sqlite_into_servers(store: MemoryStore, places: dict[str, Place], engine: str) -> None:
    for statement in _SQLITE:
        places["SQLite"].run(statement)
    backup = _backed_up(store, places["SQLite"])
    report = _restored(store, backup, places[engine])
    assert report.verified == BY_CONVERSION
    assert "The other engine does not get: 1 check." in report.problems
    found = places[engine].run("SELECT id, n, name, day, r FROM t ORDER BY id")
    assert [tuple(row) for row in found] == [
        (1, 9223372036854775807, "é", "2024-01-01", 0.1),
        (2, -5, 'line\n"two"\\', "20240101", -1e300),
        (3, 0, None, None, None),
    ]
    again = preview_of(store, backup, places[engine].address, 10, Work())
    assert (again.difference.added, again.difference.changed, again.difference.removed) == (0, 0, 0)


@pytest.mark.parametrize("source", ["PostgreSQL", "MariaDB", "SQLite"])
def test_under_another_name_beside_a_table_with_the_same_indexes(
    store: MemoryStore, places: dict[str, Place], source: str
) -> None:
    statements = ("CREATE TABLE t (id int PRIMARY KEY, n int)", "CREATE INDEX by_n ON t (n)")
    for place in places.values():
        for statement in statements:
            place.run(statement)
    places[source].run("INSERT INTO t VALUES (1, 2)")
    backup = _backed_up(store, places[source])
    for target, place in places.items():
        if target == source:
            continue
        for choices in ({"target": "other"}, {"target": "third"}, {}):
            report = _restored(store, backup, place, **choices)
            assert report.verified == BY_CONVERSION
            assert [tuple(row) for row in place.run(f"SELECT * FROM {report.table}")] == [(1, 2)]


@pytest.mark.parametrize("target", ["MariaDB", "SQLite"])
def test_a_table_of_another_schema_with_names_that_need_quotes(
    store: MemoryStore, places: dict[str, Place], target: str
) -> None:
    run = places["PostgreSQL"].run
    run("CREATE SCHEMA analytics")
    run(
        'CREATE TABLE analytics.orders ("select" int PRIMARY KEY, "a ""b"", c" text UNIQUE, '
        "d text DEFAULT 'x', "
        "e varchar(900), f varchar(900), UNIQUE (e, f))"
    )
    run('CREATE INDEX "odd name" ON analytics.orders ("a ""b"", c" DESC, d)')
    run("INSERT INTO analytics.orders VALUES (1, 'x', 'y', 'e', 'f')")
    backup = _backed_up(store, places["PostgreSQL"], "analytics.orders")
    report = _restored(store, backup, places[target])
    assert (report.table, report.verified) == ("analytics.orders", BY_CONVERSION)
    assert report.problems[-1] == "The other engine does not get: 1 default."
    quote = "`" if target == "MariaDB" else '"'
    found = places[target].run(f"SELECT * FROM {quote}analytics.orders{quote}")
    assert [tuple(row) for row in found] == [(1, "x", "y", "e", "f")]


@pytest.mark.parametrize(
    ("source", "target", "type_", "value", "reason"),
    [
        ("PostgreSQL", "SQLite", "date", "'infinity'", "It is not a date"),
        ("PostgreSQL", "SQLite", "timestamp", "'0044-03-15 BC'", "It is not a time"),
        ("PostgreSQL", "SQLite", "float8", "'NaN'", "does not store it"),
        ("PostgreSQL", "SQLite", "int[]", "'[2:3]={1,2}'", "Its first index is not 1"),
        ("PostgreSQL", "MariaDB", "numeric", "'NaN'", "does not store it"),
        ("PostgreSQL", "MariaDB", "numeric", "1e-40", "does not fit"),
        ("PostgreSQL", "MariaDB", "float8", "'Infinity'", "does not store it"),
        ("PostgreSQL", "MariaDB", "text UNIQUE", "repeat('x', 800)", "limit of a key"),
        ("MariaDB", "PostgreSQL", "DATE", "'0000-00-00'", "It is not a date"),
        ("MariaDB", "PostgreSQL", "DATETIME", "'2024-02-31'", "It is not a date"),
        ("MariaDB", "PostgreSQL", "TIME", "'25:00:00'", "It is not a time of a day"),
        ("MariaDB", "PostgreSQL", "VARCHAR(9)", "'a\\0b'", "character NUL"),
        ("MariaDB", "SQLite", "BIGINT UNSIGNED", "18446744073709551615", "It is larger than"),
        ("SQLite", "PostgreSQL", "INT", "'text'", "It is not an integer"),
        ("SQLite", "MariaDB", "TEXT", "x'00'", "It is not a text"),
        ("SQLite", "MariaDB", "REAL", "9e999", "does not store it"),
        ("SQLite", "PostgreSQL", "TEXT", "CAST(x'C3' AS TEXT)", "It is not valid UTF-8"),
        ("SQLite", "PostgreSQL", "BOOLEAN", "2", "neither 0 nor 1"),
    ],
)
def test_a_value_without_an_equivalent_is_named_before_anything_changes(
    store: MemoryStore,
    places: dict[str, Place],
    source: str,
    target: str,
    type_: str,
    value: str,
    reason: str,
) -> None:
    run = places[source].run
    run(f"CREATE TABLE t (id int PRIMARY KEY, odd {type_})")
    run("INSERT INTO t VALUES (1, NULL)")
    run(f"INSERT INTO t VALUES (2, {value})")
    backup = _backed_up(store, places[source])
    for function in (
        lambda: preview_of(store, backup, places[target].address, 10, Work()),
        lambda: _restored(store, backup, places[target]),
    ):
        with pytest.raises(NotSupported) as caught:
            function()
        assert "A value of the column odd cannot be restored" in caught.value.summary
        assert caught.value.cause.startswith("Row 2: ")
        assert reason in caught.value.cause
    with open_database(places[target].address, create=True) as opened:
        assert not opened.tables()


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.none() | _TEXTS,
        st.none() | st.binary(max_size=12),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=6,
    unique_by=lambda row: row[0],
)


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=_ROWS)
def test_any_rows_survive_a_journey_through_all_engines(
    tmp_path_factory: pytest.TempPathFactory,
    places: dict[str, Place],
    rows: list[tuple[object, ...]],
) -> None:
    store = MemoryStore()
    folder = tmp_path_factory.mktemp("journey")
    first, last = str(folder / "first.db"), str(folder / "last.db")
    connection = apsw.Connection(first)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB, c REAL)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    connection.close()
    here: str | DatabaseAddress = first
    for there in (places["PostgreSQL"].address, places["MariaDB"].address, last):
        with open_database(here) as source:
            backup = back_up(store, source, ["t"], "", Work()).backups[0]
        assert restore_of(store, backup, there, Choices(), Work()).verified == BY_CONVERSION
        here = there
    for engine in ("PostgreSQL", "MariaDB"):
        with open_database(places[engine].address) as opened:
            names = [table.name for table in opened.tables()]
        for name in names:
            quote = '"' if engine == "PostgreSQL" else "`"
            places[engine].run(f"DROP TABLE {quote}{name}{quote}")
    connection = apsw.Connection(last)
    found = connection.execute("SELECT id, a, b, c FROM t ORDER BY id").fetchall()
    connection.close()
    assert found == sorted(rows, key=lambda row: row[0])
