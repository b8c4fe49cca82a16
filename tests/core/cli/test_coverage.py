"""`coverage` as a script calls it, on each S3 server."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from helpers.coverage_keys import candle, stream_keys, trade

from core.errors import ErrorKind

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def streams(put):
    """Candles every four hours with one missing day, and trades that ended."""
    moments = [m for m in stream_keys(START, 12, timedelta(hours=4)) if m.day != 5]
    put(*(candle(m, timeframe="4h") for m in moments), body=b"[]")
    put(
        *(trade(m, "=A1") for m in stream_keys(START, 3, timedelta(days=1))),
        "notes.txt",
        body=b"[]",
    )


@pytest.fixture
def running(put):
    """A stream whose last file is of five hours ago."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    put(*(candle(now - timedelta(hours=5 + n), timeframe="1h") for n in range(48)), body=b"[]")


def test_streams_and_their_days(run, streams):
    found = json.loads(run("coverage", "--json").out)
    assert found["objects"] == 12 * 6 - 6 + 3
    candles, trades = found["streams"]
    assert (candles["kind"], candles["name"], candles["timeframe"]) == ("ohlcv", "BTC-USD", "4h")
    assert (candles["complete_days"], candles["thin_days"], candles["missing_days"]) == (11, 0, 1)
    assert (candles["first_day"], candles["last_day"]) == ("2024-01-01", "2024-01-12")
    assert (candles["state"], candles["interval_seconds"]) == ("ended", 4 * 3600)
    assert candles["latest"] == "2024-01-12T20:00:00Z"
    assert (trades["name"], trades["complete_days"]) == ("=A1", 3)
    printed = run("coverage", "ohlcv")
    assert printed.out.split("\t")[:6] == [
        "ohlcv",
        "BTC-USD 4h",
        "2024-01-01",
        "2024-01-12",
        "11",
        "0",
    ]
    assert "LIST request" in printed.err


def test_a_selection_of_streams_and_days(run, streams):
    assert json.loads(run("coverage", "ohlcv", "ETH*", "--json").out)["streams"] == []
    assert json.loads(run("coverage", "ohlcv", "--timeframe", "1h", "--json").out)["streams"] == []
    days = ("--from", "2024-01-04", "--to", "2024-01-06")
    for name in ("BTC-*", "BTC-USD"):
        (found,) = json.loads(run("coverage", "ohlcv", name, *days, "--json").out)["streams"]
        assert (found["first_day"], found["last_day"]) == ("2024-01-04", "2024-01-06")
        assert (found["complete_days"], found["missing_days"]) == (2, 1)


def test_gaps_are_listed_and_exported(run, streams, tmp_path):
    path = tmp_path / "gaps.csv"
    (gap,) = json.loads(run("coverage", "--gaps", "--json", "--output", path).out)
    assert (gap["from"], gap["to"]) == ("2024-01-05T00:00:00Z", "2024-01-05T21:00:00Z")
    assert (gap["state"], gap["hours"], gap["expected_files"]) == ("missing", 6, 6)
    with path.open(encoding="utf-8", newline="") as file:
        assert [row["prefix"] for row in csv.DictReader(file)] == [gap["prefix"]]
    run("coverage", "--output", path, code=ErrorKind.ALREADY_EXISTS.value)
    run("coverage", "--output", path, "--overwrite")
    other = tmp_path / "gaps.json"
    run("coverage", "--output", other)
    assert json.loads(other.read_text(encoding="utf-8")) == [gap]
    run("coverage", "--output", tmp_path / "gaps.txt", code=ErrorKind.INVALID_INPUT.value)


def test_a_stopped_stream_has_an_exit_code(run, running):
    printed = run("coverage", "ohlcv", "--fail-stopped", code=ErrorKind.NOT_FOUND.value)
    assert "! ohlcv BTC-USD 1h has stopped" in printed.err
    assert "Streams that have stopped: 1" in printed.err
    run("coverage", "ohlcv")


