"""Readers report whatever they merge, drop or guess."""

from __future__ import annotations

import gzip
import json

import pytest

from core.preview import HexDump, Lines, Picture, ProblemKind, Table, Tree, preview

PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
LOG_KEY = "logs/app/2024/01/15/2024-01-15T10:30:00Z_app.log"
LOG = (
    b"[2024-01-15 10:30:00] production.ERROR: order rejected\n"
    b"[2024-01-15 10:30:01] production.INFO: retry ok\n"
)


def of(found, kind):
    return next(
        representation
        for representation in found.representations
        if isinstance(representation, kind)
    )


@pytest.mark.parametrize("key", [LOG_KEY, "app.log", "app", "x/app.out", LOG_KEY + ".gz"])
@pytest.mark.parametrize(
    "data",
    [
        LOG,
        b"[1] one\n[2] two\n",
        b"[INFO] started\n{broken\n",
        b"{main} ready\n{main} gone\n",
        b'["worker"] done\n["worker"] gone\n',
        b"[2024-01-15\n[2024-01-16\n",
    ],
)
def test_a_log_whose_lines_begin_with_brackets_is_a_log(key, data):
    found = preview(gzip.compress(data) if key.endswith(".gz") else data, key)
    assert type(found.representations[0]) is Lines
    assert list(found.representations[0].lines) == data.decode().splitlines()
    assert found.problems == ()


def test_a_log_of_json_lines_is_a_table_and_a_log():
    data = b'{"level": "info", "n": 1}\n{"level": "error", "n": 2}\n'
    found = preview(data, LOG_KEY)
    assert [representation.label for representation in found.representations] == [
        "Table",
        "JSON",
        "Log",
    ]
    assert of(found, Lines).levels == "IE"


TEXTS = {
    "a.json": '{"a": 1}',
    "b.json": '[{"a": 1}]',
    "a.jsonl": '{"a": 1}\n{"a": 2}\n',
    "a.csv": "a,b\n1,2\n",
    "a.tsv": "a\tb\n1\t2\n",
    "a": '{"a": 1}',
    "market-data/ohlcv/A/1h/2024/01/15/2024-01-15T10:00:00Z.json": (
        '[{"t": 1705312800, "o": 1, "h": 1, "l": 1, "c": 1}]'
    ),
    "book.json": '{"bids": [[1, 1]], "asks": []}',
    "trades.json": '{"trades": [{"price": 1}]}',
    "portfolio.json": '{"portfolio": {"assets": [{"symbol": "A", "quantity": 1}]}}',
    "broken.json": '{"a": oops}',
    "cut.json": '{"a": [1, 2',
    "empty.json": "[]",
}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_has_a_text_view(key):
    found = preview(TEXTS[key].encode(), key)
    assert list(of(found, Lines).lines) == TEXTS[key].splitlines()
    assert len(found.representations) > 1 or key == "broken.json"
    labels = [representation.label for representation in found.representations]
    assert len(set(labels)) == len(labels)


def table(text, key="a.csv"):
    found = preview(text.encode(), key)
    return of(found, Table), found.problem_texts


def test_an_unclosed_quote_swallows_no_rows():
    shown, text = table('id,note\n1,"abc\n2,x\n3,y\n4,z\n')
    assert shown.rows == (("1", '"abc'), ("2", "x"), ("3", "y"), ("4", "z"))
    assert text.startswith("line 2 has a quote that does not close")
    shown, text = table('id,note\n1,"abc\n2,x\n3,"def"\n4,z\n')
    assert [row[0] for row in shown.rows] == ["1", "2", "3", "4"]
    assert text.startswith("line 2 has a quote that does not close")
    shown, _ = table('id\tnote\n1\t"abc\n2\tx\n', "a.tsv")
    assert len(shown.rows) == 2


