"""Tables with as many columns as PostgreSQL allows: no step grows faster than their number."""

from __future__ import annotations

import time

from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.model.tables import TableSchema

_COLUMNS, _ATTEMPTS = 1_000, 3


def read(database: Database, table: str) -> tuple[TableSchema, float]:
    """Return the schema of a table, and the shortest time in seconds to read it."""
    times = []
    with open_database(database.address) as source:
        for _ in range(_ATTEMPTS):
            began = time.perf_counter()
            schema = source.schema(table)
            times.append(time.perf_counter() - began)
    return schema, min(times)


def test_defaults_are_read_in_about_the_time_of_their_columns(database: Database) -> None:
    """With its table, the server took 10 s for the text of a thousand defaults."""
    names = [f"c{number}" for number in range(_COLUMNS)]
    plain = ", ".join(f"{name} int" for name in names)
    filled = ", ".join(f"{name} int DEFAULT {at}" for at, name in enumerate(names))
    sums = "total int GENERATED ALWAYS AS (c1 + c2) STORED"
    database.script(
        f"CREATE TABLE plain ({plain}, {sums})", f"CREATE TABLE filled ({filled}, {sums})",
        "INSERT INTO filled DEFAULT VALUES",
    )  # fmt: skip
    _, without = read(database, "plain")
    schema, took = read(database, "filled")
    assert [column.default for column in schema.columns[:-1]] == [str(at) for at in range(_COLUMNS)]
    assert schema.columns[-1].generated == "(c1 + c2)"
    assert took < 10 * without + 0.5
    store = MemoryStore()
    database.restore(store, database.back_up(store, "filled"))
    database.run("INSERT INTO filled DEFAULT VALUES")
    assert database.run("SELECT c0, c999, total, count(*) FROM filled GROUP BY 1, 2, 3") == [
        [0, 999, 3, 2]
    ]
