"""Rows of a table are sorted exactly, filtered and summed up, in parts that let other threads run."""

from __future__ import annotations

import json
import random
from decimal import Decimal

import pytest
from helpers.doses import generated
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Cancelled, InvalidInput
from core.preview import Table, join_previews, preview
from core.preview.column import CellKind, sorted_in_parts, value_of
from core.preview.column_types import type_of
from core.preview.row_filter import parse_filter
from core.preview.table_rows import Arrangement, TableRows
from core.work import Work


def table(*cells, name="n"):
    return Table((name,), [(cell,) for cell in cells], (True,))


def arranged(cells, *, backwards=False):
    rows = TableRows(table(*cells)).arrange(Arrangement(0, backwards)).rows
    return [cells[row] for row in rows]


def test_numbers_of_17_to_30_digits_are_in_exact_order():
    chance = random.Random(7)
    cells = []
    for digits in range(17, 31):
        base = chance.randrange(10 ** (digits - 1), 10**digits - 9)
        cells += [str(base + step) for step in (2, 0, 1)] + [f"-{base}.5", f"-{base}", f"{base}e-9"]
    chance.shuffle(cells)
    exact = sorted(cells, key=Decimal)
    assert sorted(cells, key=float) != exact, "the doubles alone would do"
    assert arranged(cells) == exact
    assert arranged(cells, backwards=True) == exact[::-1]


@generated(suite=50)
@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=None).map(str)
        | st.integers(10**16, 10**16 + 9).map(str)
        | st.sampled_from(["1", "1.0", "1e0", "0.1", "0.10000000000000000001", "-0", "1e-400", "1e-401"])
    )
)  # fmt: skip
def test_any_numbers_are_in_exact_order_and_equal_ones_in_that_of_the_file(cells):
    cells = [cell for cell in cells if value_of(cell)[0] is CellKind.NUMBER]
    assert arranged(cells) == sorted(cells, key=Decimal)
    assert arranged(cells, backwards=True) == sorted(cells, key=Decimal, reverse=True)


def test_mixed_cells_are_numbers_then_times_then_texts_and_empty_ones_last():
    cells = [
        "b",
        "",
        "10",
        "2024-01-15T10:00:00.5Z",
        "A",
        "9.50",
        "a",
        "2024-01-15T11:00:00+01:00",
        "n/a",
        " ",
    ]
    numbers, times = ["9.50", "10"], ["2024-01-15T11:00:00+01:00", "2024-01-15T10:00:00.5Z"]
    assert arranged(cells) == [*numbers, *times, "A", "a", "b", "n/a", "", " "]
    assert arranged(cells, backwards=True) == [
        "n/a", "b", "A", "a", *reversed(times), *reversed(numbers), "", " ",
    ]  # fmt: skip


def test_times_are_in_order_down_to_the_nanosecond():
    cells = [f"2024-01-15 10:00:00.123456{n:03}" for n in (700, 70, 7)]
    assert arranged(cells) == cells[::-1]


def test_numbers_with_grouped_digits_and_exponents_are_numbers():
    assert arranged(["1,000", "2e2", "1_500", "+7"]) == ["+7", "2e2", "1,000", "1_500"]


def test_decimal_commas_are_read_as_such_and_not_as_marks_between_groups():
    """`1,5` is no fifteen."""
    cells = ["12,25", "9", "0,125", "1.234,50", "-1,5e1", "1,234", ""]
    ordered = ["-1,5e1", "0,125", "1,234", "9", "12,25", "1.234,50", ""]
    assert arranged(cells) == ordered
    made = TableRows(table(*cells)).statistics(0)
    assert (made.kind, made.total) == ("numbers with decimal commas", "1242.109")
    assert (made.minimum, made.maximum) == ("-1,5e1", "1.234,50")
    assert type_of(cells) == "decimal"
    rows = TableRows(table(*cells))
    for text, expected in {
        "n > 1,234": ["12,25", "9", "1.234,50"],
        "n >= 9.0": ["12,25", "9", "1.234,50"],
        "n = 1234,5": ["1.234,50"],
        "n != 9": ["12,25", "0,125", "1.234,50", "-1,5e1", "1,234", ""],
    }.items():
        found = rows.arrange(Arrangement(conditions=parse_filter(text, ("n",)))).rows
        assert [cells[row] for row in found] == expected, text


