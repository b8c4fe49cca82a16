"""Generated MariaDB tables: random schemas and rows, and hostile names, come back the same."""

from __future__ import annotations

import os
import struct

import pytest
from helpers.backups import MemoryStore
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.backup.databases.mysql.load import LoadText
from core.backup.databases.mysql.names import related_name
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.restore import BY_FINGERPRINT
from core.errors import Corrupt, InvalidInput
from core.model.tables import Column, TableSchema
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

#: A thousand with STRONGROOM_HEAVY, as `make kills` sets it.
EXAMPLES = 1_000 if os.environ.get("STRONGROOM_HEAVY") else 15
_SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_CHARACTERS = st.characters(exclude_categories=["Cs"])
_TEXT = st.text(_CHARACTERS, max_size=12).map(literal)
_BYTES = st.binary(max_size=12).map(lambda data: f"x'{data.hex()}'")
_BMP = st.characters(exclude_categories=["Cs"], exclude_characters="\0/", max_codepoint=0xFFFF)
_NAME = st.text(_BMP, min_size=1, max_size=20).filter(lambda text: not text.endswith(" "))


def _float32(value: float) -> str:
    return repr(struct.unpack("f", struct.pack("f", value))[0])


#: Each type, and SQL of its values.
_COLUMNS = {
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "bigint unsigned": st.integers(0, 2**64 - 1).map(str),
    "int(8) unsigned zerofill": st.integers(0, 2**32 - 1).map(str),
    "decimal(40,12)": st.decimals(
        min_value=-(10**27), max_value=10**27, places=12, allow_nan=False
    ).map(lambda number: format(number, "f")),
    "double": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False).map(_float32),
    "bit(64)": st.integers(0, 2**64 - 1).map(str),
    "date": st.one_of(st.dates().map(lambda day: f"'{day}'"), st.just("'0000-00-00'")),
    "datetime(6)": st.datetimes().map(lambda moment: f"'{moment}'"),
    "timestamp(6) NULL": st.sampled_from(["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"]),
    "time(3)": st.sampled_from(["'-838:59:59'", "'00:00:00.001'", "'100:00:00.999'"]),
    "year": st.sampled_from(["'0000'", "'1901'", "'2155'"]),
    "varchar(40)": _TEXT,
    "text character set latin1": st.text(st.characters(max_codepoint=0xFF), max_size=9).map(
        literal
    ),
    "longtext": _TEXT,
    "varchar(40) character set utf16": _TEXT,
    "varbinary(20)": _BYTES,
    "blob": _BYTES,
    "json": st.sampled_from(["'{\"a\": [1, 2.50]}'", "'\"\\\\u001f\"'", "'null'"]),
    "enum('a','','NULL')": st.sampled_from(["'a'", "''", "'NULL'"]),
    "set('x','y')": st.sampled_from(["''", "'x'", "'x,y'"]),
    "point": st.builds(lambda x, y: f"POINT({x},{y})", st.integers(-9, 9), st.integers(-9, 9)),
    "uuid": st.uuids().map(lambda number: f"'{number}'"),
    "inet6": st.ip_addresses(v=6).map(lambda address: f"'{address}'"),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[tuple[str, bool]], bool, list[list[str]]]:
    """Columns as (type, NOT NULL), whether there is a primary key, and rows of SQL values."""
    kinds = draw(st.lists(st.sampled_from(sorted(_COLUMNS)), min_size=1, max_size=8))
    columns = [(kind, draw(st.booleans()) and "NULL" not in kind.split()) for kind in kinds]
    row = st.tuples(
        *(
            _COLUMNS[k] if strict else st.one_of(st.just("NULL"), _COLUMNS[k])
            for k, strict in columns
        )
    )
    rows = [list(values) for values in draw(st.lists(row, max_size=8))]
    return columns, draw(st.booleans()), rows


