"""Shown and reported rows add up to the rows of a file, for every reader and damage.

A finding with a row or a line reports that row; its `amount` says for how many rows it stands.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from datetime import UTC, datetime, timedelta

import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.preview import (
    LIMITS,
    Book,
    Candles,
    Holdings,
    Lines,
    ProblemKind,
    Table,
    Tree,
    preview,
)  # fmt: skip

CALM = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = st.text(alphabet=st.sampled_from('ab,;"\n\r|\t 1é'), max_size=8)
NAMES = ["id", "note", "price"]


def of(found, kind):
    return next(
        representation
        for representation in found.representations
        if isinstance(representation, kind)
    )


def amounts(found, *kinds):
    return sum(problem.amount for problem in found.problems if problem.kind in kinds)


def reported_rows(found):
    return {problem.row for problem in found.problems if problem.row is not None}


def written(rows, delimiter=","):
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


@given(cells=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=12))
@CALM
def test_a_good_csv_is_shown_cell_by_cell(cells):
    rows = [[str(number), *pair] for number, pair in enumerate(cells)]
    found = preview(written([NAMES, *rows]).encode(), "a.csv")
    table = of(found, Table)
    assert table.columns == tuple(NAMES)
    assert table.rows == tuple(map(tuple, rows))
    assert {problem.kind for problem in found.problems} <= {ProblemKind.NOTE}
    spanning = sum(any("\n" in cell or "\r" in cell for cell in row) for row in rows)
    assert ("within quotes" in found.problem_texts) is bool(spanning)


@given(count=st.integers(3, 60), at=st.integers(0, 200), quote=st.sampled_from(['"', '""', '"""']))
@CALM
def test_a_stray_quote_swallows_no_row(count, at, quote):
    lines = ["id,note,price", *(f"{number},note {number},{number}.5" for number in range(count))]
    line, place = 1 + at % count, at % 7
    lines[line] = lines[line][:place] + quote + lines[line][place:]
    found = preview(("\n".join(lines) + "\n").encode(), "a.csv")
    table = of(found, Table)
    assert len(table.rows) == count
    others = [row for number, row in enumerate(table.rows) if number != line - 1]
    assert all(row[1] == f"note {row[0]}" for row in others)


@given(
    preamble=st.lists(st.sampled_from(["https://example.com", "Export of 2024", "# comment"]), max_size=4),
    header=st.lists(st.sampled_from(["", "open", "close", "unix"]), min_size=3, max_size=3),
    # Mostly complete lines: more than half of them must be, or the example is refused.
    rows=st.lists(st.sampled_from([2, 3, 3, 3, 3, 3, 4, 5]), min_size=4, max_size=30),
)  # fmt: skip
@CALM
def test_every_line_of_a_csv_is_a_row_the_header_or_reported(preamble, header, rows):
    assume(any(header))
    assume(sum(width == 3 for width in rows) * 2 > len(rows) + len(preamble))
    body = [
        ",".join(str(number * 10 + at) for at in range(width)) for number, width in enumerate(rows)
    ]
    found = preview("\n".join([*preamble, ",".join(header), *body]).encode(), "a.csv")
    table = of(found, Table)
    assert len(table.rows) == len(rows)
    assert [row[:2] for row in table.rows] == [tuple(line.split(",")[:2]) for line in body]
    assert ("before the header" in found.problem_texts) is bool(preamble) or len(found.problems) > 3
    ragged = {number for number, width in enumerate(rows) if width != 3}
    assert ragged <= reported_rows(found)
    assert amounts(found, ProblemKind.DUPLICATE_KEY) == sum(
        header.count(name) > 1 for name in set(header) - {""}
    )


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet="ab{}[]\"\\\n", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
DOCUMENT = st.dictionaries(st.sampled_from("abc"), VALUE, max_size=3) | st.lists(VALUE, max_size=3)


