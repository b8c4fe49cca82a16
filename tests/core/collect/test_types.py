"""The type of a column of numbers holds every one of them exactly, however they are written."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.collect.types import Digits, digits_sql, doubles_sql, number_type

NUMBERS = st.lists(
    st.from_regex(
        r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?(0|[1-9]|1[0-9]))?", fullmatch=True
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        yield opened


@settings(deadline=None, max_examples=25)
@example(["36", "-68735e-16"])  # its digits do not fit before the exponent is used
@example(["838134268107176239E-12"])
@example(["-557.4544234", "487581.535e-10"])
@given(NUMBERS)
def test_the_type_of_a_column_holds_all_of_its_numbers(connection, texts):
    rows = ", ".join(f"('{text}')" for text in texts)
    numbers = f"(SELECT n::VARCHAR AS n FROM (VALUES {rows}) AS t(n))"
    measures = f"{digits_sql('n')}, {doubles_sql('n')}"
    found = connection.execute(f"SELECT {measures} FROM {numbers}").fetchone()
    kind = number_type(Digits(*found[:2])) or ("DOUBLE" if found[2] else "VARCHAR")
    values = connection.execute(f"SELECT CAST(n AS {kind})::VARCHAR FROM {numbers}").fetchall()
    assert [Decimal(value) for (value,) in values] == list(map(Decimal, texts))
