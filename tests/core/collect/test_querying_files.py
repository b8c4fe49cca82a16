"""Files that a user names for a query are read completely, or refused by name."""

import duckdb
import pytest

from core.catalog.inventory import search_inventory
from core.catalog.query_text import parse_query
from core.collect.querying import run_query
from core.errors import InvalidInput, LocalIOError
from core.work import Work

_DAMAGED = {"empty.parquet": b"", "cut.parquet": b"PAR1\x15\x04", "text.parquet": b"a,b\n1,2\n" * 9}


@pytest.mark.parametrize("name", _DAMAGED)
def test_a_damaged_file_is_named_and_the_statement_is_not_blamed(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(_DAMAGED[name])
    with pytest.raises(InvalidInput) as of_query:
        run_query(None, sql="SELECT * FROM t", files={"t": str(path)}, path=str(tmp_path / "o.csv"))
    with pytest.raises(InvalidInput) as of_report:
        search_inventory([path], Work()).search(parse_query("btc"), "key", Work())
    for raised in (of_query, of_report):
        assert raised.value.summary == f"{path} cannot be read"
        assert "SQL" not in raised.value.remedy
    assert not (tmp_path / "o.csv").exists()


def test_a_full_disk_is_named_as_such(collected, tmp_path, monkeypatch):
    """DuckDB's text has the name of a temporary file and JSON in JSON."""

    def full(*_arguments):
        raise duckdb.IOException('IO Error: {"exception_message":"x: No space left on device"}')

    monkeypatch.setattr("core.collect.querying.copy_query", full)
    path = tmp_path / "result.csv"
    with pytest.raises(LocalIOError) as error:
        run_query(collected, sql="SELECT 1", path=str(path))
    assert error.value.summary == "The disk is full"
    assert "exception_message" not in error.value.cause
    assert "Free some space" in error.value.remedy
    assert not list(tmp_path.glob("*result*"))
