"""Generated MariaDB tables: random schemas and rows, and hostile names, come back the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from helpers.backups import MemoryStore
from helpers.doses import generated
from helpers.forgery import forged, forgeries
from hypothesis import given
from hypothesis import strategies as st

from core.backup.databases import open_database
from core.backup.databases.mysql.load import LoadText
from core.backup.databases.mysql.names import related_name
from core.backup.databases.mysql.tokens import literal, quoted
from core.backup.restore import BY_FINGERPRINT, Choices, restore_of
from core.backup.run import back_up
from core.errors import Corrupt, InvalidInput, StorageError
from core.model.backup import Backup
from core.model.restore import RestoreReport
from core.model.tables import Column, TableSchema
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

#: Tables of one example: they share its connections.
TABLES = 5
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
    "varchar(40) character set utf8mb4": _TEXT,
    "text character set latin1": st.text(st.characters(max_codepoint=0xFF), max_size=9).map(
        literal
    ),
    "longtext character set utf8mb4": _TEXT,
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


#: Types of which no index, or only one of their first bytes exists.
_LONG = ("text character set latin1", "longtext character set utf8mb4", "blob", "json", "point")
_WITH_DEFAULT = (
    "bigint", "decimal(40,12)", "varchar(40) character set utf8mb4", "varbinary(20)", "blob",
    "enum('a','','NULL')", "set('x','y')",
)  # fmt: skip
_OPTIONS = (
    "", " COLLATE=utf8mb4_german2_ci", " CHARACTER SET=latin1", " AUTO_INCREMENT=4000 COMMENT='it''s \\\\ ;'",
    " ROW_FORMAT=COMPRESSED", " PARTITION BY HASH (id) PARTITIONS 3",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A table as SQL, its rows as SQL values, and how it is restored.

    `from_zero` means that the numbers of the rows are 0, -1 and so on instead of 1, 2 and so on.
    """

    columns: tuple[str, ...]
    options: str
    rows: tuple[tuple[str, ...], ...]
    width: int
    way: str
    from_zero: bool

    def script(self, name: str) -> Iterator[str]:
        """Yield the statements that create the table and its rows."""
        yield f"CREATE TABLE {name} ({', '.join(self.columns)}){self.options}"
        names = ",".join(f"`c{number}`" for number in range(self.width))
        rows = ",".join(f"({','.join(row)})" for row in self.rows)
        if rows:
            yield f"INSERT INTO {name} ({names}) VALUES {rows}"
        if rows and self.from_zero:
            yield f"UPDATE {name} SET id = 1 - id"


@st.composite
def tables(draw: st.DrawFn) -> Made:
    """A table with up to eight columns, and what belongs to them."""
    kinds = draw(st.lists(st.sampled_from(sorted(_COLUMNS)), min_size=1, max_size=8))
    strict = [draw(st.booleans()) and "NULL" not in kind.split() for kind in kinds]
    options = draw(st.sampled_from(_OPTIONS))
    if "point" in kinds:  # a table with partitions cannot have one
        options = options.partition(" PARTITION")[0]
    with_key = draw(st.booleans()) or "PARTITION" in options
    columns = ["id INT AUTO_INCREMENT PRIMARY KEY"] if with_key else []
    for number, kind in enumerate(kinds):
        default = (
            f" DEFAULT {draw(_COLUMNS[kind])}"
            if kind in _WITH_DEFAULT and draw(st.booleans())
            else ""
        )
        comment = f" COMMENT {draw(_TEXT)}" if draw(st.booleans()) else ""
        columns.append(f"`c{number}` {kind}{' NOT NULL' * strict[number]}{default}{comment}")
        if kind == "bigint":
            columns.append(
                f"`g{number}` DECIMAL(30) AS (`c{number}` - 1.0) {draw(st.sampled_from(['STORED', 'VIRTUAL']))}"
            )
            columns.append(f"CHECK (`c{number}` IS NOT NULL OR 1)")
        if draw(st.booleans()) and kind != "point":
            columns.append(f"KEY (`c{number}`{'(3)' * (kind in _LONG)})")
    row = st.tuples(
        *(
            _COLUMNS[k] if s else st.one_of(st.just("NULL"), _COLUMNS[k])
            for k, s in zip(kinds, strict, strict=True)
        )
    )
    rows = tuple(draw(st.lists(row, max_size=8)))
    way = draw(st.sampled_from(["dropped", "in place", "new name"]))
    from_zero = with_key and draw(st.booleans())
    return Made(tuple(columns), options, rows, len(kinds), way, from_zero)


