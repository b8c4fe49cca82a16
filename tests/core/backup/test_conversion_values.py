"""Single values are converted exactly, and schemas without a database."""

import pytest

from core.backup.conversion.rows import values_of
from core.backup.conversion.schemas import convert_schema
from core.backup.conversion.values import RawText, RefusedError, conversion
from core.backup.databases.row_keys import Digits, key_text, parse_keys
from core.errors import Corrupt, InvalidInput, NotSupported
from core.model.tables import Column, Key, KeyPart, TableSchema


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        ("integer", "-9223372036854775808", Digits("-9223372036854775808")),
        ("decimal 65 30", "-0.5", "-0.500000000000000000000000000000"),
        ("decimal 5 0", "12345", "12345"),
        ("decimal 4 4", "0.1234", "0.1234"),
        ("decimal 65 30", "1e-30", "0.000000000000000000000000000001"),
        ("number", "1.10e3", "1100"),
        ("real infinite", "-Infinity", Digits("-inf")),
        ("real", "0.1", Digits("0.1")),
        ("hex", "\\x00ff", b"\x00\xff"),
        ("timestamp 6", "2024-02-29 12:00:00.5", "2024-02-29 12:00:00.500000"),
        ("timestamp short", "2024-02-29 12:00:00.500", "2024-02-29 12:00:00.5"),
        ("instant 6", "2024-02-29 12:00:00+00", "2024-02-29 12:00:00.000000"),
        ("instant short", "2024-02-29 12:00:00.000", "2024-02-29 12:00:00+00"),
        ("time 6", "24:00:00", "24:00:00.000000"),
        ("bits 5", Digits("5"), "00101"),
        ("array integer", "{1,NULL,{-2,3}}", "[1, null, [-2, 3]]"),
        ("array text", '{a,"NULL",NULL,"x\\"\\\\,}",""}', '["a", "NULL", null, "x\\"\\\\,}", ""]'),
        ("array boolean", "{t,f,NULL}", "[true, false, null]"),
        ("array double precision", "{1e+20,NaN}", '[1e+20, "NaN"]'),
        ("array numeric", "{}", "[]"),
    ],
)
def test_a_value_is_converted_exactly(form: str, value: object, expected: object) -> None:
    found = conversion(form)(value)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("integer", "1.0"), ("integer signed", "9223372036854775808"), ("decimal 4 2", "123"),
        ("decimal 4 2", "0.001"), ("number", "NaN"), ("real", "Infinity"), ("real infinite", "NaN"),
        ("date", "infinity"), ("date", "2024-02-30"), ("date", "0000-00-00"), ("date", "10000-01-01"),
        ("timestamp", "2024-01-01 BC"), ("time", "24:00:01"), ("time", "24:00:00.1"),
        ("time", "-01:00:00"), ("text", b"x"), ("text", RawText(b"\xc3")), ("bytes", "x"),
        ("flag", Digits("2")), ("array text", "[2:2]={a}"), ("array text", '{"a'),
    ],
)  # fmt: skip
def test_a_value_without_an_equivalent_is_refused(form: str, value: object) -> None:
    with pytest.raises(RefusedError):
        conversion(form)(value)


def test_rows_of_csv_may_be_cut_anywhere() -> None:
    text = 'a,"b\n""c""",\n"",,"é\n"\n'.encode()
    for at in range(len(text)):
        rows = [(0, text[:at]), (2, text[at:])]
        assert list(values_of(rows, "csv", ["x", "y", "z"])) == [
            ["a", 'b\n"c"', None], ["", None, "é\n"],
        ]  # fmt: skip
    with pytest.raises(Corrupt):
        list(values_of([(1, text[:-1])], "csv", ["x", "y", "z"]))
    with pytest.raises(Corrupt):
        list(values_of([(1, b"a,b\n")], "csv", ["x"]))


def test_keys_of_rows_are_read_as_they_are_written() -> None:
    values = ("a", Digits("1.50"), b"\x00\xff")
    text = key_text(values)
    assert text == '["a", 1.50, {"$hex": "00FF"}]'
    assert parse_keys([text], ["x", "y", "z"]) == (values,)
    assert parse_keys(["[1]", "plain", '["[1]"]'], ["x"]) == (("1",), ("plain",), ("[1]",))
    for bad in ("[1, 2]", "[null]", '[{"$hex": "0"}]', "[[1]]"):
        with pytest.raises(InvalidInput):
            parse_keys([bad], ["x"])


def test_names_and_types_that_another_engine_lacks() -> None:
    columns = (Column("a", "numeric(2,5)"), Column("b", "numeric(70,2)"))
    found = convert_schema(TableSchema("t", columns), "PostgreSQL", "MariaDB", str)
    assert [column.type for column in found.schema.columns] == ["decimal(65,30)"] * 2
    upper = TableSchema("t", (Column("a", "text"), Column("A", "text")))
    with pytest.raises(NotSupported, match="cannot be restored into SQLite"):
        convert_schema(upper, "PostgreSQL", "SQLite", str)
    long = TableSchema("t", (Column("é" * 40, "TEXT"),))
    with pytest.raises(NotSupported, match="cannot be restored into PostgreSQL"):
        convert_schema(long, "SQLite", "PostgreSQL", str)
    key = Key((KeyPart("k"),), primary=True, name="x", definition="PRIMARY KEY (k)")
    keyed = TableSchema("t", (Column("k", "text"),), keys=(key,))
    made = convert_schema(keyed, "PostgreSQL", "MariaDB", str).schema
    assert (made.columns[0].type, made.columns[0].not_null) == ("varchar(768)", True)
