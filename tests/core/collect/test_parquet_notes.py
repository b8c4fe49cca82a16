"""Columns of Parquet with more digits than a type of DuckDB are named, however the files are read."""

import base64
import zlib

import duckdb
import pytest
from helpers.folders import load_folder

from core.collect.folder_query import query_folders

#: A file of pyarrow: decimals of 41 digits in the column d and in a list of the struct s, times in
#: nanoseconds as INT96 in t, and a usual number in z.
_FILE = zlib.decompress(
    base64.b64decode(
        "eNp1kr9Lw0AUx98dIRbBgtJ3JJAhQ3O00JYqtEPJYictDqVDpy5pG7DQH2lSFZydHJ1dxd3FRef+A/4Njm7iJr5LVGob"
        "w+Xl7r3Pfd97l2sfdvYR0EKrhJwmOuoWAHD1MgbJQ/4c5jYBzpKgi+5mMLEa2Pd7xd33wsvHQ1nMl9Z8SVwVqynpUtE8"
        "5lNQ3Ll5e7YB7q4dQM28rYGhR4NTf+JhhhwON9gl1MhGqAFytfbUWhv6fkBy+olLOjXN0MajaIEcMEuZuLHlj/2JP104"
        "2wR1Sj1lVY9JlA3X/bpSXoDgpmX2JFhUi6ODSdmRnKIpmjJzbKE6JA5uUTdl3IAieUwWWMS8mG2Ihmz9YevwC2dj+IhF"
        "cQNx0T+lxpv7oi+v2MpuycHsAqwrUAsx3xVd+cr+qUz/RhPplmjJJ56Cik8uuMzQBwp24IXzM39RHgRB2QvD2YV97ofR"
        "aDa1D+qVamXf7NHPWx3wSJenTbfvC0ecW10="
    )
)
_NOTES = (
    "The column s is shown rounded: its decimals have more than 38 digits, and are doubles here.",
    "The column d is shown rounded: its decimals have more than 38 digits, and are doubles here.",
    "Times of the column t are shown to the microsecond: the files may have further digits (INT96).",
)


@pytest.fixture
def large(tmp_path):
    """Return a Parquet file that is large enough for ranges."""
    path = tmp_path / "large.parquet"
    sql = "SELECT range AS z, hash(range) AS a, hash(range + 1) AS b FROM range(100_000)"
    duckdb.execute(f"COPY ({sql}) TO '{path}'")
    return path.read_bytes()


@pytest.mark.parametrize("more", [{}, {"f/b.csv": b"z,d\n1,text\n"}], ids=["alone", "mixed"])
def test_columns_with_more_digits_are_named(collected, more):
    for key, body in {"f/a.parquet": _FILE, "f/c.parquet": _FILE, **more}.items():
        collected.put(key, body)
    assert load_folder(collected, folder="f/").notes == _NOTES


def test_columns_with_more_digits_are_named_if_parts_are_read(collected, large):
    collected.put("f/a.parquet", _FILE)
    collected.put("f/b.parquet", large)
    report = query_folders(collected, sql="SELECT sum(z), max(d) FROM f", folders={"f": "f/"})
    assert report.folders["f"].received is not None
    assert report.folders["f"].notes == _NOTES


def test_usual_doubles_and_times_are_not_named(collected, tmp_path):
    path = tmp_path / "usual.parquet"
    duckdb.execute(f"COPY (SELECT 1.5::DOUBLE AS d, now()::TIMESTAMP AS t) TO '{path}'")
    collected.put("f/a.parquet", path.read_bytes())
    assert load_folder(collected, folder="f/").notes == ()