@generated(tables=TABLES)
@given(st.lists(tables(), min_size=TABLES, max_size=TABLES))
def test_generated_tables_come_back_the_same(trading: Trading, made: list[Made]) -> None:
    store = MemoryStore()
    names = [f"made{number}" for number in range(len(made))]
    trading.sql(
        *(f"DROP TABLE IF EXISTS {name}" for name in names),
        *(line for one, name in zip(made, names, strict=True) for line in one.script(name)),
    )
    with open_database(trading.without_tls) as source:
        schemas = [source.schema(name) for name in names]
        backups = back_up(store, source, names, "", Work()).backups
    for at, (name, table) in enumerate(zip(names, made, strict=True)):
        before = _state(trading, name)
        restored, report = _restore(trading, store, backups[at], table.way)
        assert report.verified == BY_FINGERPRINT
        # The definition has the next number: AUTO_INCREMENT=...
        assert _state(trading, restored) == before
        if table.way == "new name":
            trading.sql(f"DROP TABLE {restored}")
            continue
        with open_database(trading.without_tls, write=True) as opened:
            assert opened.schema(name) == schemas[at]
            if report.kept:
                with opened.change(work=Work()):
                    opened.drop_former(report.kept)


def _state(trading: Trading, name: str) -> tuple[list[str], Any]:
    """Return the definition of a table with an unordered list of its indexes, and its rows."""
    definition = trading.definition(name).replace(f"`{name}`", "TABLE")
    return sorted(line.rstrip(",") for line in definition.splitlines()), trading.rows(name)


def _restore(
    trading: Trading, store: MemoryStore, backup: Backup, way: str
) -> tuple[str, RestoreReport]:
    """Restore a table in one of the ways; return its name and the report."""
    name = backup.table
    if way == "dropped":
        trading.sql(f"DROP TABLE {name}")
    elif way == "in place":
        trading.sql(f"DELETE FROM {name} LIMIT 3", f"ALTER TABLE {name} ADD extra INT DEFAULT 7")
    target = "again" if way == "new name" else None
    report = restore_of(store, backup, trading.without_tls, Choices(target), Work())
    return target or name, report


#: Names with what a careless program would execute, expand or take apart.
_TRAPS = st.sampled_from([
    "x`; DROP TABLE y; -- x", '},":', "a'\\\"b", "%s%d{}", ',"a":', "\\", "`", "``", "a.b", "A b",
    "select", "..", ".", "-x", "*", "\r\nx", "\u202e", "é", "\\N", "# x", "/* x", "$1", "\x1a", "x" * 55,
])  # fmt: skip


@generated(tables=2, suite=40)
@given(st.lists(st.tuples(*[_NAME | _TRAPS] * 3), min_size=2, max_size=2))
def test_hostile_names_are_names(trading: Trading, made: list[tuple[str, str, str]]) -> None:
    for table, column, key in made:
        store = MemoryStore()
        name = table.strip() or "t"
        # The server refuses names that end with white space.
        text, index = f"c{column}".rstrip(), f"k{key}".rstrip()
        trading.sql(
            f"CREATE TABLE {quoted(name)} (id INT PRIMARY KEY, {quoted(text)} TEXT "
            f"DEFAULT {literal(column)} COMMENT {literal(key)}, {quoted(column + 'é')} BLOB, "
            f"KEY {quoted(index)} ({quoted(text)}(5))) COMMENT {literal(column)}",
            f"INSERT INTO {quoted(name)} VALUES (1, {literal(table + column)}, 'a; DROP TABLE b;')",
        )
        before = trading.everything()
        try:
            with open_database(trading.without_tls) as source:
                backup = back_up(store, source, [name], table + column, Work()).backups[0]
        except InvalidInput:  # a name that is no segment of a key, such as `..`
            assert not store.objects
        else:
            report = restore_of(store, backup, trading.without_tls, Choices(), Work())
            assert report.verified == BY_FINGERPRINT
            with (
                open_database(trading.without_tls, write=True) as database,
                database.change(work=Work()),
            ):
                database.drop_former(report.kept)
            assert trading.everything() == before
        trading.sql(f"DROP TABLE {quoted(name)}")


@generated(suite=25)
@given(forgeries())
def test_no_forged_field_of_a_schema_is_executed(
    trading: Trading, forgery: tuple[int, str, bool]
) -> None:
    if not trading.tables():
        trading.sql(
            "CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(9))",
            "INSERT INTO users VALUES (1, 'ada')",
            "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user_id INT DEFAULT 1, "
            "t VARCHAR(9) COMMENT 'x' CHECK (t <> ''), g INT AS (id + 1) VIRTUAL, KEY by_t (t(3)), "
            "CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users (id)) COMMENT='orders'",
            "CREATE TRIGGER seen BEFORE INSERT ON orders FOR EACH ROW SET NEW.t = 'a'",
            "INSERT INTO orders (t) VALUES ('b'), ('c')",
        )
    store = MemoryStore()
    with open_database(trading.without_tls) as source:
        backup = back_up(store, source, ["orders"], "", Work()).backups[0]
    before = trading.everything()
    listed = forged(store, backup, forgery)
    try:
        restore_of(store, listed, trading.without_tls, Choices("again", with_triggers=True), Work())
    except StorageError:
        assert trading.everything() == before
        return
    trading.sql("DROP TABLE again")
    assert trading.everything() == before


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