def test_an_unclosed_quote_in_the_last_line_is_reported():
    shown, text = table('id,note\n1,x\n2,"y\n')
    assert shown.rows[-1] == ("2", '"y')
    assert text.startswith("line 3 has a quote")


def test_a_quote_that_the_end_of_the_part_cuts_is_a_note():
    data = b'id,note\n1,x\n2,"yy yy'
    found = preview(data, "a.csv", total=10_000)
    assert set(found.counts) == {ProblemKind.NOTE}
    assert "does not close in this part" in found.problem_texts


def test_a_row_that_the_end_of_the_part_cuts_is_not_shown_as_a_row():
    found = preview(b"id,price\n1,10.5\n2,20.5\n3,30", "a.csv", total=10_000)
    assert of(found, Table).rows == (("1", "10.5"), ("2", "20.5"))
    assert found.problem_texts == "only the beginning of the object is shown"
    assert len(of(preview(b"id,price\n1,10.5\n3,30", "a.csv"), Table).rows) == 2


def test_rows_that_span_lines_are_complete_and_counted():
    shown, text = table('id,note\n1,"a\nb"\n2,"c\n\nd"\n')
    assert shown.rows == (("1", "a\nb"), ("2", "c\n\nd"))
    assert text == "2 rows span several lines within quotes, the first at line 2"


def test_an_empty_header_cell_is_a_column_without_a_name():
    shown, text = table(",timestamp,open\n0,2024-01-01,1.5\n1,2024-01-02,1.6\n")
    assert shown.columns == ("1", "timestamp", "open")
    assert len(shown.rows) == 2
    assert text == "column 1 has no name"


def test_repeated_header_cells_stay_and_are_reported():
    shown, text = table("t,price,price,\n1,2,3,4\n5,6,7,8\n")
    assert shown.columns == ("t", "price", "price", "4")
    assert shown.rows[1] == ("5", "6", "7", "8")
    assert text == "the name “price” is used by 2 columns · column 4 has no name"


def test_lines_before_the_header_are_reported():
    shown, text = table("https://www.example.com\nunix,symbol,open\n1600000000,BTC/USD,1\n1600003600,BTC/USD,2\n")  # fmt: skip
    assert shown.columns == ("unix", "symbol", "open")
    assert len(shown.rows) == 2
    assert text == "1 line comes before the header: “https://www.example.com”"


@pytest.mark.parametrize(
    ("text", "expected", "rows"),
    [
        ("1,2\n3,4\n", "no header line: the columns are numbered", 2),
        ("2024-01-01,2\n2024-01-02,3\n", "no header line: the columns are numbered", 2),
        ("name,city\nAnn,Bonn\n", "the first line is taken for the header", 1),
        ("name,2023\nAnn,1\n", "no header line: the columns are numbered", 2),
        ("a,b\n1,2,3\n4,5,6\n", "the header has 2 names for 3 columns", 2),
        ("a,b,c\n", "one line only, shown as a row: the columns are numbered", 1),
    ],
)
def test_what_is_guessed_about_a_header_is_said(text, expected, rows):
    shown, output = table(text)
    assert len(shown.rows) == rows
    assert expected in output


def test_a_wrong_checksum_takes_no_line_away():
    packed = bytearray(gzip.compress(b"INFO a\nERROR b\n" * 20))
    packed[-8] ^= 0xFF
    found = preview(bytes(packed), LOG_KEY + ".gz")
    assert len(of(found, Lines).lines) == 40
    assert found.problem_texts == ("the gzip checksum does not match: what is shown may be damaged")
    assert found.packed == "gzip"


def test_gzip_headers_with_every_field_are_read():
    packed = gzip.compress(b"hello")
    head = bytearray(packed[:10])
    head[3] = 4 | 8 | 16 | 2
    extra = b"\x03\x00abc" + b"name\0" + b"comment\0" + b"\0\0"
    found = preview(bytes(head) + extra + packed[10:], "a.txt.gz")
    assert of(found, Lines).lines == ("hello",)
    assert found.problems == ()
    for cut in range(2, len(head) + len(extra)):
        assert preview((bytes(head) + extra)[:cut], "a.txt.gz").representations