@_SETTINGS
@given(tables())
def test_a_generated_table_comes_back_the_same(
    trading: Trading, made: tuple[list[tuple[str, bool]], bool, list[list[str]]]
) -> None:
    columns, with_key, rows = made
    store = MemoryStore()
    declared = [
        f"`c{number}` {kind}{' NOT NULL' if strict else ''}"
        for number, (kind, strict) in enumerate(columns)
    ]
    if with_key:
        declared.insert(0, "id INT AUTO_INCREMENT PRIMARY KEY")
    names = ",".join(f"`c{number}`" for number in range(len(columns)))
    trading.sql(
        "DROP TABLE IF EXISTS made",
        f"CREATE TABLE made ({', '.join(declared)})",
        *(f"INSERT INTO made ({names}) VALUES ({','.join(values)})" for values in rows),
    )
    before, schema = trading.everything(), trading.schema("made")
    backup = trading.backed_up(store, "made")
    trading.sql("DROP TABLE made")
    assert trading.restored(store, backup).verified == BY_FINGERPRINT
    assert trading.everything() == before
    assert trading.schema("made") == schema


@_SETTINGS
@given(_NAME, _NAME, _NAME)
@example("x`; DROP TABLE y; -- ", '},":', "a'\\\"b")
@example("%s%d{}", ',"a":', "\\")
def test_hostile_names_are_names(trading: Trading, table: str, column: str, key: str) -> None:
    store = MemoryStore()
    name = table.strip() or "t"
    trading.sql(
        f"DROP TABLE IF EXISTS {quoted(name)}",
        f"CREATE TABLE {quoted(name)} (id INT PRIMARY KEY, {quoted('c' + column)} TEXT "
        f"DEFAULT {literal(column)} COMMENT {literal(key)}, {quoted(column + 'é')} BLOB, "
        f"KEY {quoted('k' + key)} ({quoted('c' + column)}(5))) COMMENT {literal(column)}",
        f"INSERT INTO {quoted(name)} VALUES (1, {literal(table + column)}, 'a; DROP TABLE b; --')",
    )
    before = trading.everything()
    try:
        backup = trading.backed_up(store, name)
    except InvalidInput:  # a name that is no segment of a key, such as `..`
        assert not store.objects
    else:
        report = trading.restored(store, backup)
        assert report.verified == BY_FINGERPRINT
        with trading.open(write=True) as database, database.change(work=Work()):
            database.drop_former(report.kept)
        assert trading.everything() == before
    trading.sql(f"DROP TABLE {quoted(name)}")


@given(
    st.text(_BMP, min_size=1, max_size=64),
    st.sampled_from(["__restoring", "__before_20261231T235959Z"]),
)
def test_related_names_are_valid_and_differ(table: str, suffix: str) -> None:
    name = related_name(table, suffix)
    assert name.endswith(suffix)
    assert len(name) <= 64
    assert name != related_name(table + "x", suffix)


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 65, "ends ", "😀"])
def test_names_that_the_server_does_not_have_are_refused(name: str) -> None:
    with pytest.raises(Corrupt):
        quoted(name)


@given(
    st.lists(
        st.tuples(_NAME, st.text(_CHARACTERS, max_size=8)),
        min_size=1,
        max_size=4,
        unique_by=lambda t: t[0],
    )
)
def test_load_text_has_one_field_for_each_column(cells: list[tuple[str, str]]) -> None:
    import json

    schema = TableSchema("t", tuple(Column(name, "text") for name, _ in cells))
    line = json.dumps(dict(cells), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    text = LoadText(schema).piece(line * 2)
    assert text.count(b"\n") == 2
    assert text.count(b"\t") == 2 * (len(cells) - 1)
    fields = text.split(b"\n")[0].split(b"\t")
    assert [_unescaped(field.decode()) for field in fields] == [value for _, value in cells]


def _unescaped(field: str) -> str:
    """Return what LOAD DATA reads from an enclosed field."""
    assert field[0] == field[-1] == '"'
    special = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
    found, at = "", 1
    while at < len(field) - 1:
        if field[at] == "\\":
            at += 1
            found += special.get(field[at], field[at])
        else:
            found += field[at]
        at += 1
    return found
