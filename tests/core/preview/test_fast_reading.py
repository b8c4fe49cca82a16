"""Reading by runs and columns returns the same rows as reading one value at a time."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.preview import Candles, Number, Table, Tree, is_number, preview
from core.preview.json_runs import RUN

OHLCV = "market-data/ohlcv/BTC-USD/1m/2024/01/15/2024-01-15T00:00:00Z.json"
CALM = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def of(found, kind):
    return next(
        representation
        for representation in found.representations
        if isinstance(representation, kind)
    )


def refused(_text):
    raise ValueError


def read_singly(data, key):
    """Return the preview made by the readers for broken texts and odd rows."""
    with (
        patch("core.preview.json_reader.parse_exact", refused),
        patch("core.preview.json_runs.parse_exact", refused),
        patch("core.preview.candle_columns._written_columns", lambda *_: None),
    ):
        return preview(data, key)


def contents(found):
    """Return all that a preview shows, with candles and rows spelled out."""
    shown = [found.title, found.count, found.problems, found.counts, found.complete]
    for representation in found.representations:
        if isinstance(representation, Candles):
            shown += [
                representation.symbol,
                representation.timeframe,
                tuple(representation.candles),
                representation.gaps,
                representation.step,
            ]
        elif isinstance(representation, Table):
            shown += [
                representation.columns,
                tuple(representation.rows),
                representation.numeric,
                representation.more,
                representation.signs,
            ]
        else:
            shown.append(
                representation.root if isinstance(representation, Tree) else representation
            )
    return shown


TIMES = st.one_of(
    st.integers(1_705_312_800, 1_705_320_000),
    st.sampled_from(
        ["2024-01-15T10:00:00Z", "2024-01-15T10:00:00", "2024-02-30T10:00:00Z", "2024-01-15 10:00:00+00:00",
         "2024-01-15T10:00:00.5Z", "2024-01-15T12:00:00+02:00", "1705312800", "1705312800000", "2024-01-15",
         "soon", "", "0000-01-15T10:00:00", "NaT", "today", "20240115T100000", "2024-01-15T24:00:00",
         1705312800.25, 1705312800000, 1705312800123456, 1705312800123456789, -5, 0, 10**18, 10**25, None, True]
    ),
)  # fmt: skip
PRICES = st.one_of(
    st.integers(-2, 12),
    st.sampled_from(
        ["10", "10.0", "1e1", " 10 ", "n/a", "", "NaN", "inf", "1_0", "9" * 61, "0." + "1" * 70, 10.0, 1e-31, 1e31, 0.0,
         10.000000000000001, 10.0000000000000001, 2**63, 10**40, None, True, [], {}]
    ),
)  # fmt: skip
OBJECT = st.fixed_dictionaries(
    {"timestamp": TIMES, "open": PRICES, "high": PRICES, "low": PRICES, "close": PRICES},
    optional={"volume": PRICES, "time": TIMES},
)
LIST = st.tuples(TIMES, PRICES, PRICES, PRICES, PRICES, PRICES).map(list)
ROWS = st.lists(OBJECT, max_size=12) | st.lists(LIST, max_size=12)
ROWS |= st.lists(OBJECT | LIST | st.sampled_from([7, "x", None, [1, 2]]), max_size=8)
GOOD_ROW = st.tuples(
    st.integers(0, 40).map(lambda hour: 1_705_312_800 + hour * 3600),
    *[st.sampled_from(["10", "10.0", "11", 10, 11.5, "9"])] * 4,
    st.integers(0, 3),
).map(list)


@given(rows=ROWS | st.lists(GOOD_ROW, max_size=30), wrapped=st.booleans(), cut=st.integers(0, 30))
@CALM
def test_both_ways_of_reading_show_the_same(rows, wrapped, cut):
    body = {"symbol": "A", "timeframe": "1h", "data": rows} if wrapped else rows
    data = json.dumps(body).encode()
    data = data[: len(data) - cut] if cut > 20 else data
    assert contents(preview(data, OHLCV)) == contents(read_singly(data, OHLCV))


@pytest.mark.parametrize(
    "text",
    [
        "-0", "-0.0", "0", "1.10", "1E5", "1e400", "-1e-400", "9" * 30, "9" * 4301, "0.1" + "0" * 40,
        "12345678901234567890.12345678901234567890",
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "[{}]", '{{"a": {}}}', ' [ {} , "-0" ] ', "[[{}\n]]"])
def test_every_number_is_shown_with_its_own_digits(text, around):
    root = of(preview(around.format(text).encode(), "a.json"), Tree).root
    while isinstance(root, list | dict):
        root = root[0] if isinstance(root, list) else root["a"]
    assert isinstance(root, Number)
    assert root == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}', "[NaN]", "[Infinity, -Infinity]", '"\\ud800"', '["\\udc00 x", 1.50]',
        "[" * 150 + "]" * 150, "[" * 99 + "1.0" + "]" * 99, '["a\nb"]', "[01]", "[1,]", "", "[1.5] 2",
        '{"a": {"b": [{"c": 1.0}, {"c": 1.0, "c": 2}]}}',
    ],
)  # fmt: skip
def test_what_the_fast_parser_refuses_is_read_as_before(text):
    found, before = (read(text.encode(), "a.json") for read in (preview, read_singly))
    if text.startswith("[" * 150):  # well-formed, only deep: now it is shown
        assert found.problems == ()
    else:
        assert contents(found) == contents(before)


def test_numbers_of_a_tree_are_known_as_numbers():
    values = of(preview(b'[1, 1.5, "1", true, null]', "a.json"), Tree).value
    assert [is_number(value) for value in values] == [True, True, False, False, False]


def candles(count, **more):
    """Return a document of candles like those that exchanges answer with."""
    rows = ",".join(
        f'{{"timestamp": "2024-01-{1 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00Z", "open": {100 + n % 7}.10,'
        f' "high": 120.5, "low": {90 + n % 3}.25, "close": 101.{n % 100:02}, "volume": {n}.5}}'
        for n in range(count)
    )
    return f'{{"symbol": "BTC-USD", "timeframe": "1m", "data": [{rows}]}}'


def test_a_long_file_is_shown_to_its_last_candle():
    text = candles(44_640)
    assert len(text) > 10 * RUN
    found = preview(text.encode(), OHLCV)
    chart = found.representations[0]
    assert (found.count, found.problems) == ("44,640 candles", ())
    assert len(of(found, Table).rows) == len(of(found, Tree).value["data"]) == 44_640
    last = chart.candles[-1]
    assert (f"{last.open:f}", f"{last.close:f}", f"{last.volume:f}") == (
        "100.10",
        "101.39",
        "44639.5",
    )


@pytest.mark.parametrize("how", ["cut", "broken", "beginning"])
def test_every_candle_before_a_fault_is_shown(how):
    text = candles(20_000)
    at = text.index('"open"', text.index("2024-01-12T00:00"))
    data = text[: at + 3] if how != "broken" else text[:at] + "oops" + text[at:]
    found = preview(data.encode(), OHLCV, total=len(text) if how == "beginning" else None)
    assert len(found.representations[0].candles) == 11 * 1440
    assert len(found.problems) == 1


def test_a_list_is_read_in_runs_whatever_its_elements_hold():
    """Separators inside of elements and texts are no ends of elements."""
    row = {"a": [{"a": 1.50}, {"a": 2}], "text": '}, {"a": [{"a"', "b": [[1], [2]]}
    rows = [{**row, "n": number} for number in range(12_000)]
    text = json.dumps({"x": {"rows": rows, "after": 1}})
    assert len(text) > 5 * RUN
    assert of(preview(text.encode(), "a.json"), Tree).root == json.loads(
        text, parse_float=Number, parse_int=Number
    )


def test_a_long_file_of_json_lines_is_shown_to_its_last_line():
    lines = [f'{{"n": {number}, "price": {number}.50}}' for number in range(60_000)]
    found = preview("\n".join(lines).encode(), "a.jsonl")
    assert (found.count, found.problems) == ("60,000 rows", ())
    assert of(found, Table).rows[-1] == ("59999", "59999.50")