def test_a_stream_that_stopped_long_ago_fails_until_it_is_ignored(run, streams, put):
    """A monitor that becomes silent by itself hides what it has found."""
    failed, ignored = ErrorKind.NOT_FOUND.value, "stream that stopped left out: ohlcv BTC-USD 4h."
    printed = run("coverage", "ohlcv", "--fail-stopped", code=failed)
    assert "! ohlcv BTC-USD 4h has stopped: no file for" in printed.err
    assert "1 stream" not in printed.err
    for option in (("--ignore", "ETH-USD"), ("--ignore-after", "36500")):
        run("coverage", "ohlcv", "--fail-stopped", *option, code=failed)
    for option in (("--ignore", "BTC-*"), ("--ignore-after", "30")):
        assert f"! 1 {ignored}" in run("coverage", "ohlcv", "--fail-stopped", *option).err
    put(
        *(candle(START + timedelta(days=d), symbol="X", timeframe="1d") for d in range(9)),
        body=b"[]",
    )
    printed = run("coverage", "ohlcv", "--fail-stopped", "--ignore", "BTC-USD", code=failed)
    assert "! ohlcv X 1d has stopped" in printed.err
    assert "ohlcv BTC-USD 4h has stopped" not in printed.err
    run("coverage", "--ignore", "X", code=ErrorKind.USAGE.value)


def test_a_name_without_files_is_no_healthy_stream(run, streams):
    """A monitor must notice that all files of a stream are gone."""
    for names in (["NOPE"], ["BTC-*", "NO*"]):
        printed = run("coverage", "ohlcv", *names, "--fail-stopped", code=ErrorKind.NOT_FOUND.value)
        assert f"There are no files of {names[-1]}" in printed.err
    assert "! There are no files of NOPE." in run("coverage", "ohlcv", "NOPE", "--gaps").err
    printed = run("coverage", "ohlcv", "NOPE", "--timeframe", "1h", "--gaps")
    assert "! There are no files of NOPE with the timeframe 1h." in printed.err
    printed = run("coverage", "ohlcv", "BTC-*", "NOPE", "--json")
    assert json.loads(printed.out)["without"] == ["NOPE"]
    run("coverage", "portfolio", "--fail-stopped", code=ErrorKind.NOT_FOUND.value)


def test_the_content_of_candle_files_is_checked(run, put):
    rows = [{"timestamp": int(START.timestamp()) + 3600 * hour} for hour in range(24) if hour != 7]
    put(candle(START, timeframe="1h"), body=json.dumps({"data": rows}).encode())
    days = ("--timeframe", "1h", "--from", "2024-01-01", "--to", "2024-01-01", "--content")
    found = json.loads(run("coverage", "ohlcv", "BTC-USD", *days, "--json").out)
    assert (found["intervals"], found["present"]) == ({"BTC-USD": 24}, {"BTC-USD": 23})
    (gap,) = found["gaps"]
    assert (gap["state"], gap["from"]) == ("rows missing", "2024-01-01T07:00:00Z")
    printed = run("coverage", "ohlcv", "BTC-USD", *days)
    assert "BTC-USD 1h\trows missing\t2024-01-01T07:00:00Z" in printed.out
    assert "23 of 24 intervals have a candle." in printed.err


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["candles"], ErrorKind.INVALID_INPUT),
        (["ohlcv", "--from", "yesterday"], ErrorKind.USAGE),
        (["ohlcv", "--content"], ErrorKind.USAGE),
        (["ohlcv", "--content", "--gaps"], ErrorKind.USAGE),
        (["ohlcv", "--from", "2024-02-01", "--to", "2024-01-01"], ErrorKind.INVALID_INPUT),
    ],
)
def test_errors_have_exit_codes(run, arguments, kind):
    assert run("coverage", *arguments, code=kind.value).out == ""
