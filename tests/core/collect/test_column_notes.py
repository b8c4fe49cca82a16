"""Notes on columns of texts propose only expressions that return the numbers, and give their results."""

import re

import duckdb
import pytest
from helpers.folders import load_folder

from core.collect.querying import read_page, run_query


def loaded(collected, texts):
    lines = ["x;y", *(f'"{text}";1' for text in texts)]
    collected.put("f/a.csv", "\n".join(lines).encode())
    return load_folder(collected, folder="f/", cache=False)


def proposed(note):
    """Return the expressions of a note with the results that it states."""
    return re.findall(r"(TRY_CAST\(.+?\)) returns ([^ ]+?)(?=,? and TRY_CAST|\.$)", note)


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("+491234567", "12"), [(491234567, 12)]),
        (("007", "12"), [(7, 12)]),
        ((" 12", "3"), [(12, 3)]),
        (("12e3", "1e5"), [(12000, 100000)]),
        (("0x10", "1"), [(16, 1)]),
        (("1_000", "2.5"), [("1000.0", "2.5")]),
        ((".5", "NA"), [("0.5", None)]),
        (("1,5", "2"), [("1.5", "2.0")]),
        (("1,234", "2"), [(1234, 2), ("1.234", "2.000")]),
        (("1,234.5", "2"), [("1234.5", "2.0")]),
        (("1,234", "2.5"), [("1234.0", "2.5")]),
        (("1,234,567", "1,5"), []),
        (("1,2,3", "1"), []),
        (("+12345678901234567890123456789012345678901", "1"), [(1.2345678901234568e40, 1.0)]),
    ],
)
def test_the_expression_of_a_note_returns_the_numbers(collected, texts, numbers):
    report = loaded(collected, texts)
    (note,) = report.notes
    assert note.startswith("The column x is text, because “")
    found = proposed(note)
    assert note.count("TRY_CAST") == len(found) == len(numbers)
    for (expression, stated), expected in zip(found, numbers, strict=True):
        answer = run_query(collected, sql=f"SELECT {expression} FROM f", tables={"f": report.table})
        assert tuple(row[0] for row in read_page(collected, table=answer.table).rows) == expected
        # The example of the note is the first text.
        assert texts[0][:40] in note
        sql = f"SELECT CAST({expression} AS VARCHAR) FROM (SELECT ?::VARCHAR AS x)"
        assert duckdb.execute(sql, [texts[0]]).fetchone() == (stated,)


def test_a_column_without_values_has_no_note(collected):
    collected.put("f/a.csv", b"x,y\n1,\n2,\n")
    assert load_folder(collected, folder="f/").notes == ()


def test_numbers_in_quotation_marks_that_no_type_holds_have_no_cast(collected):
    collected.put("f/a.json", [{"x": "0.1", "y": "7"}, {"x": "1" * 42, "y": "8"}])
    (note,) = load_folder(collected, folder="f/").notes
    assert note.endswith('Their numbers are CAST("y" AS BIGINT).')


def test_many_columns_have_one_note_for_those_beyond_the_first_ones(collected):
    names = [f"c{number}" for number in range(40)]
    collected.put("f/a.csv", f"{','.join(names)}\n{','.join(['007'] * 40)}\n".encode())
    notes = load_folder(collected, folder="f/").notes
    assert len(notes) == 13
    assert "28 further columns" in notes[-1]
