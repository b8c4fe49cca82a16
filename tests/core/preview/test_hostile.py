"""Hostile input is shown or refused with a reason within a second, and never raises."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Cancelled
from core.preview import LIMITS, HexDump, Lines, Number, Preview, ProblemKind, Table, Tree, preview
from core.work import CancelToken, Work

ROOT = Path(__file__).parents[3]
MIB = 1024 * 1024
FULL = LIMITS.bytes_out


def representation(found: Preview, kind: type) -> object:
    return next(one for one in found.representations if isinstance(one, kind))


def texts(found: Preview) -> str:
    return " | ".join(problem.text for problem in found.problems)


BOMBS = {
    "gz": gzip.compress(b"\0" * (64 * MIB)),
    "bz2": bz2.compress(b"\0" * (16 * MIB)),
    "xz": lzma.compress(b"a" * (16 * MIB)),
    "zst": zstandard.compress(b"a" * (64 * MIB)),
}


@pytest.mark.parametrize("suffix", BOMBS)
def test_a_bomb_stops_at_the_caps(suffix):
    found = preview(BOMBS[suffix], f"a.json.{suffix}")
    assert ProblemKind.LIMIT in found.counts
    assert not found.complete


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_packed_input_is_unpacked(pack):
    found = preview(pack(b'{"a": 1.50}'), "x/a.json.gz")
    assert representation(found, Tree).root == {"a": "1.50"}
    assert found.packed
    assert found.problems == ()


def test_members_of_a_gzip_follow_each_other():
    found = preview(gzip.compress(b"[1,") + gzip.compress(b"2]"), "a.json.gz")
    assert representation(found, Tree).root == ["1", "2"]


def test_a_cut_gzip_shows_what_came_out():
    rows = json.dumps([{"n": number, "t": str(hash(str(number)))} for number in range(500)])
    found = preview(gzip.compress(rows.encode())[:2000], "a.json.gz")
    assert ProblemKind.TRUNCATED in found.counts
    assert len(representation(found, Table).rows) > 20


def test_packed_twice_is_opened_once():
    found = preview(gzip.compress(gzip.compress(b"{}")), "a.json.gz")
    assert isinstance(found.representations[0], HexDump)
    assert "packed again" in texts(found)


def test_broken_packing_is_reported():
    found = preview(gzip.compress(b"abc" * 1000)[:-30] + b"\xff" * 30, "a.gz")
    assert {ProblemKind.PACKING, ProblemKind.TRUNCATED} & set(found.counts)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b'{"x":{"y":' + b"[" * 5000 + b"]" * 5000 + b"}}", "nested deeper"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity"),
        (b'{"a": 1, "a": 2}', "appears twice"),
        (b'[{"b": {"a": 1, "a": 2}}]', "appears twice"),
        (b'{"a": "\xff\xfe"}', "not valid UTF-8"),
        (b'{"a": [1, 2', "ends in the middle"),
        (b'{"a": tru', "ends in the middle"),
        (b'{"a": 1} trailing', "more follows"),
        (b'[{"a": 1}, {"a": oops}, 3]', "not JSON at line 1"),
        (b"[" + b"1," * (FULL // 2 - 1) + b"1]", "too much for a preview"),
    ],
)
def test_json_faults_are_reported(data, text):
    assert text in texts(preview(data, "a.json"))


def test_numbers_stay_as_written():
    big = "9" * 5000
    found = preview(f'{{"a": {big}, "b": 1.2300, "c": 1e400, "d": -0}}'.encode(), "a.json")
    root = representation(found, Tree).root
    assert root == {"a": big, "b": "1.2300", "c": "1e400", "d": "-0"}
    assert all(isinstance(value, Number) for value in root.values())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_of_json(encoding):
    found = preview('{"a": "zażółć"}'.encode(encoding), "a.json")
    assert representation(found, Tree).root == {"a": "zażółć"}
    assert found.problems == ()


def test_a_cut_file_shows_every_row_before_the_cut():
    complete = json.dumps({"name": "t", "records": [{"id": n, "v": "x, y"} for n in range(100)]})
    for cut in range(40, len(complete), 97):
        found = preview(complete[:cut].encode(), "a.json")
        assert ProblemKind.TRUNCATED in found.counts
        records = representation(found, Tree).root.get("records", [])
        assert [row["id"] for row in records if "id" in row] == [
            str(n) for n in range(len([row for row in records if "id" in row]))
        ]
        assert complete[:cut].count('"v": "x, y"}') <= len(records)


def test_a_number_at_the_cut_is_not_shown():
    assert representation(preview(b'{"a": 1, "b": 12', "a.json"), Tree).root == {"a": "1"}


def test_only_the_beginning_was_fetched():
    found = preview(b'[{"a": 1}, {"a": 2}, {"a"', "a.json", total=10_000_000)
    assert not found.complete
    assert ProblemKind.TRUNCATED not in found.counts
    assert representation(found, Table).rows[:2] == (("1",), ("2",))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a,b\n1," + b"x" * (FULL - 10), "cell over 128 KB"),
        (
            b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b"1," * 99_999 + b"1\n",
            "columns",
        ),
        (b'a,b\n1,2\n"3,4\n' + b"7,8\n" * 100_000, "does not close"),
        (b"a,b\n1,2\n3\n4,5,6\n", "cells, not 2"),
    ],
)
def test_csv_faults_are_reported(data, text):
    found = preview(data, "a.csv")
    assert text in texts(found)
    assert isinstance(found.representations[0], Table)


def test_a_long_cell_without_a_quote_is_read_correctly():
    found = preview(b"a,b\n1," + b"x" * 200_000 + b"\n2,3\n", "a.csv")
    assert "quote" not in texts(found)
    assert "line 2 has a cell over 128 KB" in texts(found)
    assert ProblemKind.BROKEN not in found.counts
    assert representation(found, Table).rows[1] == ("2", "3")


def test_csv_with_nul_and_mixed_newlines():
    found = preview(b"a,b\n\x001,2\r3,4\r\n5,6\n", "a.csv")
    assert [row[1] for row in representation(found, Table).rows] == ["2", "4", "6"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_dialects(delimiter):
    lines = ["name,amount", '"a,b",1.50', "c,2.00", "d,-3"]
    text = "\n".join(line.replace(",", delimiter) for line in lines)
    table = representation(preview(text.encode(), "a.csv"), Table)
    assert table.columns == ("name", "amount")
    assert table.numeric == (False, True)
    assert table.rows[0] == (f"a{delimiter}b", "1.50")


def test_json_lines_keep_a_bad_line_as_its_text():
    found = preview(b'{"a": 1}\nnope\n{"a": 2}\n', "a.ndjson")
    assert representation(found, Tree).root == [{"a": "1"}, "nope", {"a": "2"}]
    assert found.problems[0].row == 1


def test_logs_lose_terminal_escapes_and_gain_levels():
    data = b"10:00 ERROR \x1b[31mred\x1b[0m \x1b]0;title\x07end\x9bx\n10:01 info fine\n"
    lines = representation(preview(data, "logs/app/2024/01/15/2024-01-15T10:00:00Z_app.log"), Lines)
    assert lines.lines[0].startswith("10:00 ERROR red end")
    assert not any(
        ord(char) < 32 or 127 <= ord(char) < 160 for line in lines.lines for char in line
    )
    assert lines.levels == "EI"


@pytest.mark.parametrize("data", [b"\x80\x04\x95abc.", b"\x93NUMPY\x01\x00", b"PAR1" + b"\0" * 99])
def test_nothing_is_unpickled(data):
    found = preview(data, "a.pkl")
    assert isinstance(found.representations[0], HexDump)
    assert "shown as bytes" in texts(found)


def test_an_empty_object_is_empty():
    assert preview(b"", "a.json").count == "empty"


def test_nothing_takes_longer_than_a_second_of_work_or_much_memory():
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    result = subprocess.run(
        [sys.executable, "-m", "helpers.hostile_inputs"], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=120, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr[-500:]}"
    assert result.stdout.endswith(" hostile objects, 0 failed\n")


def test_a_cancel_gets_out():
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        preview(b"[" + b"{},\n" * 10_000, "a.json", work=Work(token=token))


KEYS = st.sampled_from(
    [
        "a.json", "a.json.gz", "a.csv", "a.ndjson", "logs/app/a.log", "a", "a.png", "a.tsv",
        "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json",
        "market-data/orderbook/BTC-USD/2024/01/15/10/30_2024-01-15T10:30:00Z.json",
        "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10:00:00Z.json",
        "user-data/u/portfolio/2024/01/15/2024-01-15T10:00:00Z.json",
        "user-data/u/trades/2024/01/2024-01-15T10:00:00Z.json",
        "analytics/r/2024/01/15/2024-01-15T10:00:00Z.json",
        "backups/database/users/2024/01/15/2024-01-15T10:00:00Z.json",
    ]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["2024-01-15T10:00:00", "1e999999999", "-0", "NaN", "0x1", 1705312800, 1e18]),
)  # fmt: skip
NAMES = st.sampled_from(
    ["data", "timestamp", "open", "high", "low", "close", "volume", "orderbook", "bids", "asks",
     "trades", "price", "quantity", "portfolio", "assets", "symbol", "records", "x"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)


@given(data=st.binary(max_size=300), key=KEYS)
@settings(max_examples=200, deadline=None)
def test_fuzz_bytes(data, key):
    assert preview(data, key).representations


@given(value=VALUES, key=KEYS, cut=st.integers(0, 40), packed=st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_fuzz_json_of_the_contract(caplog, value, key, cut, packed):
    data = json.dumps(value).encode()
    data = data[: len(data) - cut] if cut < 20 else data
    caplog.clear()
    found = preview(gzip.compress(data) if packed else data, key)
    assert found.representations
    assert not caplog.records  # the last resort was not needed
