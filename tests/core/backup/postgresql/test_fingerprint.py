"""The fingerprint of a table that the server computes: equal for equal rows, and for no others."""

from __future__ import annotations

import sys
from itertools import pairwise, product

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.databases.postgresql.fingerprint import fingerprint
from core.backup.manifest import from_bytes
from core.backup.restore import BY_FINGERPRINT, BY_HASH
from core.work import Work


def fingerprint_of(database: Database, table: str) -> str:
    """Return the present fingerprint of a table."""
    with open_database(database.address) as source:
        return source.fingerprint(source.schema(table), work=Work())


def test_values_that_the_server_hashes_alike_have_different_fingerprints(
    database: Database,
) -> None:
    database.script(
        "CREATE TABLE wide (a bigint, b bigint)", "INSERT INTO wide VALUES (1, -1)",
        "CREATE TABLE other (LIKE wide)", "INSERT INTO other SELECT a, b FROM wide",
    )  # fmt: skip
    found = [fingerprint_of(database, "wide")]
    # The halves of 1 and of 2^32 have the same XOR, like those of -1 and of -2^32 - 1, and of 0.
    for change in ("a = 4294967296", "b = -4294967297", "b = 0", "b = NULL", "a = NULL"):
        database.script(f"UPDATE wide SET {change}")
        found.append(fingerprint_of(database, "wide"))
    assert len(set(found)) == len(found)
    assert fingerprint_of(database, "other") == found[0]


def test_times_that_differ_have_different_fingerprints(database: Database) -> None:
    database.script(
        "CREATE TABLE times (a timestamp, b timestamptz)",
        "INSERT INTO times VALUES ('2000-01-01', '2026-11-29 17:00Z')",
    )
    found = [fingerprint_of(database, "times")]
    intervals = ("1 us", "1 s", "1 hour", "1 day", "1 month", "-1 hour", "4000 years")
    changes = [f"{name} + interval '{one}'" for name in "ab" for one in intervals]
    for change in (*changes, "'infinity'", "'-infinity'", "NULL"):
        names = change[:1] if change[0] in "ab" else "ab"
        for name in names:
            database.script(f"UPDATE times SET {name} = {change}")
            found.append(fingerprint_of(database, "times"))
    assert len(set(found)) == len(found)


#: A type, and values that differ; NULL belongs to each type.
_DIFFERENT = {
    "boolean": ("true", "false"),
    "smallint": ("0", "1", "-1", "32767"),
    "integer": ("0", "1", "-1", "2147483647"),
    "bigint": ("0", "1", "-1", "4294967296", "9223372036854775807", "-9223372036854775808"),
    "real": ("0", "'-0'", "1", "-1", "'NaN'", "'inf'", "'-inf'"),
    "double precision": ("0", "'-0'", "1", "-1", "5e-324", "'NaN'", "'inf'", "'-inf'"),
    "numeric": ("0", "0.0", "1", "-1", "1.0", "10000", "'NaN'", "'inf'", "'-inf'"),
    "numeric(10,2)": ("0", "1", "-1", "100", "'NaN'"),
    "text": ("''", "' '", "'a'", "'A'", "'a '"),
    "character varying(9)": ("''", "' '", "'a'", "'A'", "'a '"),
    "character(3)": ("''", "'a'", "'A'"),
    "uuid": ("'00000000-0000-0000-0000-000000000000'", "'10000000-0000-0000-0000-000000000000'"),
    "date": ("'infinity'", "'2026-11-29'", "'1970-01-01'"),
    "timestamp(0)": ("'infinity'", "'1970-01-01'", "'2000-01-01'"),
    "timestamptz": ("'infinity'", "'1970-01-01Z'", "'2000-01-01Z'"),
    "bytea": ("''", "'\\x00'", "'\\x0000'"),
    "jsonb": ("'1'", "'1.0'", "'null'", "'{}'"),
}


@pytest.mark.parametrize("kind", _DIFFERENT)
def test_different_values_of_a_type_have_different_fingerprints(
    database: Database, kind: str
) -> None:
    """Two columns, so that it matters which one has which value."""
    values = (*_DIFFERENT[kind], "NULL")
    database.script(
        f"CREATE TABLE pair (a {kind}, b {kind})", "INSERT INTO pair VALUES (NULL, NULL)"
    )
    found = set()
    with open_database(database.address) as source:
        schema = source.schema("pair")
        for one, other in product(values, repeat=2):
            database.script(f"UPDATE pair SET a = {one}, b = {other}")
            found.add(source.fingerprint(schema, work=Work()))
    assert len(found) == len(values) ** 2