@pytest.mark.parametrize(
    ("cells", "kind", "total"),
    [
        (["1,234", "12,345.5", "7", "12,34,567"], "numbers", "1248153.5"),
        # Both signs in one column: which one is meant is unknown.
        (["1,5", "2.5"], "1 number, 1 text", "2.5"),
        (["1,", "1,,2", "01,234", "3"], "2 numbers with decimal commas, 2 texts", "4.234"),
        (["1,2,3", "2024-01-15"], "1 time, 1 text", ""),
    ],
)
def test_commas_are_marks_between_groups_only_where_groups_have_three_digits(cells, kind, total):
    made = TableRows(table(*cells)).statistics(0)
    assert (made.kind, made.total) == (kind, total)


@pytest.mark.parametrize(
    ("text", "kind", "total"),
    [
        ("a;n\nx;1,234\ny;2,345\n", "numbers with decimal commas (as semicolons separate the cells)", "3.579"),
        ("a;n\nx;1,234\ny;2\n", "numbers with decimal commas (as semicolons separate the cells)", "3.234"),
        ("a;n\nx;1,234\ny;2,5\n", "numbers with decimal commas", "3.734"),
        ("a;n\nx;1,234\ny;2.5\n", "numbers", "1236.5"),
        ("a;n\nx;1,234\ny;1,234,567\n", "numbers", "1235801"),
        ("a\tn\nx\t1,234\ny\t2,345\n",
         "numbers with commas between thousands (no semicolons separate the cells)", "3579"),
        ('a,n\nx,"1,234"\ny,7\n',
         "numbers with commas between thousands (no semicolons separate the cells)", "1241"),
        ("a,n\nx,1234\ny,7\n", "numbers", "1241"),
    ],
)  # fmt: skip
def test_the_separator_decides_about_commas_that_may_be_both(text, kind, total):
    """A file with semicolons comes from a program that writes decimal commas."""
    found_table = preview(text.encode(), "a.csv").representations[0]
    assert found_table.numeric[1]
    made = TableRows(found_table).statistics(1)
    assert (made.kind, made.total) == (kind, total)
    filtered = TableRows(found_table).arrange(Arrangement(1, False)).rows
    assert len(filtered) == 2
    joined = join_previews([preview(text.encode(), f"{name}.csv") for name in "ab"])
    assert TableRows(joined.representations[0]).statistics(1).kind == kind


def test_infinite_numbers_are_the_ends_and_what_is_no_number_is_a_text():
    cells = ["inf", "nan", "1e400", "-Infinity", "INF", "-5"]
    assert arranged(cells) == ["-Infinity", "-5", "1e400", "inf", "INF", "nan"]
    made = TableRows(table(*cells)).statistics(0)
    assert (made.minimum, made.maximum, made.total, made.mean) == ("-Infinity", "inf", "", "")


def test_long_lists_are_sorted_in_parts():
    values = [f"{n * 7919 % 20_011:05}" for n in range(20_011)]
    assert sorted_in_parts(values, Work()) == sorted(values)


TRADES = Table(
    ("time", "side", "price", "note text"),
    [
        ("2024-01-15T10:00:00Z", "buy", "100", "=x"),
        ("2024-01-15T11:00:00Z", "sell", "100.00", ""),
        ("2024-01-16T10:00:00Z", "Buy", "100.00000000000000000001", "a and b"),
        ("2024-01-17T10:00:00Z", "sell", "99", "price > 100"),
        ("", "", "n/a", 'say "hi"'),
    ],
    (False, False, False, False),
)


