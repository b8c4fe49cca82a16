"""Columns that objects have with different types are exact, or it is said that they are not."""

import duckdb
import pytest
from helpers.folders import load_folder

from core.collect.querying import read_page, run_query
from core.errors import InvalidInput


def put(collected, tmp_path, **selects):
    """Store a Parquet file in the folder f/ for each statement."""
    for name, sql in selects.items():
        path = tmp_path / f"{name}.parquet"
        duckdb.execute(f"COPY ({sql}) TO '{path}'")
        collected.put(f"f/{name}.parquet", path.read_bytes())


@pytest.mark.parametrize("small", ["1", "NULL"])
def test_decimals_without_a_common_type_are_refused_with_both_objects(collected, tmp_path, small):
    put(
        collected,
        tmp_path,
        a="SELECT 0.12345678901234567890::DECIMAL(38,20) AS price",
        b=f"SELECT {small}::DECIMAL(38,0) AS price",
    )
    with pytest.raises(InvalidInput, match="exact numbers") as error:
        load_folder(collected, folder="f/")
    for text in ("price", "DECIMAL(38,20)", "f/a.parquet", "DECIMAL(38,0)", "f/b.parquet"):
        assert text in error.value.cause


def test_decimals_of_csv_and_of_parquet_without_a_common_type_are_refused(collected, tmp_path):
    put(collected, tmp_path, a="SELECT 1::DECIMAL(38,2) AS price")
    collected.put("f/b.csv", b"price\n0.000000000000000001\n")
    with pytest.raises(InvalidInput, match="exact numbers"):
        load_folder(collected, folder="f/")


@pytest.mark.parametrize(
    ("exact", "binary", "noted"),
    [
        ("9007199254740993::BIGINT", "1.5::DOUBLE", True),
        ("16777217::INTEGER", "1.5::FLOAT", True),
        ("12345678901234567890.1::DECIMAL(38,1)", "1.5::DOUBLE", True),
        ("16777217::INTEGER", "1.5::DOUBLE", False),
        ("0.1::FLOAT", "1.5::DOUBLE", False),
    ],
)
def test_numbers_beside_doubles_are_noted_if_they_may_be_rounded(
    collected, tmp_path, exact, binary, noted
):
    put(collected, tmp_path, a=f"SELECT {exact} AS id", b=f"SELECT {binary} AS id")
    report = load_folder(collected, folder="f/")
    assert ["rounded" in note for note in report.notes] == [True] * noted
    found = run_query(
        collected, sql="SELECT typeof(id) FROM folder", tables={"folder": report.table}
    )
    assert read_page(collected, table=found.table).rows[0][0] in {"DOUBLE", "FLOAT"}


def test_decimals_with_a_common_type_stay_exact(collected, tmp_path):
    put(
        collected,
        tmp_path,
        a="SELECT 12345678.12345678::DECIMAL(18,8) AS price",
        b="SELECT 123456789012345678901234567890::DECIMAL(30,0) AS price",
    )
    report = load_folder(collected, folder="f/")
    assert report.notes == ()
    found = run_query(collected, sql="SELECT price FROM folder", tables={"folder": report.table})
    assert read_page(collected, table=found.table).rows == (
        ("12345678.12345678",), ("123456789012345678901234567890.00000000",)
    )  # fmt: skip
