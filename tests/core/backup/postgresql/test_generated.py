"""Generated PostgreSQL tables: random schemas and rows, and hostile names, come back the same."""

from __future__ import annotations

import os

from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.backup.databases import open_database
from core.backup.databases.postgresql.names import TableName
from core.errors import InvalidInput

#: A thousand with STRONGROOM_HEAVY, as `make kills` sets it.
EXAMPLES = 1_000 if os.environ.get("STRONGROOM_HEAVY") else 25
_SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_NUMBER = st.decimals(allow_nan=False, allow_infinity=False, places=5)
#: Each type, and the values that are inserted as text.
_COLUMNS = {
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": st.one_of(_NUMBER.map(lambda n: format(n, "f")), st.just("NaN")),
    "double precision": st.floats().map(repr),
    "text": _TEXT,
    "bytea": st.binary(max_size=8).map(lambda data: "\\x" + data.hex()),
    "boolean": st.booleans().map(str),
    "date": st.dates().map(str),
    "timestamp with time zone": st.datetimes().map(lambda moment: f"{moment}+00"),
    "jsonb": st.recursive(st.none() | st.booleans() | st.integers(-9, 9), st.lists, max_leaves=4)
    .map(str)
    .map(lambda text: text.replace("None", "null").replace("True", "true").replace("False", "false")),
    "integer[]": st.lists(st.integers(-9, 9), max_size=3).map(
        lambda items: "{" + ",".join(map(str, items)) + "}"
    ),
    "interval": st.timedeltas().map(lambda span: f"{span.days} days {span.seconds} seconds"),
}  # fmt: skip
_NAME = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[tuple[str, bool, bool]], list[list[str | None]]]:
    """Columns as (type, NOT NULL, indexed), and rows of texts."""
    kinds = draw(st.lists(st.sampled_from(sorted(_COLUMNS)), min_size=1, max_size=5))
    columns = [(kind, draw(st.booleans()), draw(st.booleans())) for kind in kinds]
    row = st.tuples(
        *(_COLUMNS[k] if strict else st.none() | _COLUMNS[k] for k, strict, _ in columns)
    )
    return columns, [list(values) for values in draw(st.lists(row, max_size=8))]


@_SETTINGS
@given(tables())
def test_a_generated_table_comes_back_the_same(
    database: Database, made: tuple[list[tuple[str, bool, bool]], list[list[str | None]]]
) -> None:
    columns, rows = made
    store = MemoryStore()
    parts = [
        f"c{n} {kind}{' NOT NULL' if strict else ''}" for n, (kind, strict, _) in enumerate(columns)
    ]
    script = [
        "DROP TABLE IF EXISTS made",
        f"CREATE TABLE made (n serial UNIQUE, {', '.join(parts)})",
    ]
    script += [f"CREATE INDEX ON made (c{n})" for n, column in enumerate(columns) if column[2]]
    database.script(*script)
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    values = ", ".join(f"${n + 1}::text::{column[0]}" for n, column in enumerate(columns))
    for row in rows:
        database.run(f"INSERT INTO made ({names}) VALUES ({values})", *row)
    before = database.content("made")
    with open_database(database.address) as opened:
        schema = opened.schema("made")
    backup = database.back_up(store, "made")
    database.script("DROP TABLE made")
    assert database.restore(store, backup).verified == "verified (SHA-256 and server fingerprint)"
    assert database.content("made") == before
    with open_database(database.address) as opened:
        assert opened.schema("made") == schema


@_SETTINGS
@given(_NAME, _NAME, _NAME)
def test_hostile_names_are_names(database: Database, table: str, column: str, key: str) -> None:
    store = MemoryStore()
    name = TableName("public", table.encode()[:63].decode(errors="ignore") or "t")
    quoted = [f'"{text.replace(chr(34), chr(34) * 2)}"' for text in (column, f"{key}_key")]
    database.script(
        f"DROP TABLE IF EXISTS {name.sql}",
        f"CREATE TABLE {name.sql} ({quoted[0]} text DEFAULT 'x', CONSTRAINT {quoted[1]} UNIQUE ({quoted[0]}))",
        f"INSERT INTO {name.sql} VALUES ($$a; DROP TABLE b; --$$)",
    )
    before = database.everything()
    assert TableName.parse(str(name)) == name
    try:
        backup = database.back_up(store, str(name))
    except InvalidInput:  # a name that is no segment of a key, such as `..`
        assert not store.objects
        database.script(f"DROP TABLE {name.sql}")
        return
    report = database.restore(store, backup)
    with open_database(database.address, write=True) as opened:
        opened.drop_former(report.kept)
    assert database.everything() == before
    database.script(f"DROP TABLE {name.sql}")