def found(text):
    rows = TableRows(TRADES)
    return rows.arrange(Arrangement(conditions=parse_filter(text, TRADES.columns))).rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("BUY", [0, 2]),
        ("b?y", [0, 2]),
        ("2024-01-15", [0, 1]),
        ("price > 100", [2]),
        ("PRICE >= 100", [0, 1, 2]),
        ("price<100", [3]),
        ("price <= 99", [3]),
        ("price = 100", [0, 1]),
        ("price == 1e2", [0, 1]),
        ('price = "100"', [0]),
        ("price != 100", [2, 3, 4]),
        ("side = buy", [0, 2]),
        ("side != buy", [1, 3, 4]),
        ("side >= c", [1, 3]),
        ("side ~ s*", [1, 3]),
        ("side ~ el", [1, 3]),
        ("side !~ el", [0, 2, 4]),
        ('side = ""', [4]),
        ('"note text" != ""', [0, 2, 3, 4]),
        ("note text = =x", [0]),
        ("time >= 2024-01-16", [2, 3]),
        ("time = 2024-01-15T12:00:00+02:00", [0]),
        ("time > 2024-01-15 and side = buy and price > 100", [2]),
        ('"a and b"', [2]),
        ("sell and 100", [1, 3]),
        ('"price > 100"', [3]),
        ('"say ""hi"""', [4]),
        ("xyz", []),
        ("buy100", []),
    ],
)
def test_a_filter_shows_the_rows_that_meet_it(text, rows):
    assert found(text) == rows


@pytest.mark.parametrize(
    ("text", "summary", "help_text"),
    [
        ("prise > 1", "There is no column “prise”", "“price”"),
        ("xyz = 1", "There is no column “xyz”", "time, side, price, note text"),
        ("a>b", "There is no column “a”", '"a>b"'),
        ("price >", "A value is missing after “price >”", '""'),
        ("> 5", "The name of a column is missing", '"> 5"'),
        ('side = "buy', "A quote is not closed", "Add the quote"),
    ],
)
def test_a_filter_that_cannot_be_read_is_explained(text, summary, help_text):
    with pytest.raises(InvalidInput) as caught:
        parse_filter(text, TRADES.columns)
    assert summary in caught.value.summary
    assert help_text in f"{caught.value.cause} {caught.value.remedy}"


@generated(suite=50)
@given(st.text(alphabet='ab "=<>~!*andpriceAND', max_size=30))
def test_any_text_is_a_filter_or_is_explained(text):
    try:
        rows = found(text)
    except InvalidInput as error:
        rows = [] if error.summary and error.remedy else [-1]
    assert set(rows) <= set(range(5))


def test_filter_and_order_apply_together_and_say_where_each_row_is():
    rows = TableRows(TRADES)
    done = rows.arrange(
        Arrangement(2, backwards=True, conditions=parse_filter("side ~ *", TRADES.columns))
    )
    assert done.rows == [4, 2, 0, 1, 3]
    assert [done.places[row] for row in done.rows] == [0, 1, 2, 3, 4]
    few = rows.arrange(Arrangement(2, conditions=parse_filter("price < 100", TRADES.columns)))
    assert (few.rows, few.places) == ([3], [-1, -1, -1, 0, -1])


def test_statistics_are_exact_and_as_written():
    cells = ["0.10", "10000000000000000000000.01", "", "3", "0.10", "n/a"]
    made = TableRows(table(*cells, name="=x")).statistics(0)
    assert dict(made.facts()) == {
        "Type": "4 numbers, 1 text", "Rows": "6", "Empty": "1", "Distinct": "4",
        "Minimum": "0.10", "Maximum": "10000000000000000000000.01",
        "Sum": "10000000000000000000003.21", "Mean": "2500000000000000000000.8025",
        "5 % quantile": "0.10", "25 % quantile": "0.10", "Median": "0.10", "75 % quantile": "3",
        "95 % quantile": "10000000000000000000000.01",
    }  # fmt: skip
    assert (made.frequent[0].value, made.frequent[0].rows) == ("0.10", 2)
    assert made.as_text().startswith("Column\t'=x\nType\t")