def as_shown(value):
    """Return a value as the tree shows it: numbers as their text."""
    if isinstance(value, dict):
        return {name: as_shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_shown(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(
    documents=st.lists(DOCUMENT, min_size=2, max_size=8),
    indent=st.sampled_from([None, 1, 2]),
    between=st.sampled_from(["\n", "\r\n", "\n\n", "", " "]),
    key=st.sampled_from(["a.json", "a.jsonl", "a.ndjson", "a", "logs/app/a.log"]),
)
@CALM
def test_documents_one_after_the_other_are_all_shown(documents, indent, between, key):
    text = between.join(json.dumps(document, indent=indent) for document in documents)
    found = preview(text.encode(), key)
    assert of(found, Tree).root == as_shown(documents)
    assert of(found, Lines).lines
    assert amounts(found, ProblemKind.BAD_ROW, ProblemKind.BROKEN) == amounts(
        found, ProblemKind.BAD_ROW
    )


@given(lines=st.lists(st.sampled_from(['{"a": 1}', '{"a": 2, "b": []}', "oops", "{", '["x"']), min_size=1, max_size=20))  # fmt: skip
@CALM
def test_every_json_line_is_a_value_or_reported(lines):
    found = preview(("\n".join(lines) + "\n").encode(), "a.jsonl")
    assert of(found, Lines).lines == tuple(lines)
    trees = [
        representation
        for representation in found.representations
        if isinstance(representation, Tree)
    ]
    if not trees:  # not one value in it: the text is the first representation
        assert amounts(found, ProblemKind.BAD_ROW) >= 1
        return
    values = trees[0].root
    bad = [problem.row for problem in found.problems if problem.kind is ProblemKind.BAD_ROW]
    texts = "\n".join(values[row] for row in bad if isinstance(values[row], str))
    good = [value for number, value in enumerate(values) if number not in bad]
    written_down = sum(line.startswith('{"a"') for line in lines)
    assert len(good) == written_down - texts.count('{"a"')
    assert all(texts.count(line) for line in lines if line == "oops")


@given(values=st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(), min_size=1) | st.lists(st.integers(), min_size=1, max_size=4) | st.integers(), min_size=3, max_size=20))  # fmt: skip
@CALM
def test_every_element_of_a_list_is_a_row_and_odd_ones_are_reported(values):
    found = preview(json.dumps({"rows": values}).encode(), "a.json")
    tables = [
        representation
        for representation in found.representations
        if isinstance(representation, Table)
    ]
    assume(tables)
    assert len(tables[0].rows) == len(values)
    lists = sum(isinstance(value, list) for value in values)
    form = list if lists * 2 > len(values) else dict
    odd = {number for number, value in enumerate(values) if not isinstance(value, form)}
    assert odd <= reported_rows(found)


START = datetime(2024, 1, 15, tzinfo=UTC)


def candle_row(number):
    price = 100 + number
    return {
        "timestamp": (START + timedelta(hours=number)).isoformat(),
        "open": price, "high": price + 2, "low": price - 2, "close": price + 1, "volume": 5,
    }  # fmt: skip


DAMAGE = st.sampled_from(["", "number", "row", "time", "repeat", "empty", "skip", "field"])


