"""A pattern converts a document exactly as the parser does, or not at all."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.collect.patterns import learned
from core.collect.rows import UnreadableError, read_rows
from core.collect.staging import Staging

MOMENT = "2024-01-15T10:00:00Z"
ROWS = [
    {"timestamp": f"2024-01-15T10:{at:02}:00Z", "open": 1.5 + at, "close": -2, "note": f"a,{at}"}
    for at in range(4)
]


def _document(rows=ROWS, **layout):
    return json.dumps({"symbol": "BTC-USD", "data": rows}, **layout).encode()


def _pattern(document):
    return learned("ohlcv", document, read_rows("ohlcv", document, MOMENT).blocks[0])


def _parsed(document, folder):
    """Return the rows of a document by the parser, as fields of CSV."""
    staging = Staging(folder, ["symbol", "timeframe"])
    for block in read_rows("ohlcv", document, MOMENT).blocks:
        staging.add(7, block)
    staging.close()
    files = [form.path.read_text(encoding="utf-8") for form in staging.forms.values()]
    return [row for text in files for row in csv.reader(text.splitlines())]


@pytest.mark.parametrize("layout", [{}, {"indent": 2}, {"indent": 4}, {"separators": (",", ":")}])
def test_documents_of_each_layout_are_converted(layout, tmp_path):
    document = _document(ROWS[:2], **layout)
    other = _document([*ROWS, {**ROWS[0], "open": 1e-9, "note": ""}], **layout)
    lines = _pattern(document).lines(other, 7)
    assert list(csv.reader(lines.decode().splitlines())) == _parsed(other, tmp_path)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{**ROWS[0], "open": None}],
        [{**ROWS[0], "open": "1"}],
        [{**ROWS[0], "note": "é"}],
        [{**ROWS[0], "note": 'a"b'}],
        [{**ROWS[0], "more": 1}],
        [{"open": 1}],
        [ROWS[0], 5],
        [{**ROWS[0], "open": {"a": 1}}],
    ],
)
def test_documents_of_other_forms_are_left_to_the_parser(rows):
    assert _pattern(_document()).lines(_document(rows), 7) is None


@pytest.mark.parametrize(
    "document",
    [
        b'{"meta": {"data": [%s]}, "data": []}',
        b'{"data": [], "data": [%s]}',
        b'{"data": [%s], "symbol": }',
        b'{"data": [%s]',
        b'{"data": [%s]}}',
        b'{"data": [%s], "a": 1, "a": 2}',
        b'[{"data": [%s]}]',
    ],
)
def test_the_rest_of_the_document_is_checked(document):
    rows = ", ".join(map(json.dumps, ROWS)).encode()
    assert _pattern(_document()).lines(document % rows, 7) is None


def test_nothing_is_learned_from_nested_values():
    assert _pattern(_document([{"open": 1, "list": [1]}, {"open": 1, "list": [2]}])) is None


@given(st.integers(0, 10_000), st.binary(max_size=3), st.integers(0, 3))
def test_a_changed_document_is_converted_exactly_or_not_at_all(tmp_path_factory, at, new, removed):
    document = _document(indent=2)
    at %= len(document)
    changed = document[:at] + new + document[at + removed :]
    lines = _pattern(document).lines(changed, 7)
    if lines is None:
        return
    try:
        expected = _parsed(changed, tmp_path_factory.mktemp("rows"))
    except UnreadableError as error:
        raise AssertionError(changed) from error
    assert list(csv.reader(lines.decode().splitlines())) == expected
