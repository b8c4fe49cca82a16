"""INSERT statements of a PostgreSQL backup create the same rows in another table."""

from __future__ import annotations

from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup.export import Target, export_of
from core.work import Work


def test_statements_create_the_same_rows(orders: Database, tmp_path):
    orders.script(
        "CREATE TABLE exact (id bigint GENERATED ALWAYS AS IDENTITY, n numeric, f float8, b bytea, "
        "s text, t timestamptz, a text[], j json, twice numeric GENERATED ALWAYS AS (n * 2) STORED)",
        "INSERT INTO exact (n, f, b, s, t, a, j) VALUES "
        "('NaN', '-0', '\\x00ff', '', 'infinity', '{NULL,\"\"}', '{\"a\": 1.10}'), "
        "(1e300, '5e-324', '', E'\\\\ ''q''\\n', '0044-03-15 00:00:00+00 BC', '{}', NULL), "
        "(NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    store = MemoryStore()
    backup = orders.back_up(store, "exact")
    before = orders.content("exact")
    path = tmp_path / "exact.sql"
    assert export_of(store, backup, Target(path, "sql"), Work()).rows == 3
    orders.script("DELETE FROM exact", *_statements(path.read_text(encoding="utf-8")))
    assert orders.content("exact") == before


def _statements(text: str) -> list[str]:
    """Return the statements of a file, without those of the transaction: each runs by itself."""
    lines = [line for line in text.split(";\n") if line not in ("BEGIN", "COMMIT", "")]
    return [line for line in lines if not line.startswith("SET")]