@pytest.mark.parametrize("indent", [None, 1])
def test_json_documents_one_after_the_other_are_rows(indent):
    text = "\n".join(json.dumps({"a": number}, indent=indent) for number in range(3))
    found = preview(text.encode(), "x.json")
    assert of(found, Table).rows == (("0",), ("1",), ("2",))
    assert found.count == "3 rows"
    assert found.problem_texts == "3 JSON values one after the other, not one JSON document"


def test_a_broken_document_between_good_ones_is_one_finding():
    text = '{\n "a": 1\n}\n{\n "a": oops\n}\n{\n "a": 3\n}\n{\n "a": 4\n}\n'
    found = preview(text.encode(), "x.jsonl")
    assert of(found, Tree).root == [{"a": "1"}, '{\n "a": oops\n}', {"a": "3"}, {"a": "4"}]
    (bad,) = [one for one in found.problems if one.kind is ProblemKind.BAD_ROW]
    assert (bad.text, bad.row, bad.line) == ("lines 4\u20136 are not a JSON value", 1, 4)


def test_the_cut_end_of_json_lines_is_reported_once():
    data = b'{"a": 1}\n{"a": 2}\n{"a'
    assert preview(data, "a.jsonl").problem_texts == "line 3 is not a JSON value"
    found = preview(data, "a.jsonl", total=1_000)
    assert found.problem_texts == "only the beginning of the object is shown"


def test_elements_of_another_form_are_reported_with_what_they_are():
    rows = [{"a": 1}, [1, 2], 5, {"a": 2}, {"a": 3}, {"a": 4}, {"a": 5}]
    found = preview(json.dumps({"rows": rows}).encode(), "a.json")
    assert [problem.text for problem in found.problems] == [
        "row 2 is a list among objects", "row 3 is a number among objects",
    ]  # fmt: skip
    found = preview(b"[[1, 2], [3, 4], [5, 6, 7], [8, 9]]", "a.json")
    assert found.problem_texts == "row 3 has 3 values, not 2"
    assert of(found, Table).rows[2] == ("5", "6", "7")


def test_huge_amounts_of_a_portfolio_do_not_hide_it():
    number = "9" * 29
    assets = [{"symbol": "A", "quantity": number, "current_price": number}]
    found = preview(json.dumps({"portfolio": {"assets": assets}}).encode(), "a.json")
    assert found.count == "1 asset"
    assert found.representations[0].holdings[0].value == int(number) ** 2


@pytest.mark.parametrize(
    "text", ["BMW,1\nBMO,2\n", "PAR1 is a name\n", "GIF89a is a form\n", "BZh91AY is a name\n", "RIFFxxxxWEBP\n"]
)  # fmt: skip
@pytest.mark.parametrize("key", ["a", "a.txt", "a.log"])
def test_a_text_that_begins_like_a_binary_form_is_a_text(key, text):
    found = preview(text.encode(), key)
    assert list(of(found, Lines).lines) == text.splitlines()
    assert ProblemKind.PACKING not in found.counts


@pytest.mark.parametrize(
    ("data", "representation"),
    [
        (PNG, Picture),
        (b"BM" + (70).to_bytes(4, "little") + bytes(64), Picture),
        (b"PAR1\x15\x04" + bytes(90), HexDump),
        (b"%PDF-1.7\nplain so far\n", HexDump),
    ],
)
def test_binary_forms_are_still_known(data, representation):
    assert type(preview(data, "a").representations[0]) is representation


def test_a_log_full_of_zeros_still_has_its_lines():
    found = preview(b"INFO one\n" + bytes(4096) + b"INFO two\n", LOG_KEY)
    lines = of(found, Lines).lines
    assert lines[0] == "INFO one"
    assert lines[-1].endswith("INFO two")