@pytest.mark.parametrize("kind", ["bigint", "date"])
def test_values_that_are_exchanged_between_rows_change_the_fingerprint(
    database: Database, kind: str
) -> None:
    values = {"bigint": ("1", "2"), "date": ("'2026-11-28'", "'2026-11-29'")}[kind]
    found = set()
    for first, second in (values, values[::-1], (values[0], values[0])):
        database.script(
            "DROP TABLE IF EXISTS rows", f"CREATE TABLE rows (id int, value {kind})",
            f"INSERT INTO rows VALUES (1, {first}), (2, {second})",
        )  # fmt: skip
        found.add(fingerprint_of(database, "rows"))
    assert len(found) == 3


@pytest.mark.parametrize("kind", ["date", "jsonb", "date[]"])
def test_values_of_types_without_a_chained_hash_are_not_exchangeable_between_rows(
    database: Database, kind: str
) -> None:
    """`hash_record_extended` adds the hashes of the values, so the sum of two rows was equal."""
    form = {"date": "'2026-11-%02d'", "jsonb": "'%d'", "date[]": "'{2026-11-%02d}'"}[kind]
    first, last, *others = (f"{form % number}::{kind}" for number in range(1, 7))
    database.script(f"CREATE TABLE pairs (a {kind}, b {kind})")
    with open_database(database.address) as source:
        schema = source.schema("pairs")
        for one, other in pairwise(others):
            found = set()
            for b, d in ((first, last), (last, first)):
                database.script(
                    "TRUNCATE pairs", f"INSERT INTO pairs VALUES ({one}, {b}), ({other}, {d})"
                )
                found.add(source.fingerprint(schema, work=Work()))
            assert len(found) == 2


@pytest.mark.parametrize("depth", ["100kB", "2MB"])
def test_the_hash_of_the_widest_table_fits_into_the_stack_of_the_server(
    database: Database, postgresql_server: Server, depth: str
) -> None:
    kinds = ("int", "float8", "int", "timestamptz")
    columns = ", ".join(f"c{number} {kinds[number % 4]}" for number in range(1_600))
    database.script(
        f"CREATE TABLE widest ({columns})",
        "INSERT INTO widest (c0, c1598) VALUES (1, 2)",
    )
    postgresql_server.ask(f"ALTER ROLE {database.user} SET max_stack_depth = '{depth}'")
    found = [fingerprint_of(database, "widest")]
    for name in ("c0", "c38", "c40", "c800", "c1598"):
        database.script(f"UPDATE widest SET {name} = 3")
        found.append(fingerprint_of(database, "widest"))
    assert len(set(found)) == len(found)


def test_equal_numbers_that_are_written_differently_have_different_fingerprints(
    database: Database,
) -> None:
    database.script("CREATE TABLE numbers (a float8, b real, c numeric)")
    database.script("INSERT INTO numbers VALUES (0, 0, 1.0)")
    found = [fingerprint_of(database, "numbers")]
    for change in ("a = '-0'", "b = '-0'", "c = 1.00"):
        database.script(f"UPDATE numbers SET {change}")
        found.append(fingerprint_of(database, "numbers"))
    assert len(set(found)) == 4


def test_a_computed_nan_is_restored_with_the_same_fingerprint(
    database: Database, store: MemoryStore
) -> None:
    """Infinity minus infinity has another bit pattern than the text NaN."""
    database.script(
        "CREATE TABLE nans (a float8, b real)",
        "INSERT INTO nans SELECT i - i, (i - i)::real FROM (SELECT 'inf'::float8 AS i) x",
    )
    report = database.restore(store, database.back_up(store, "nans"), target="restored")
    assert report.verified == BY_FINGERPRINT


def test_a_backup_with_an_earlier_method_is_proven_by_its_rows(
    database: Database,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    postgresql_server: Server,
) -> None:
    database.script(
        "CREATE TABLE t (id int PRIMARY KEY, v text)",
        "INSERT INTO t SELECT i, i::text FROM generate_series(1, 500) i",
    )
    with monkeypatch.context() as patch:
        earlier = ("record-hash-3", "hash_record_extended(ROW(id, v), 0)")
        patch.setattr(sys.modules[fingerprint.__module__], "row_hash", lambda *_, **__: earlier)
        backup = database.back_up(store, "t")
    assert from_bytes(store.objects[backup.key]).fingerprint.startswith("record-hash-3:500:")
    begun = len(postgresql_server.logs)
    assert database.restore(store, backup, target="again").verified == BY_HASH
    # A fingerprint of another method would be computed in vain.
    assert "extended(" not in postgresql_server.logs[begun:]