def test_statistics_of_texts_times_and_of_a_beginning():
    texts = TableRows(table("b", "a", "b")).statistics(0, partial=True)
    assert dict(texts.facts()) == {
        "Type": "texts", "Rows": "3, at the beginning of the object", "Empty": "0", "Distinct": "at least 2",
        "Minimum": "a", "Maximum": "b",
    }  # fmt: skip
    assert [(each.value, each.rows) for each in texts.frequent] == [("b", 2), ("a", 1)]
    times = TableRows(table("2024-01-15T12:00:00+02:00", "2024-01-15T11:00:00Z")).statistics(0)
    assert times.minimum == "2024-01-15T12:00:00+02:00"
    assert (times.kind, times.total, times.frequent) == ("times", "", ())
    assert dict(TableRows(table("", "")).statistics(0).facts())["Type"] == "empty"


def test_statistics_count_the_rows_of_the_filter():
    rows = TableRows(TRADES)
    few = rows.statistics(2, conditions=parse_filter("side = buy", TRADES.columns))
    assert dict(few.facts())["Rows"] == "2 of 5, filtered"
    assert (few.minimum, few.maximum) == ("100", "100.00000000000000000001")
    assert few.total == "200.00000000000000000001"
    none = rows.statistics(2, conditions=parse_filter("xyz", TRADES.columns))
    assert dict(none.facts())["Rows"] == "0 of 5, filtered"


def test_a_mean_that_is_rounded_says_so_and_a_sum_of_extremes_is_left_out():
    assert TableRows(table("1", "1", "2")).statistics(0).mean == "≈ 1.3333"
    extreme = TableRows(table("1e9999", "1", "1e-9999")).statistics(0)
    assert (extreme.total, extreme.mean, extreme.maximum) == ("", "", "1e9999")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "", "-20"], "integer"),
        (["1", "2.5"], "decimal"),
        (["1e3"], "decimal"),
        (["2024-01-15", "2024-01-15T10:00:00Z"], "time"),
        (["true", "False"], "true/false"),
        (["a", "2024-01-15"], "text"),
        (["1", "n/a"], "mixed"),
        (["", ""], "empty"),
    ],
)
def test_the_type_of_a_column_is_that_of_all_its_filled_cells(cells, kind):
    assert type_of(cells) == kind


def test_previews_have_types():
    seen = preview(b"id,price,when,ok\n1,2.50,2024-01-15,true\n2,3,2024-01-16,false\n", "x.csv")
    (shown,) = [one for one in seen.representations if isinstance(one, Table)]
    assert (shown.types, shown.declared) == (("integer", "decimal", "time", "true/false"), False)
    rows = [{"side": "buy", "price": 1.5}, {"side": "sell", "price": None}]
    seen = preview(json.dumps(rows).encode(), "x.json")
    (shown,) = [one for one in seen.representations if isinstance(one, Table)]
    assert shown.types == ("text", "decimal")


def test_joined_tables_have_the_types_of_all_of_them():
    parts = [
        preview(text, "x.csv") for text in (b"a,b,c\n1,x,\n2,y,\n", b"a,b,c\n1.5,7,2\n2,8,3\n")
    ]
    (shown,) = join_previews(parts).representations
    assert shown.types == ("decimal", "mixed", "integer")
    rows = TableRows(shown)
    assert rows.arrange(Arrangement(0, backwards=True)).rows == [1, 3, 2, 0]
    assert rows.statistics(2).total == "5"


def test_a_cancel_ends_the_work():
    work = Work()
    work.token.cancel()
    rows = TableRows(table("b", "a"))
    for act in (
        lambda: rows.arrange(Arrangement(0), work=work),
        lambda: rows.statistics(0, work=work),
        lambda: rows.arrange(Arrangement(conditions=parse_filter("a", ("n",))), work=work),
    ):
        with pytest.raises(Cancelled):
            act()