@given(damage=st.lists(DAMAGE, min_size=3, max_size=40), falling=st.booleans())
@CALM
def test_every_candle_row_is_drawn_or_reported(damage, falling):
    rows = []
    for number, how in enumerate(damage):
        row = candle_row(number)
        if how == "number":
            row["high"] = "n/a"
        elif how == "time":
            row["timestamp"] = "soon"
        elif how == "empty":
            row |= dict.fromkeys(("open", "high", "low", "close"))
        elif how == "field":
            del row["low"]
        rows += {"row": [7], "repeat": [row, row], "skip": []}.get(how, [row])
    rows = rows[::-1] if falling else rows
    document = {"symbol": "A", "timeframe": "1h", "data": rows}
    found = preview(json.dumps(document).encode(), "market-data/ohlcv/A/1h/x.json")
    charts = [
        representation
        for representation in found.representations
        if isinstance(representation, Candles)
    ]
    assume(charts)
    chart = charts[0]
    assert len(chart.candles) + len(reported_rows(found)) == len(rows)
    times = {candle.when for candle in chart.candles}
    first, last = min(times), max(times)
    hours = {first + timedelta(hours=n) for n in range(int((last - first).total_seconds()) // 3600)}
    inside = sum(
        problem.amount
        for problem in found.problems
        if problem.kind is ProblemKind.GAP and first < problem.start < last
    )
    assert inside == len(hours - times)


LEVEL = st.tuples(st.integers(-1, 30), st.integers(-1, 5)).map(list) | st.just("x") | st.just([1])


@given(bids=st.lists(LEVEL, max_size=15), asks=st.lists(LEVEL, max_size=15))
@CALM
def test_every_level_of_a_book_is_drawn_or_reported(bids, asks):
    found = preview(json.dumps({"bids": bids, "asks": asks}).encode(), "a.json")
    assert len(of(found, Table).rows) == len(bids) + len(asks)
    books = [
        representation
        for representation in found.representations
        if isinstance(representation, Book)
    ]
    drawn = sum(len(book.bids) + len(book.asks) for book in books)
    lost = amounts(found, ProblemKind.BAD_NUMBER, ProblemKind.NEGATIVE)
    deleted = sum(problem.amount for problem in found.problems if "deletion" in problem.text)
    covered = sum(
        problem.amount for problem in found.problems if "last quantity counts" in problem.text
    )
    assert drawn + lost + deleted + covered == len(bids) + len(asks)


@given(assets=st.lists(st.sampled_from([{"symbol": "A", "quantity": 1}, {"symbol": "B"}, 5, "x", {}]), min_size=1, max_size=12))  # fmt: skip
@CALM
def test_every_asset_is_a_holding_and_unreadable_ones_are_reported(assets):
    found = preview(json.dumps({"portfolio": {"assets": assets}}).encode(), "a.json")
    assert len(of(found, Holdings).holdings) == len(assets)
    good = {
        number for number, asset in enumerate(assets) if asset == {"symbol": "A", "quantity": 1}
    }
    assert reported_rows(found) == set(range(len(assets))) - good


@given(trades=st.lists(st.sampled_from([{"id": 1, "price": 5}, {"id": 2, "price": "x"}, 7, [1, 2]]), min_size=1, max_size=12))  # fmt: skip
@CALM
def test_every_trade_is_a_row_and_odd_ones_are_reported(trades):
    assume(any(isinstance(trade, dict) for trade in trades))
    found = preview(json.dumps({"trades": trades}).encode(), "a.json")
    assert len(of(found, Table).rows) == len(trades)
    odd = {number for number, trade in enumerate(trades) if not isinstance(trade, dict)}
    assert odd <= reported_rows(found)


@pytest.mark.parametrize("form", ["candles", "trades", "book"])
def test_what_is_beyond_the_limits_is_reported(form):
    count = 50_100
    bodies = {
        "candles": {"timeframe": "1h", "data": [[1705312800, 2, 3, 1, 2]] * (LIMITS.shown + 1)},
        "trades": {"trades": [{"price": 1}] * count},
        "book": {"bids": [[1, 1]] * count, "asks": []},
    }
    found = preview(json.dumps(bodies[form]).encode(), "a.json")
    assert ProblemKind.LIMIT in found.counts


LOG = b"".join(b"%04d INFO line %d of the log\n" % (number, number * 7919) for number in range(400))
PACKERS = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}  # fmt: skip


@pytest.mark.parametrize("form", PACKERS)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
@CALM
def test_a_damaged_archive_shows_what_there_is_and_says_so(form, at, bit):
    packed = bytearray(PACKERS[form](LOG))
    packed[12 + at % (len(packed) - 12)] ^= 1 << bit
    found = preview(bytes(packed), f"a.log.{form}")
    lines = [
        representation
        for representation in found.representations
        if isinstance(representation, Lines)
    ]
    shown = "\n".join(lines[0].lines) if lines else ""
    assert shown.encode() == LOG.rstrip(b"\n") or found.problems


@pytest.mark.parametrize("cut", [9, 100, 1000])
def test_a_cut_gzip_gives_every_byte_before_the_cut(cut):
    import zlib

    packed = gzip.compress(LOG, mtime=0)[:-cut]
    expected = zlib.decompressobj(wbits=31).decompress(packed)
    found = preview(packed, "a.log.gz")
    assert "\n".join(of(found, Lines).lines).encode() == expected.rstrip(b"\n")
    assert ProblemKind.TRUNCATED in found.counts


def test_the_good_beginning_of_a_damaged_gzip_is_shown():
    import random

    data = random.Random(1).randbytes(30_000).hex().encode()
    packed = bytearray(gzip.compress(data))
    packed[20_000:20_010] = bytes(10)
    found = preview(bytes(packed), "a.txt.gz")
    (line,) = of(found, Lines).lines
    assert len(line) > 10_000  # as far as a line is shown
    assert data.startswith(line.rstrip("…").encode()[:9_000])
    assert ProblemKind.PACKING in found.counts


@pytest.mark.parametrize("form", PACKERS)
def test_bytes_behind_an_archive_are_reported(form):
    found = preview(PACKERS[form](LOG) + b"and more", f"a.log.{form}")
    assert len(of(found, Lines).lines) == 400
    assert ProblemKind.PACKING in found.counts


def test_the_beginning_of_a_packed_object_is_not_called_truncated():
    import random

    packed = gzip.compress(random.Random(1).randbytes(50_000).hex().encode())
    found = preview(packed[:20_000], "a.txt.gz", total=len(packed))
    assert ProblemKind.TRUNCATED not in found.counts
    assert "only the beginning" in found.problem_texts
